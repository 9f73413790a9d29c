"""How a stream's messages look, as it is asked for and checked."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from trailkeeper.errors import FieldError, InvalidInput
from trailkeeper.query.language import QueryError, parse
from trailkeeper.streaming.destination import Packing
from trailkeeper.streaming.formats import format_of
from trailkeeper.streaming.packing import check_packing
from trailkeeper.streaming.sample import check_masks
from trailkeeper.streaming.stream import Mask
from trailkeeper.streaming.template import problem_of

QUERY_MAX = 2_000
TEMPLATE_MAX = 16_000
MASKS_MAX = 100
COMPRESSIONS = ("none", "gzip", "zstd")


class Shape(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a stream's messages look; what is left out stays."""

    format: str | None = None
    template: str | None = None
    query: str | None = None
    masks: dict[str, Mask] | None = None
    packing: Packing | None = None
    compression: str | None = None


def checked(shape: Shape) -> dict[str, Any]:
    """What is to be changed, by the names of a stream's settings. Raises InvalidInput."""
    values = {
        name: value
        for name in Shape.__struct_fields__
        if (value := getattr(shape, name)) is not None
    }
    if shape.format is not None:
        format_of(shape.format)
    if shape.query is not None:
        if len(shape.query) > QUERY_MAX:
            raise _wrong("query", f"has more than {QUERY_MAX} characters")
        try:
            parse(shape.query)
        except QueryError as error:
            raise _wrong("query", str(error)) from None
    if shape.template is not None and len(shape.template) > TEMPLATE_MAX:
        raise _wrong("template", f"has more than {TEMPLATE_MAX} characters")
    if shape.template is not None and (problem := problem_of(shape.template)):
        raise _wrong("template", problem)
    check_packing(shape.packing or "batch")
    if shape.compression is not None and shape.compression not in COMPRESSIONS:
        raise _wrong("compression", f"must be one of {', '.join(COMPRESSIONS)}")
    for pointer in shape.masks or ():
        if len(shape.masks or ()) > MASKS_MAX or not pointer.startswith("/") or len(pointer) > 500:
            raise _wrong("masks", f"{pointer[:60]!r} is no JSON pointer into an activity or a job")
    check_masks(shape.masks or {})
    return values


def _wrong(field: str, detail: str) -> InvalidInput:
    return InvalidInput(f"{field} {detail}", FieldError(detail, f"/{field}"))
