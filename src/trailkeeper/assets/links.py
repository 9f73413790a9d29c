"""Where an asset's content names other assets, and naming others instead.

It works on content as JSON has it, which a stranger may have written: what does not look like a
name of an asset is left as it is, for the checks of the content to refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast, get_type_hints

from msgspec import Struct

from trailkeeper.assets.content import Content, Use
from trailkeeper.assets.kind import Kind

JsonObject = dict[str, Any]


class Link(Struct, frozen=True):
    """One place where content names an asset of a kind."""

    pointer: str
    kind: str
    id: str


NewId = Callable[[Link], str | None]


def link_fields(kind: Kind) -> tuple[str, ...]:
    """The fields of a kind's content that name other assets."""
    return (*(reference.field for reference in kind.references), *_use_fields(kind.content))


def links_of(kind: Kind, content: JsonObject) -> list[Link]:
    """All links of a content of this kind."""
    found: list[Link] = []

    def note(link: Link) -> str:
        found.append(link)
        return link.id

    relinked(kind, content, note)
    return found


def relinked(kind: Kind, content: JsonObject, new_id: NewId) -> JsonObject:
    """The content with another id in each link; one for which there is none is left out."""
    made = dict(content)
    for reference in kind.references:
        if (value := made.get(reference.field)) is not None:
            made[reference.field] = _ids(f"/{reference.field}", reference.kind, value, new_id)
    for field in _use_fields(kind.content):
        if isinstance(value := made.get(field), list):
            made[field] = _uses(f"/{field}", cast("list[Any]", value), new_id)
    return made


def _ids(pointer: str, kind: str, value: Any, new_id: NewId) -> Any:
    if isinstance(value, str):
        return new_id(Link(pointer, kind, value))
    if not isinstance(value, list):
        return value
    ids: list[Any] = []
    for at, one in enumerate(cast("list[Any]", value)):
        new = new_id(Link(f"{pointer}/{at}", kind, one)) if isinstance(one, str) else one
        if new is not None:
            ids.append(new)
    return ids


def _uses(pointer: str, uses: list[Any], new_id: NewId) -> list[Any]:
    made: list[Any] = []
    for at, use in enumerate(uses):
        if not _is_use(use):
            made.append(use)
        elif (new := new_id(Link(f"{pointer}/{at}/id", use["kind"], use["id"]))) is not None:
            made.append({**use, "id": new})
    return made


def _is_use(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    use = cast("JsonObject", value)
    return isinstance(use.get("kind"), str) and isinstance(use.get("id"), str)


@lru_cache
def _use_fields(content: type[Content]) -> tuple[str, ...]:
    """The fields that are lists of uses."""
    hints = get_type_hints(content)
    return tuple(name for name, hint in hints.items() if hint == list[Use])
