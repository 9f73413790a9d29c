"""Reading the registry's tables for one workspace, on a connection that is open.

Within the writer's transaction it sees the newest state, elsewhere what is committed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any, Literal

import msgspec
from msgspec.structs import replace
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    func,
    literal,
    select,
)

from trailkeeper.assets.asset import ALL, HOME, Asset, AssetPage, Folder, Version
from trailkeeper.assets.kind import Kind, Reference
from trailkeeper.assets.kinds import KINDS
from trailkeeper.errors import NotFound
from trailkeeper.identity.seal import Seal
from trailkeeper.ledger.dialect import one_of, text_in_json
from trailkeeper.ledger.schema import asset, asset_version

PAGE_MAX = 1_000
PAGE_MAX_BYTES = 8 * 1024 * 1024
"""A page of more content ends earlier."""

Order = Literal["name", "id"]

_home = asset.alias("home")
_ASSETS = select(asset, _home.c.id.label("home_id")).join(
    _home, _home.c.key == func.coalesce(asset.c.folder, asset.c.parent), isouter=True
)
_LIVE = asset.c.deleted_at.is_(None)
HERE = asset.c.workspace == bindparam("here")
THIS = asset.c.key == bindparam("this")

# Built once: building them takes longer than running them.
_BY_ID = _ASSETS.where(HERE, asset.c.id == bindparam("this_id"))
_BY_KEY = _ASSETS.where(HERE, THIS)
_BY_KEYS = _ASSETS.where(HERE, asset.c.key.in_(bindparam("keys", expanding=True)))
_SECRETS = select(asset.c.secrets_sealed).where(HERE, THIS)
_TAKEN = select(asset.c.key).where(
    HERE,
    _LIVE,
    asset.c.kind == bindparam("of"),
    asset.c.place == bindparam("at"),
    asset.c.name_key == bindparam("called"),
)


def _inside() -> Select[Any]:
    """The keys of all that lives in an asset, what lies deepest first. The workspace goes along
    from step to step, so that each looks into the index by place."""
    top = select(asset.c.workspace, asset.c.key, literal(0).label("depth")).where(HERE, THIS)
    tree = top.cte(recursive=True)
    step = select(asset.c.workspace, asset.c.key, tree.c.depth + 1).join(
        tree, and_(asset.c.workspace == tree.c.workspace, asset.c.place == tree.c.key)
    )
    tree = tree.union_all(step.where(_LIVE))
    keys = select(tree.c.key).where(tree.c.depth > 0)
    return keys.order_by(tree.c.depth.desc(), tree.c.key)


_INSIDE = _inside()


class Reads:
    """The assets of a workspace."""

    def __init__(self, connection: Connection, seal: Seal, workspace_key: int) -> None:
        self._db = connection
        self._seal = seal
        self._workspace = workspace_key

    # --- One

    def get(self, kind: str, id: str, *, deleted: bool = False) -> Asset:
        """An asset of this kind. Raises NotFound, also for a deleted one unless those are asked
        for."""
        found = self.find(id)
        if found is None or found.kind != kind or (found.deleted_at and not deleted):
            raise NotFound(f"There is no {KINDS[kind].noun} {id[:80]} in this workspace")
        return found

    def find(self, id: str) -> Asset | None:
        """The asset with this id, of any kind, deleted or not."""
        return self._one(_BY_ID, this_id=id)

    def kinds_of(self, ids: Iterable[str]) -> dict[str, str]:
        """The kind of each of these ids that is an asset's, deleted or not."""
        rows = self._db.execute(
            select(asset.c.id, asset.c.kind).where(
                asset.c.workspace == self._workspace, asset.c.id.in_(set(ids))
            )
        )
        return {row.id: row.kind for row in rows}

    def at(self, key: int) -> Asset:
        """The asset with this key, which is there."""
        found = self._one(_BY_KEY, this=key)
        if found is None:
            raise NotFound(f"There is no asset {key}")
        return found

    def place_key(self, kind: str, id: str | None) -> int | None:
        """The key of a live folder or parent; None for the root. Raises NotFound."""
        return None if id is None or id == HOME else self.get(kind, id).key

    def path(self, folder_id: str | None) -> list[Asset]:
        """The folders from the root down to this one, itself included. Raises NotFound."""
        found: list[Asset] = []
        while folder_id is not None and folder_id != HOME:
            folder = self.get("folder", folder_id, deleted=True)
            found.append(folder)
            folder_id = folder.folder_id
        return found[::-1]

    def is_taken(self, kind: str, place: int | None, name: str) -> bool:
        """Whether a live asset of this kind has the name there."""
        at = {"of": kind, "at": place or 0, "called": name_key(name)}
        return self._db.execute(_TAKEN, {"here": self._workspace, **at}).first() is not None

    def secrets(self, one: Asset) -> dict[str, Any]:
        """The values of an asset's secrets. They never leave the registry."""
        sealed = self._db.execute(_SECRETS, {"here": self._workspace, "this": one.key}).scalar_one()
        return self._opened(sealed, one.id)

    # --- Many

    def page(
        self,
        kind: str,
        *,
        folder: str | None = ALL,
        parent: str | None = None,
        q: str = "",
        state: str = "",
        deleted: bool = False,
        after: int | None = None,
        limit: int = 50,
        order: Order = "name",
        offset: int = 0,
    ) -> AssetPage:
        """The assets of a kind that fit, at most PAGE_MAX and PAGE_MAX_BYTES at once. Raises
        NotFound for a folder or parent that is not there."""
        asked = [asset.c.kind == kind, asset.c.deleted_at.is_not(None) if deleted else _LIVE]
        if folder != ALL:
            asked.append(asset.c.place == (self.place_key("folder", folder) or 0))
        if parent is not None:
            asked.append(asset.c.place == self.get(KINDS[kind].parent_kind or kind, parent).key)
        if q.strip():
            asked.append(asset.c.name_key.contains(name_key(q), autoescape=True))
        if state:
            asked.append(asset.c.state == state)
        if after is not None:
            asked.append(self._follows(after, order))
        limit = max(1, min(limit, PAGE_MAX))
        found = self._db.execute(
            select(asset.c.key, func.octet_length(asset.c.content))
            .where(asset.c.workspace == self._workspace, *asked)
            .order_by(*_order(order))
            .limit(limit + 1)
            .offset(offset)
        ).all()
        sizes = accumulate(row[1] for row in found)
        room = sum(1 for size in sizes if size <= PAGE_MAX_BYTES) or 1
        keys = [row[0] for row in found[: min(limit, room)]]
        return AssetPage(self._at_all(keys), keys[-1] if len(found) > len(keys) else None)

    def contents(self, key: int) -> list[Asset]:
        """All that lives in an asset, at any depth: what lies deepest first."""
        rows = self._db.execute(_INSIDE, {"here": self._workspace, "this": key})
        return self._at_all([row[0] for row in rows])

    def folders(self, kind: str | None = None) -> list[Folder]:
        """All live folders, by name; they count assets of one kind, or all but folders."""
        is_counted = asset.c.kind != "folder" if kind is None else asset.c.kind == kind
        counts = (
            select(asset.c.place, func.count().label("count"))
            .where(asset.c.workspace == self._workspace, is_counted, _LIVE)
            .group_by(asset.c.place)
            .subquery()
        )
        rows = self._db.execute(
            select(asset.c.id, asset.c.name, _home.c.id, func.coalesce(counts.c.count, 0))
            .join(_home, _home.c.key == asset.c.folder, isouter=True)
            .join(counts, counts.c.place == asset.c.key, isouter=True)
            .where(asset.c.workspace == self._workspace, asset.c.kind == "folder", _LIVE)
            .order_by(asset.c.name_key, asset.c.key)
        )
        return [Folder(*row) for row in rows]

    def holders(self, gone: Sequence[Asset]) -> list[Asset]:
        """The assets that need one of these and are not among them."""
        found = [
            holder
            for kind in KINDS.values()
            for reference in kind.references
            if reference.holds
            for holder in self._naming(kind, reference, gone)
        ]
        keys = {one.key for one in gone}
        return [one for one in found if one.key not in keys]

    def states(self, kind: str) -> dict[str | None, int]:
        """How many live assets of a kind are in each state."""
        rows = self._db.execute(
            select(asset.c.state, func.count())
            .where(asset.c.workspace == self._workspace, asset.c.kind == kind, _LIVE)
            .group_by(asset.c.state)
        )
        return {row[0]: row[1] for row in rows}

    def count_live(self) -> int:
        """How many live assets the workspace has."""
        return self._db.execute(
            select(func.count()).select_from(asset).where(
                asset.c.workspace == self._workspace, _LIVE
            )
        ).scalar_one()  # fmt: skip

    # --- Versions

    def versions(self, one: Asset, *, before: int | None, limit: int) -> list[Version]:
        """The versions of an asset without their content, newest first."""
        asked = select(
            asset_version.c.version,
            asset_version.c.name,
            asset_version.c.created_at,
            asset_version.c.author_id,
            asset_version.c.author_name,
        ).where(asset_version.c.asset == one.key)
        if before is not None:
            asked = asked.where(asset_version.c.version < before)
        rows = self._db.execute(asked.order_by(asset_version.c.version.desc()).limit(limit))
        return [_version(row) for row in rows]

    def version(self, one: Asset, number: int) -> Version:
        """A version of an asset with its content. Raises NotFound."""
        row = self._db.execute(
            select(asset_version).where(
                asset_version.c.asset == one.key, asset_version.c.version == number
            )
        ).first()
        if row is None:
            raise NotFound(f"The {one.of.noun} {one.id} has no version {number}")
        return replace(_version(row), content=decoded(one.of, row.content))

    # --- Inside

    def _one(self, asked: Select[Any], **values: Any) -> Asset | None:
        row = self._db.execute(asked, {"here": self._workspace, **values}).first()
        return self._asset(row) if row else None

    def _at_all(self, keys: list[int]) -> list[Asset]:
        """The assets with these keys, in their order."""
        found: dict[int, Asset] = {}
        for start in range(0, len(keys), PAGE_MAX):
            asked = {"here": self._workspace, "keys": keys[start : start + PAGE_MAX]}
            for row in self._db.execute(_BY_KEYS, asked):
                found[row.key] = self._asset(row)
        return [found[key] for key in keys]

    def _asset(self, row: Row[Any]) -> Asset:
        kind = KINDS[row.kind]
        return Asset(
            key=row.key,
            kind=row.kind,
            id=row.id,
            name=row.name,
            state=row.state,
            version=row.version,
            revision=row.revision,
            folder_id=row.home_id if kind.place == "folder" else None,
            parent_id=row.home_id if kind.place == "parent" else None,
            public=bool(row.public),
            content=decoded(kind, row.content),
            secrets=list(self._opened(row.secrets_sealed, row.id)),
            created_at=row.created_at,
            created_by=row.created_by,
            updated_at=row.updated_at,
            deleted_at=row.deleted_at,
        )

    def _naming(self, kind: Kind, reference: Reference, named: Sequence[Asset]) -> list[Asset]:
        """The assets of a kind that hold one of these by this reference."""
        ids = [one.id for one in named if one.kind == reference.kind]
        if not ids:
            return []
        held = text_in_json(self._db, asset.c.content, reference.field)
        asked = [asset.c.kind == kind.name, _LIVE, one_of(self._db, held, ids)]
        if reference.in_states:
            asked.append(asset.c.state.in_(reference.in_states))
        rows = self._db.execute(_ASSETS.where(asset.c.workspace == self._workspace, *asked))
        return [self._asset(row) for row in rows]

    def _follows(self, after: int, order: Order) -> ColumnElement[bool]:
        if order == "id":
            return asset.c.key > after
        last = (
            select(asset.c.name_key)
            .where(asset.c.workspace == self._workspace, asset.c.key == after)
            .scalar_subquery()
        )
        return (asset.c.name_key > last) | and_(asset.c.name_key == last, asset.c.key > after)

    def _opened(self, sealed: bytes | None, id: str) -> dict[str, Any]:
        if sealed is None:
            return {}
        opened = self._seal.open(sealed, self._belongs_to(id))
        return msgspec.json.decode(opened, type=dict[str, Any])

    def _belongs_to(self, id: str) -> str:
        return f"{self._workspace} {id}"


def name_key(name: str) -> str:
    """A name as names are compared: without case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name.strip()).casefold())


def decoded(kind: Kind, content: str) -> Any:
    """Content from what the tables hold."""
    return msgspec.json.decode(content, type=kind.content)


def _order(order: Order) -> Iterable[ColumnElement[Any]]:
    return (asset.c.key,) if order == "id" else (asset.c.name_key, asset.c.key)


def _version(row: Any) -> Version:
    return Version(
        version=row.version,
        name=row.name,
        created_at=row.created_at,
        author_id=row.author_id,
        author_name=row.author_name,
    )
