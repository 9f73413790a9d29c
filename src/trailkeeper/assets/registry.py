"""The asset registry: who may do what, and one transaction for each thing that is done.

Reading sees what is committed. Every method that changes something asks for the privilege of its
operation, then changes the state and records that in one unit of the writer; a refusal is
recorded, too. With a `revision` it changes the asset only if that is its present one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any, TypeVar

from msgspec import UNSET, UnsetType
from sqlalchemy import Connection

from trailkeeper.assets.asset import ALL, Asset, AssetPage, Created, Folder, Version
from trailkeeper.assets.changes import Changes
from trailkeeper.assets.content import Content
from trailkeeper.assets.kind import Kind
from trailkeeper.assets.kinds import KINDS
from trailkeeper.assets.reads import Order, Reads
from trailkeeper.assets.records import plain
from trailkeeper.assets.rules import operation_of
from trailkeeper.assets.values import hash_of_checked
from trailkeeper.errors import FieldError, Forbidden, InvalidInput
from trailkeeper.identity.acting import By
from trailkeeper.identity.seal import Seal
from trailkeeper.identity.store import Store
from trailkeeper.ledger.writer import Transaction

T = TypeVar("T")

VERSIONS_MAX = 1_000


class Registry:
    """The assets of all workspaces. `secret` is the installation's key."""

    def __init__(self, store: Store, secret: bytes) -> None:
        self._store = store
        self._seal = Seal(secret, "asset")

    # --- Reading

    @contextmanager
    def reading(self, workspace: int) -> Generator[tuple[Connection, Reads]]:
        """A connection, and the tables of a workspace on it, for those who read much at once."""
        with self._store.reading() as connection:
            yield connection, Reads(connection, self._seal, workspace)

    def get(self, workspace: int, kind: str, id: str, *, deleted: bool = False) -> Asset:
        """An asset; a deleted one only if those are asked for. Raises NotFound."""
        return self._read(workspace, lambda rows: rows.get(kind, id, deleted=deleted))

    def find(self, workspace: int, id: str) -> Asset | None:
        """The asset with this id, of any kind, deleted or not."""
        return self._read(workspace, lambda rows: rows.find(id))

    def kinds_of(self, workspace: int, ids: Iterable[str]) -> dict[str, str]:
        """The kind of each of these ids that is an asset's, deleted or not, in one query."""
        return self._read(workspace, lambda rows: rows.kinds_of(ids))

    def page(
        self,
        workspace: int,
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
        """The assets of a kind, by name or by id: those in a folder (None: at the root), under a
        parent, with `q` in their name, in a state. Raises NotFound for a folder or parent that is
        not there."""
        return self._read(
            workspace,
            lambda rows: rows.page(
                kind,
                folder=folder,
                parent=parent,
                q=q,
                state=state,
                deleted=deleted,
                after=after,
                limit=limit,
                order=order,
                offset=offset,
            ),
        )

    def folders(self, workspace: int, kind: str | None = None) -> list[Folder]:
        """All live folders, by name, in one query; they count assets of one kind, or of all."""
        return self._read(workspace, lambda rows: rows.folders(kind))

    def states(self, workspace: int, kind: str) -> dict[str | None, int]:
        """How many live assets of a kind are in each state."""
        return self._read(workspace, lambda rows: rows.states(kind))

    def path_of(self, workspace: int, folder_id: str | None) -> list[Asset]:
        """The folders from the root down to this one. Raises NotFound."""
        return self._read(workspace, lambda rows: rows.path(folder_id))

    def versions(
        self,
        workspace: int,
        kind: str,
        id: str,
        *,
        before: int | None = None,
        limit: int = VERSIONS_MAX,
    ) -> list[Version]:
        """The versions of an asset, newest first, without their content. A deleted asset has its
        own still. Raises NotFound."""
        return self._read(
            workspace,
            lambda rows: rows.versions(
                rows.get(kind, id, deleted=True), before=before, limit=limit
            ),
        )

    def version(self, workspace: int, kind: str, id: str, number: int) -> Version:
        """A version of an asset with its content. Raises NotFound."""
        return self._read(
            workspace, lambda rows: rows.version(rows.get(kind, id, deleted=True), number)
        )

    # --- Changing

    def create(
        self,
        by: By,
        kind: str,
        name: str,
        *,
        folder_id: str | None = None,
        parent_id: str | None = None,
        content: dict[str, Any] | Content | None = None,
    ) -> Created:
        """Make an asset; with it comes the token of a kind that has one. Raises Forbidden,
        InvalidInput, Conflict."""
        values = plain(content) if isinstance(content, Content) else content or {}
        return self._do(
            by,
            kind,
            "create",
            lambda changes: changes.create(
                kind, name, folder_id=folder_id, parent_id=parent_id, content=values
            ),
            before=lambda: _checked(KINDS[kind], values, {}),
        )

    def update(
        self,
        by: By,
        kind: str,
        id: str,
        *,
        name: str | None = None,
        content: dict[str, Any] | None = None,
        revision: int | None = None,
    ) -> Asset:
        """Change content, field by field, and name. A kind that can be renamed is, then, and
        updated if there is content as well. Raises Forbidden, NotFound, InvalidInput, Conflict,
        PreconditionFailed."""
        given = content or {}

        def before() -> frozenset[bytes]:
            there = plain(self.get(by.workspace, kind, id).content)
            return _checked(KINDS[kind], given, there)

        return self._do(
            by,
            kind,
            "update" if "update" in KINDS[kind].operations else "rename",
            lambda changes: changes.update(kind, id, name=name, content=given, revision=revision),
            before,
        )

    def rename(
        self, by: By, kind: str, id: str, name: str, *, revision: int | None = None
    ) -> Asset:
        """Give an asset another name. Raises Forbidden, NotFound, InvalidInput, Conflict,
        PreconditionFailed."""
        return self._do(
            by,
            kind,
            "rename",
            lambda changes: changes.rename(kind, id, name, revision=revision),
        )

    def move(
        self, by: By, kind: str, id: str, folder_id: str | None, *, revision: int | None = None
    ) -> Asset:
        """Move an asset to another folder, None for the root. Raises Forbidden, NotFound,
        InvalidInput, Conflict, PreconditionFailed."""
        return self._do(
            by,
            kind,
            "move",
            lambda changes: changes.move(kind, id, folder_id, revision=revision),
        )

    def copy(
        self,
        by: By,
        kind: str,
        id: str,
        *,
        name: str | None = None,
        folder_id: str | UnsetType | None = UNSET,
        revision: int | None = None,
    ) -> Asset:
        """Copy an asset beside itself or into another folder. Raises Forbidden, NotFound,
        InvalidInput, Conflict, PreconditionFailed."""
        return self._do(
            by,
            kind,
            "copy",
            lambda changes: changes.copy(
                kind, id, name=name, folder_id=folder_id, revision=revision
            ),
        )

    def transition(
        self,
        by: By,
        kind: str,
        id: str,
        operation: str,
        *,
        reason: str | None = None,
        revision: int | None = None,
    ) -> Asset:
        """Take an asset to another state. Raises Forbidden, NotFound, PreconditionFailed, and
        Conflict where its state does not allow that."""
        return self._do(
            by,
            kind,
            operation,
            lambda changes: changes.transition(
                kind, id, operation, reason=reason, revision=revision
            ),
        )

    def release(self, by: By, kind: str, id: str, *, revision: int | None = None) -> Asset:
        """Release the latest version of a connector. Raises as `transition`."""
        return self.transition(by, kind, id, "release", revision=revision)

    def set_access_scope(
        self, by: By, kind: str, id: str, public: bool, *, revision: int | None = None
    ) -> Asset:
        """Make an asset public, or private. Raises Forbidden, NotFound, PreconditionFailed."""
        return self._do(
            by,
            kind,
            "set-access-scope",
            lambda changes: changes.set_access_scope(kind, id, public, revision=revision),
        )

    def refresh_token(self, by: By, kind: str, id: str, *, revision: int | None = None) -> Created:
        """Give an asset a new token, shown this once. Raises Forbidden, NotFound,
        PreconditionFailed."""
        return self._do(
            by,
            kind,
            "refresh-token",
            lambda changes: changes.refresh_token(kind, id, revision=revision),
        )

    def delete(
        self,
        by: By,
        kind: str,
        id: str,
        *,
        recursive: bool = False,
        revision: int | None = None,
    ) -> list[Asset]:
        """Delete an asset and what lives in it; a folder with something in it only if
        `recursive`. Nobody deletes with a folder what they may not delete by itself. Raises
        Forbidden, NotFound, Conflict, PreconditionFailed."""

        def work(changes: Changes) -> list[Asset]:
            gone = changes.delete(kind, id, recursive=recursive, revision=revision)
            needed = {one.of.operations["delete"].privilege for one in gone}
            if lacking := sorted(needed - by.privileges):
                raise Forbidden(f"What is in it needs the privilege `{lacking[0]}`")
            return gone

        return self._do(by, kind, "delete", work)

    def undelete(self, by: By, kind: str, id: str, *, revision: int | None = None) -> Asset:
        """Bring a deleted asset back. Raises Forbidden, NotFound, Conflict, PreconditionFailed."""
        return self._do(
            by, kind, "undelete", lambda changes: changes.undelete(kind, id, revision=revision)
        )

    def restore(
        self, by: By, kind: str, id: str, version: int, *, revision: int | None = None
    ) -> Asset:
        """Set an asset back to an earlier version, which makes a new one. Raises Forbidden,
        NotFound, Conflict, PreconditionFailed."""
        return self._do(
            by,
            kind,
            "restore",
            lambda changes: changes.restore(kind, id, version, revision=revision),
        )

    def require(self, by: By, kind: str, operation: str) -> None:
        """Refuse, on record, who may not do this. Raises Forbidden, and NotFound for what cannot
        be done with the kind at all."""
        does = operation_of(KINDS[kind], operation)
        self._store.require(by, does.privilege, _asked(kind, operation))

    def apply(
        self,
        by: By,
        work: Callable[[Changes], T],
        extra: dict[str, Any] | None = None,
        checked: frozenset[bytes] = frozenset(),
    ) -> T:
        """Do many things in one transaction: all of them, and their records, or nothing. Whoever
        calls this has checked what may be done (see `require`). `extra` goes into the details of
        every record; `checked` are hashes of contents (see values.py). Raises what the work
        raises."""

        def unit(transaction: Transaction) -> T:
            changes = Changes(self._store, self._seal, transaction, by, extra, checked)
            result = work(changes)
            changes.record()
            return result

        return self._store.change(unit)

    def _do(
        self,
        by: By,
        kind: str,
        operation: str,
        work: Callable[[Changes], T],
        before: Callable[[], frozenset[bytes]] = frozenset,
    ) -> T:
        """Do one thing for somebody who may. `before` is what can be checked before the writer's
        turn."""
        self.require(by, kind, operation)
        try:
            return self.apply(by, work, checked=before())
        except Forbidden as refused:
            self._store.refuse(by, _asked(kind, operation), refused.detail)

    def _read(self, workspace: int, look: Callable[[Reads], T]) -> T:
        with self._store.reading() as connection:
            return look(Reads(connection, self._seal, workspace))


def _asked(kind: str, operation: str) -> str:
    row = KINDS[kind]
    return f"{row.operations[operation].label}: {row.noun}"


def _checked(kind: Kind, given: dict[str, Any], there: dict[str, Any]) -> frozenset[bytes]:
    """Check what is given by hand; the hash of what comes of it. Raises InvalidInput."""
    for name in kind.managed:
        if name in given:
            detail = "is set by an operation, not by hand"
            raise InvalidInput(f"/{name} {detail}", FieldError(detail, f"/{name}"))
    return frozenset([hash_of_checked(kind, {**there, **given})]) if kind.check else frozenset()
