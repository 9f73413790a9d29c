"""What pages do with a form that was sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

from litestar.enums import RequestEncodingType
from litestar.params import Body
from msgspec import Struct

from trailkeeper.errors import Problem

F = TypeVar("F")
Sent = Annotated[F, Body(media_type=RequestEncodingType.URL_ENCODED)]
"""A form's fields."""


class Plain(Struct):
    """A form with nothing but its token."""

    csrf: str = ""


class OpenPlain(Struct):
    """The same, outside a session."""

    form: str = ""


def attempt(do: Callable[[], object]) -> Problem | None:
    """Do it; what kept it from being done is returned, to be shown beside the form."""
    try:
        do()
    except Problem as problem:
        return problem
    return None


def many(values: str | list[str]) -> list[str]:
    """A field that may come several times."""
    return [values] if isinstance(values, str) and values else list(values or [])
