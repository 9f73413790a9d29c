"""The kinds of destination, one file each."""

from __future__ import annotations

from trailkeeper.errors import FieldError, InvalidInput
from trailkeeper.streaming.destination import Kind
from trailkeeper.streaming.destinations import (
    azure,
    datadog,
    elastic,
    file,
    gcs,
    http,
    kafka,
    loki,
    nats,
    newrelic,
    s3,
    splunk,
    sumologic,
    syslog,
)
from trailkeeper.streaming.guard import Guard

_KINDS = (
    s3.KIND,
    gcs.KIND,
    azure.KIND,
    http.KIND,
    sumologic.KIND,
    splunk.KIND,
    datadog.KIND,
    elastic.KIND,
    newrelic.KIND,
    loki.KIND,
    syslog.KIND,
    nats.KIND,
    kafka.KIND,
    file.KIND,
)

DESTINATIONS: dict[str, Kind] = {kind.name: kind for kind in _KINDS}
"""In the order to offer them."""


def offered(guard: Guard) -> list[Kind]:
    """Those that may be set up in this installation."""
    return [kind for kind in _KINDS if kind.is_offered(guard)]


def kind_of(name: str) -> Kind:
    """Raises InvalidInput."""
    if name not in DESTINATIONS:
        detail = f"must be one of {', '.join(DESTINATIONS)}"
        raise InvalidInput(f"The destination {detail}", FieldError(detail, "/destination"))
    return DESTINATIONS[name]
