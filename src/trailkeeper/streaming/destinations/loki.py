"""Grafana Loki, by the push API with JSON.

https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs : POST to
`/loki/api/v1/push` of `{"streams": [{"stream": labels, "values": [[nanoseconds, line], …]}]}`, 204
is taken, 429 too much (of ingestion_rate_mb, 4 by default, ingestion_burst_size_mb, 6, or
per_stream_rate_limit, 3); `X-Scope-OrgID` names the tenant. Limits
(https://grafana.com/docs/loki/latest/operations/request-validation-rate-limits/): a line of 256 KB,
15 labels of a stream; bodies are 1 MB, as Loki's own clients have them.

Loki orders the lines of a stream by their time and takes none that is more than an hour behind the
newest, nor, by default, older than a week (reject_old_samples_max_age). So a line's time is that of
receipt, to the millisecond, and seq below that: it never falls while seq rises, and is the same at
each try. What is sent again after more than an hour Loki refuses (400), and the stream is paused:
give it another label then.
"""

from __future__ import annotations

import re
import time
from typing import Annotated

import msgspec
from msgspec import Struct

from trailkeeper.errors import FieldError, InvalidInput
from trailkeeper.streaming.destination import Answer, Kind, Message, Opening, Parcel
from trailkeeper.streaming.field import setting
from trailkeeper.streaming.http_sending import (
    Sender,
    basic,
    header_text,
    packed,
    require_room,
)
from trailkeeper.streaming.messages import json_string, text_of

BODY_BYTES = 1_500_000
LINE_BYTES = 256 * 1024
LABELS_MAX = 10
LABEL_BYTES = 200
RESERVED = ("workspace", "stream", "log")

_NAME = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]{0,99}")


class LokiSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: Annotated[str, setting("Address", "url", "For example: https://logs-prod-eu.grafana.net")]
    user: Annotated[
        str, setting("User", help="For basic authentication; in Grafana Cloud a number.")
    ] = ""
    password: Annotated[str, setting("Password or token", "secret")] = ""
    tenant: Annotated[
        str, setting("Tenant", help="X-Scope-OrgID, where Loki has several tenants.")
    ] = ""
    labels: Annotated[
        str,
        setting(
            "Labels",
            "lines",
            "One on a line, as name=value; at most 10. Added to workspace, stream and log.",
            max_length=4_000,
        ),
    ] = "job=trailkeeper"


class LokiDestination:
    """Takes any 2xx for taken."""

    def __init__(self, settings: LokiSettings, opening: Opening) -> None:
        base = settings.url.rstrip("/").removesuffix("/loki/api/v1/push")
        self._url = f"{base}/loki/api/v1/push"
        self._labels = {
            **_labels(settings.labels),
            "workspace": opening.workspace,
            "stream": opening.stream_id,
        }
        self._headers = {"Content-Type": "application/json"}
        secrets = [settings.password]
        if settings.user or settings.password:
            self._headers["Authorization"] = basic(settings.user, settings.password)
            secrets.append(self._headers["Authorization"].removeprefix("Basic "))
        if settings.tenant:
            self._headers["X-Scope-OrgID"] = header_text(settings.tenant, "tenant", "The tenant")
        self._sender = Sender(opening.guard.client(), secrets)

    def deliver(self, parcel: Parcel) -> None:
        values: list[bytes] = []
        last = 0
        for message in parcel.messages:
            last = max(last + 1, nanoseconds(message))
            values.append(b'["%d",%b]' % (last, json_string(text_of(message.body))))
        body = self._body(parcel.log, b",".join(values))
        require_room(body, BODY_BYTES, parcel.messages)
        headers = {**self._headers, "Content-Encoding": "gzip"}
        self._sender.check(self._sender.post(self._url, packed(body), headers), parcel.messages)

    def test(self) -> Answer:
        line = b'["%d","Trailkeeper can reach this Loki"]' % time.time_ns()
        return self._sender.test(self._url, self._body("test", line), self._headers)

    def close(self) -> None:
        self._sender.close()

    def _body(self, log: str, values: bytes) -> bytes:
        labels = msgspec.json.encode({**self._labels, "log": log})
        return b'{"streams":[{"stream":%b,"values":[%b]}]}' % (labels, values)


def nanoseconds(message: Message) -> int:
    """The time of a line: rises with seq, and is a message's own at each try."""
    milliseconds = (message.received_at or message.at) // 1_000
    return milliseconds * 1_000_000 + message.seq % 1_000_000


def _labels(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, value = (part.strip() for part in line.partition("="))
        if not _NAME.fullmatch(name) or name in RESERVED:
            raise _wrong(f"{line[:60]!r} has no name that a label may have")
        if not value or len(value.encode()) > LABEL_BYTES or not value.isprintable():
            raise _wrong(f"{name} needs a value of at most {LABEL_BYTES} bytes")
        found[name] = value
    if len(found) > LABELS_MAX:
        raise _wrong(f"there are more than {LABELS_MAX}")
    return found


def _wrong(detail: str) -> InvalidInput:
    return InvalidInput(f"The labels: {detail}", FieldError(detail, "/labels"))


KIND = Kind(
    name="loki",
    label="Grafana Loki",
    settings=LokiSettings,
    open=LokiDestination,
    where=lambda settings: settings.get("url", ""),
    linger_s=1.0,
    parcel_bytes=1_000_000,
    message_bytes=LINE_BYTES,
)
