"""Writing the registry's tables, in a transaction of the writer."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import bindparam, insert, update
from sqlalchemy.exc import IntegrityError

from trailkeeper.assets.asset import Asset
from trailkeeper.assets.kind import Kind
from trailkeeper.assets.reads import HERE, THIS, Reads, name_key
from trailkeeper.errors import Conflict, FieldError
from trailkeeper.ledger.dialect import savepoint
from trailkeeper.ledger.schema import asset, asset_version, workspace

_NEXT_ID = (
    update(workspace)
    .where(workspace.c.key == bindparam("here"))
    .values(next_asset_id=workspace.c.next_asset_id + 1)
    .returning(workspace.c.next_asset_id)
)
_INSERT = insert(asset).returning(asset.c.key)
_UPDATE = update(asset).where(HERE, THIS)
_KEEP = insert(asset_version)


class Rows(Reads):
    """The assets of a workspace, to be changed."""

    def next_id(self) -> str:
        """An id that no asset of the workspace has had."""
        following: int = self._db.execute(_NEXT_ID, {"here": self._workspace}).scalar_one()
        return str(following - 1)

    def insert(self, kind: Kind, name: str, *, secrets: dict[str, Any], **values: Any) -> Asset:
        """Keep a new asset. Raises Conflict for a name that is taken."""
        id = self.next_id()
        with _unique_name(kind, name), savepoint(self._db):
            key: int = self._db.execute(
                _INSERT,
                {
                    "workspace": self._workspace,
                    "id": id,
                    "kind": kind.name,
                    "name": name,
                    "name_key": name_key(name),
                    "secrets_sealed": self._sealed(secrets, id),
                    "version": 1,
                    "revision": 1,
                    **values,
                },
            ).scalar_one()
        return self.at(key)

    def update(self, one: Asset, *, secrets: dict[str, Any] | None = None, **values: Any) -> Asset:
        """Change an asset; its revision rises. Raises Conflict for a name that is taken."""
        if "name" in values:
            values["name_key"] = name_key(values["name"])
        if secrets is not None:
            values["secrets_sealed"] = self._sealed(secrets, one.id)
        with _unique_name(one.of, values.get("name", one.name)), savepoint(self._db):
            self._db.execute(
                _UPDATE,
                {
                    "here": self._workspace,
                    "this": one.key,
                    "revision": one.revision + 1,
                    **values,
                },
            )
        return self.at(one.key)

    def keep_version(self, one: Asset, author_id: str, author_name: str | None) -> None:
        """Keep an asset's name and content as its present version."""
        self._db.execute(
            _KEEP,
            {
                "asset": one.key,
                "version": one.version,
                "name": one.name,
                "content": encoded(one.content),
                "created_at": one.updated_at,
                "author_id": author_id,
                "author_name": author_name,
            },
        )

    def _sealed(self, secrets: dict[str, Any], id: str) -> bytes | None:
        if not secrets:
            return None
        return self._seal.seal(msgspec.json.encode(secrets).decode(), self._belongs_to(id))


def encoded(content: Any) -> str:
    """Content as the tables hold it."""
    return msgspec.json.encode(content).decode()


@contextmanager
def _unique_name(kind: Kind, name: str) -> Generator[None]:
    """Turns the refusal of the unique index into a Conflict."""
    try:
        yield
    except IntegrityError:
        raise Conflict(
            f"There is a {kind.noun} {name!r} here already",
            FieldError("is the name of another one here", "/name"),
        ) from None
