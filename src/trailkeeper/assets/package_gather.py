"""What an export takes: a manifest's folder, the assets that it lists, and what those need."""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from typing import Any, TypeGuard

from trailkeeper.activity import now_us, rfc3339
from trailkeeper.assets.asset import Asset
from trailkeeper.assets.findings import FINDINGS_MAX, shown
from trailkeeper.assets.kinds import KINDS
from trailkeeper.assets.links import Link, links_of, relinked
from trailkeeper.assets.package_check import NOT_PACKED
from trailkeeper.assets.package_format import Item, Listed, Outside, Package, as_text
from trailkeeper.assets.reads import Reads, name_key
from trailkeeper.assets.records import plain
from trailkeeper.assets.zip_reading import ENTRIES_MAX
from trailkeeper.errors import Conflict, FieldError, NotFound

ELSEWHERE = "Dependencies"
"""The package's folder for what lies outside the manifest's folder."""

ELSEWHERE_IS = "What the assets of the package need, and lay elsewhere"
SLUG_MAX = 60

_ORDER = {kind: number for number, kind in enumerate(KINDS)}


class Gathered:
    """The assets that a manifest names, in the registry's present state."""

    def __init__(self, rows: Reads, manifest: Asset) -> None:
        self._rows = rows
        self._manifest = manifest
        self._found: dict[str, Asset] = {}
        self._named: dict[str, Asset | None] = {}
        self._waiting: deque[Asset] = deque()
        self._paths: dict[str | None, list[Asset]] = {}
        self.root = self._root()

    def gather(self) -> list[Asset]:
        """All of them, in the same order each time. Raises Conflict where something is not there,
        cannot be in a package, or is too much."""
        if self.root:
            self._add(*self._rows.contents(self.root.key))
        self._add_listed()
        while self._waiting:
            self._add_needed(self._waiting.popleft())
        for one in list(self._found.values()):
            if one.of.place == "folder":
                self._add(*self._beyond_root(one))
        if self.root:
            self._found.pop(self.root.id, None)
        if not self._found:
            raise Conflict(
                "The manifest names nothing that could be exported; add a folder or assets"
            )
        return sorted(self._found.values(), key=self._place)

    def folder(self, one: Asset) -> list[str] | None:
        """The names of the folders down to an asset from the manifest's folder; None for what lies
        elsewhere, unless there is no such folder. What is of a kind that lies in none has none."""
        path = self._path(one)
        if self.root is None or one.of.place != "folder":
            return [folder.name for folder in path]
        keys = [folder.key for folder in path]
        if self.root.key not in keys:
            return None
        return [folder.name for folder in path[keys.index(self.root.key) + 1 :]]

    def names(self, one: Asset) -> list[str]:
        """The names of all folders down to an asset."""
        return [folder.name for folder in self._path(one)]

    def named(self, id: str) -> Asset | None:
        """The asset that a link names, deleted or not."""
        if id not in self._named:
            self._named[id] = self._found.get(id) or self._rows.find(id)
        return self._named[id]

    def _root(self) -> Asset | None:
        id: str | None = self._manifest.content.folder_id
        if id is None:
            return None
        try:
            return self._rows.get("folder", id)
        except NotFound:
            raise Conflict(
                "The manifest's folder is deleted", FieldError("is deleted", "/folder_id")
            ) from None

    def _add(self, *assets: Asset) -> None:
        for one in assets:
            if one.id not in self._found:
                self._found[one.id] = one
                self._waiting.append(one)
        if len(self._found) >= ENTRIES_MAX:
            raise Conflict(f"A package holds at most {ENTRIES_MAX - 1:,} assets; export in parts")

    def _add_listed(self) -> None:
        wrong: list[FieldError] = []
        for at, use in enumerate(self._manifest.content.assets):
            one = self._rows.find(use.id)
            if not _is_there(one, use.kind):
                why = f"names no {shown(use.kind)} of this workspace"
                wrong.append(FieldError(why, f"/assets/{at}"))
            elif one.kind in NOT_PACKED:
                why = f"is of the kind {one.kind}, which no package can hold"
                wrong.append(FieldError(why, f"/assets/{at}"))
            else:
                self._add(one)
                if one.kind == "folder" or one.of.takes_contents:
                    self._add(*self._rows.contents(one.key))
        if wrong:
            why = f"{wrong[0].pointer} {wrong[0].detail}"
            raise Conflict(f"The manifest cannot be exported: {why}", *wrong[:FINDINGS_MAX])

    def _add_needed(self, one: Asset) -> None:
        if one.of.parent_kind and one.parent_id:
            self._add(self._rows.get(one.of.parent_kind, one.parent_id))
        if self._manifest.content.include_dependencies:
            for link in links_of(one.of, plain(one.content)):
                needed = self.named(link.id)
                if _is_there(needed, link.kind) and link.kind not in NOT_PACKED:
                    self._add(needed)

    def _beyond_root(self, one: Asset) -> list[Asset]:
        """The folders down to an asset, from the manifest's folder or from the root."""
        path = self._path(one)
        inside = self.folder(one)
        return path if inside is None else path[len(path) - len(inside) :]

    def _path(self, one: Asset) -> list[Asset]:
        if one.of.place != "folder":
            return []
        if one.folder_id not in self._paths:
            self._paths[one.folder_id] = self._rows.path(one.folder_id)
        return self._paths[one.folder_id]

    def _place(self, one: Asset) -> tuple[Any, ...]:
        names = [name_key(name) for name in self.names(one)]
        return _ORDER[one.kind], names, name_key(one.name), int(one.id)


def packed(rows: Reads, manifest: Asset, workspace: str) -> Package:
    """The package of a manifest. Raises Conflict."""
    gathered = Gathered(rows, manifest)
    assets = gathered.gather()
    paths = Paths()
    inside = {one.id: paths.new(f"{one.of.path}/{slug(one.name)}", ".json") for one in assets}
    outside: dict[str, Outside] = {}

    def key(link: Link) -> str | None:
        if link.id in inside:
            return inside[link.id]
        named = gathered.named(link.id)
        if named is None or named.kind != link.kind:
            return None
        if link.id not in outside:
            new = paths.new(f"outside/{named.of.path}/{slug(named.name)}", "")
            outside[link.id] = Outside(key=new, kind=named.kind, name=named.name)
        return outside[link.id].key

    places = {one.id: gathered.folder(one) for one in assets}
    elsewhere = _free_folder(assets, places)
    items: list[Item] = []
    for one in assets:
        place = places[one.id]
        content = relinked(one.of, secret_free(one), key)
        listed = Listed(
            path=inside[one.id],
            kind=one.kind,
            name=one.name,
            folder=[elsewhere, *gathered.names(one)] if place is None else place,
            parent=inside[one.parent_id] if one.parent_id else None,
            references=sorted({link.id for link in links_of(one.of, content)}),
            secrets=[name for name in one.secrets if name in one.of.secret_fields],
        )
        items.append(Item(listed=listed, text=as_text(content)))
    if None in places.values():
        path = paths.new(f"folders/{slug(elsewhere)}", ".json")
        listed = Listed(path=path, kind="folder", name=elsewhere)
        items.append(Item(listed=listed, text=as_text({"description": ELSEWHERE_IS})))
    return Package(
        name=manifest.name,
        workspace=workspace,
        exported_at=rfc3339(now_us()),
        items=items,
        outside=list(outside.values()),
    )


class Paths:
    """Paths that are all different."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def new(self, start: str, ending: str) -> str:
        path, number = f"{start}{ending}", 1
        while path in self._taken:
            number += 1
            path = f"{start}-{number}{ending}"
        self._taken.add(path)
        return path


def slug(name: str) -> str:
    """A name in small letters, digits and hyphens."""
    plain_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain_name)[:SLUG_MAX].strip("-") or "asset"


def secret_free(one: Asset) -> dict[str, Any]:
    """An asset's content as a package holds it: without what is secret or set by operations."""
    left_out = {*one.of.managed, *one.of.secrets_in(one.content)}
    return {name: value for name, value in plain(one.content).items() if name not in left_out}


def _is_there(one: Asset | None, kind: str) -> TypeGuard[Asset]:
    return one is not None and one.kind == kind and one.deleted_at is None


def _free_folder(assets: list[Asset], places: dict[str, list[str] | None]) -> str:
    """A name that no folder directly in the manifest's folder has."""
    taken = {name_key(one.name) for one in assets if one.kind == "folder" and not places[one.id]}
    name, number = ELSEWHERE, 1
    while name_key(name) in taken:
        number += 1
        name = f"{ELSEWHERE} ({number})"
    return name
