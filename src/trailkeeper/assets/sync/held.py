"""What the registry holds, as a folder of files would have it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from trailkeeper.assets.asset import Asset
from trailkeeper.assets.reads import PAGE_MAX, Reads, name_key
from trailkeeper.assets.registry import Registry
from trailkeeper.assets.sync import marks
from trailkeeper.assets.sync.layout import DIRECTORIES, path_in, stem_of

Place = tuple[str, str | None, str]
"""A kind, the id of the folder or parent, and the name as names are compared."""


class Held(Struct, frozen=True):
    """The live assets of a workspace, by id.

    `marks` say which of them came from files, and what each is known by; `secrets` are their
    values; `paths` what a file of each is called by.
    """

    assets: dict[str, Asset]
    marks: dict[str, str]
    secrets: dict[str, dict[str, Any]]
    paths: dict[str, str]

    def by_identity(self) -> dict[str, Asset]:
        """The assets that came from files, by what they are known by."""
        return {identity: self.assets[id] for id, identity in self.marks.items()}

    def by_place(self) -> dict[Place, Asset]:
        return {place_of(one): one for one in self.assets.values()}

    def by_path(self) -> dict[str, Asset]:
        return {path: self.assets[id] for id, path in self.paths.items()}


def place_of(one: Asset) -> Place:
    """Where an asset is, and under which name: no two are at one place."""
    return one.kind, home_id(one), name_key(one.name)


def home_id(one: Asset) -> str | None:
    """The folder or parent that an asset is in."""
    return one.folder_id or one.parent_id


def look(registry: Registry, workspace: int) -> Held:
    """What a workspace holds now."""
    with registry.reading(workspace) as (connection, rows):
        assets = {one.id: one for kind in DIRECTORIES.values() for one in _every(rows, kind.name)}
        marked = marks.of(connection, workspace)
        secrets = {
            one.id: rows.secrets(one)
            for one in assets.values()
            if one.secrets and one.of.secret_fields
        }
    known = {one.id: marked[one.key] for one in assets.values() if one.key in marked}
    return Held(assets, known, secrets, _paths(assets))


def _every(rows: Reads, kind: str) -> Iterator[Asset]:
    after = None
    while True:
        page = rows.page(kind, after=after, limit=PAGE_MAX, order="id")
        yield from page.assets
        if page.next is None:
            return
        after = page.next


def _paths(assets: dict[str, Asset]) -> dict[str, str]:
    """A path for each asset; where two would have the same, the later one has its id in it."""
    found: dict[str, str] = {}
    taken: set[str] = set()

    def path(one: Asset) -> str:
        if one.id not in found:
            inside = home_id(one)
            home = path(assets[inside]) if inside in assets else None
            made = path_in(one.of, home, stem_of(one.name))
            if made.casefold() in taken:
                made = f"{made}~{one.id}"
            taken.add(made.casefold())
            found[one.id] = made
        return found[one.id]

    for one in assets.values():
        path(one)
    return found
