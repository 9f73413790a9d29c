"""The formats in which activities and jobs are sent, one file each."""

from __future__ import annotations

from trailkeeper.errors import FieldError, InvalidInput
from trailkeeper.streaming.format import Format
from trailkeeper.streaming.formats import cef, cloudevents, ecs, ocsf, own, workato

FORMATS: dict[str, Format] = {
    one.name: one
    for one in (
        own.FORMAT,
        workato.FORMAT,
        *ocsf.FORMATS,
        ecs.FORMAT,
        cloudevents.FORMAT,
        cef.FORMAT,
    )
}
"""In the order to offer them."""


def format_of(name: str) -> Format:
    """Raises InvalidInput."""
    if name not in FORMATS:
        detail = f"must be one of {', '.join(FORMATS)}"
        raise InvalidInput(f"The format {detail}", FieldError(detail, "/format"))
    return FORMATS[name]
