"""Checks what an activity carries in `details`, and actions that a customer declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from msgspec import Meta, Struct

from trailkeeper.activity import ActionName, Kind
from trailkeeper.catalogue.schema import compiled, encode, violations
from trailkeeper.catalogue.spec import ActionSpec, Icon, JsonType, Text
from trailkeeper.catalogue.template import parse

_PYTHON_TYPES: Mapping[JsonType, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (dict,),
}


class DetailProblem(NamedTuple):
    """What is wrong with a detail. `pointer` (RFC 6901) starts at the activity: `/details/key`."""

    pointer: str
    message: str


class CustomAction(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An action that a workspace declares for itself.

    `schema` is a JSON Schema 2020-12 for `details`: at most 64 KiB, patterns of at most 200
    characters, references only to itself. `sentence` is written as those of the catalogue; without
    one the label is shown with target and actor. Making one with a schema or a sentence that cannot
    be used raises ValueError (from msgspec, ValidationError), which says where and why.
    """

    name: ActionName
    version: Annotated[int, Meta(ge=1)] = 1
    label: Text
    sentence: Text | None = None
    icon: Icon | None = None
    target_type: Kind | None = None
    schema: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.sentence is not None:
            parse(self.sentence)
        if self.schema is not None:
            compiled(encode(self.schema))


def check_details(spec: ActionSpec, details: Mapping[str, Any]) -> list[DetailProblem]:
    """What is wrong with the details of an activity that the catalogue knows.

    A key that the action declares must have its JSON type, and null is none of them; keys that it
    does not declare may hold anything.
    """
    return [
        DetailProblem(f"/details/{key}", f"must be {_either(detail.types)}")
        for key, detail in spec.details.items()
        if key in details and not any(_is(details[key], name) for name in detail.types)
    ]


def check_custom(custom: CustomAction, details: Mapping[str, Any]) -> list[DetailProblem]:
    """What is wrong with the details of an activity of a declared action, at most 20 things.

    Schemas are compiled once per process, however many equal declarations there are.
    """
    if custom.schema is None:
        return []
    found = violations(compiled(encode(custom.schema)), details)
    return [DetailProblem("/details" + pointer, message) for pointer, message in found]


def _is(value: object, name: JsonType) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _PYTHON_TYPES[name])


def _either(types: list[JsonType]) -> str:
    return " or ".join(f"{'an' if name[0] in 'aio' else 'a'} {name}" for name in types)
