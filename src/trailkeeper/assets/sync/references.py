"""References between assets: by path in files, by id in the registry.

A path has a slash in it and an id has none. A file names an asset that it uses by its path alone;
inside, the kind stands beside it, as in the registry.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any, cast

from msgspec.structs import replace

from trailkeeper.assets.kind import Kind
from trailkeeper.assets.kinds import KINDS
from trailkeeper.assets.links import Link, links_of, relinked
from trailkeeper.assets.sync.layout import DIRECTORIES, lists_of_uses

Translate = Callable[[str], str | None]

NO_KIND = "unknown"
"""Where a file names something that is no path."""


def fields_of(kind: Kind) -> tuple[str, ...]:
    """The fields of a kind that name other assets."""
    return (*(one.field for one in kind.references), *lists_of_uses(kind))


def spelled_out(kind: Kind, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a file, with the kinds of the assets that it uses."""

    def use(one: Any) -> Any:
        if not isinstance(one, str):
            return one
        known = DIRECTORIES.get(one.partition("/")[0])
        return {"kind": known.name if known else NO_KIND, "id": one}

    return _each_use(kind, fields, use)


def as_in_files(kind: Kind, fields: Mapping[str, Any], path_of: Translate) -> dict[str, Any]:
    """Fields with paths instead of the ids that have one."""

    def use(one: Any) -> Any:
        known = cast("dict[str, Any]", one)
        return known["id"] if "/" in known["id"] else known

    named = relinked(kind, dict(fields), lambda link: path_of(link.id) or link.id)
    return _each_use(kind, named, use)


def paths_in(kind: Kind, content: Mapping[str, Any]) -> list[Link]:
    """The paths that a content names, and where."""
    uses = tuple(f"/{field}/" for field in lists_of_uses(kind))
    return [
        replace(link, pointer=link.pointer.removesuffix("/id"))
        if link.pointer.startswith(uses)
        else link
        for link in links_of(kind, dict(content))
        if "/" in link.id or link.kind == NO_KIND
    ]


def problem_of(link: Link) -> str | None:
    """What is wrong with a path by itself."""
    directory, _, rest = link.id.partition("/")
    wanted = KINDS[link.kind].path if link.kind in KINDS else "recipes"
    if rest and directory == wanted and directory in DIRECTORIES:
        return None
    return f"must be the path of another file, as in `{wanted}/…`"


def with_ids(kind: Kind, content: Mapping[str, Any], id_of: Translate) -> dict[str, Any]:
    """A content with ids instead of the paths that have one."""
    return relinked(kind, dict(content), lambda link: id_of(link.id) or link.id)


def only(kind: Kind, content: Mapping[str, Any], there: Container[str]) -> dict[str, Any]:
    """A content without the paths that are not there."""
    return relinked(
        kind,
        dict(content),
        lambda link: link.id if "/" not in link.id or link.id in there else None,
    )


def _each_use(
    kind: Kind, fields: Mapping[str, Any], change: Callable[[Any], Any]
) -> dict[str, Any]:
    found = dict(fields)
    for field in lists_of_uses(kind):
        value = found.get(field)
        if isinstance(value, list):
            found[field] = [change(one) for one in cast("list[Any]", value)]
    return found
