"""What people do with exports: ask for one, look, download, delete. Each but looking is recorded.

Who may read the audit log may do all of it; the routes ask for that. The files are in a folder of
the data folder that is its owner's alone.
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, delete, func, insert, select

from trailkeeper.activity import from_us, now_us, uuid7
from trailkeeper.errors import Conflict, NotFound, TooManyRequests
from trailkeeper.exports.export import (
    UNDER_WAY,
    Export,
    Requester,
    Wish,
    columns_of,
    details_of,
    export_of,
)
from trailkeeper.exports.kinds import ending, media_type
from trailkeeper.identity.acting import By
from trailkeeper.identity.store import Store
from trailkeeper.ledger.schema import audit_export, workspace
from trailkeeper.ledger.writer import Transaction
from trailkeeper.settings import Settings

LISTED_MAX = 200
DAY_US = 86_400_000_000


class Limits(Struct, frozen=True):
    """How many exports a workspace may have under way, how long their files are kept, and how many
    bytes they may have."""

    at_once: int
    keep_days: int
    max_bytes: int

    @staticmethod
    def of(settings: Settings) -> Limits:
        return Limits(
            settings.exports_at_once, settings.exports_keep_days, settings.exports_max_bytes
        )


class Download(Struct, frozen=True):
    """A file, and how it is to be called where it is saved."""

    path: Path
    name: str
    media_type: str


class Exports:
    """The exports of all workspaces."""

    def __init__(self, store: Store, folder: Path, limits: Limits) -> None:
        self._store = store
        self._folder = folder
        self.limits = limits

    def ask(self, by: By, wish: Wish) -> Export:
        """Ask for an export; it is made in the background. It holds what has been recorded up to
        now, without the record that somebody asked for it. Raises TooManyRequests."""
        at = now_us()
        id = uuid7(at)

        def work(transaction: Transaction) -> Export:
            connection = transaction.connection
            self._check_room(connection, by.workspace)
            end = connection.execute(
                select(workspace.c.next_seq).where(workspace.c.key == by.workspace)
            ).scalar_one()
            connection.execute(
                insert(audit_export).values(
                    workspace=by.workspace,
                    id=id,
                    state="queued",
                    **columns_of(wish),
                    end_seq=end,
                    requester=msgspec.json.encode(Requester.of(by)).decode(),
                    requested_at=at,
                    count=0,
                    bytes=0,
                    attempts=0,
                    lease_until=0,
                )
            )
            here = self._store.workspace_target(connection, by.workspace)
            asked = by.activity("audit_log.export_requested", here, details=details_of(wish, id))
            self._store.record(transaction, by.workspace, asked)
            return _found(connection, by.workspace, id)

        return self._store.change(work)

    def listed(self, workspace: int) -> list[Export]:
        """The newest first, at most LISTED_MAX."""
        with self._store.reading() as connection:
            rows = connection.execute(
                select(audit_export)
                .where(audit_export.c.workspace == workspace)
                .order_by(audit_export.c.requested_at.desc(), audit_export.c.key.desc())
                .limit(LISTED_MAX)
            )
            return [export_of(row) for row in rows]

    def get(self, workspace: int, id: str) -> Export:
        """Raises NotFound."""
        with self._store.reading() as connection:
            return _found(connection, workspace, id)

    def download(self, by: By, id: str) -> Download:
        """The file of an export, once it is on record who takes it. Raises NotFound, and Conflict
        while there is no file."""
        one = self.get(by.workspace, id)
        if one.state != "done":
            why = f": {one.error}" if one.error else "; ask again in a moment"
            raise Conflict(f"The export is {one.state}{why}")
        path = self._folder / one.stored_name
        if not path.is_file():
            raise NotFound(
                "The file of this export is not on this server: it was deleted, or left out of the"
                " backup that this installation was restored from. Ask for a new export"
            )

        def work(transaction: Transaction) -> None:
            here = self._store.workspace_target(transaction.connection, by.workspace)
            details = {**details_of(one.wish, id), "count": one.count}
            taken = by.activity("audit_log.export_downloaded", here, details=details)
            self._store.record(transaction, by.workspace, taken)

        self._store.change(work)
        wish = one.wish
        return Download(path, self.file_name(one), media_type(wish.format, wish.compression))

    def delete(self, by: By, id: str) -> None:
        """Delete an export with its file; one that is under way is ended. Raises NotFound."""

        def work(transaction: Transaction) -> Export:
            one = _found(transaction.connection, by.workspace, id)
            self.remove(transaction, by, one)
            return one

        self.drop_file(self._store.change(work))

    def remove(self, transaction: Transaction, by: By, one: Export, why: str | None = None) -> None:
        """Take an export out of the table, and record that. Its file is to be dropped after the
        commit."""
        connection = transaction.connection
        connection.execute(delete(audit_export).where(audit_export.c.key == one.key))
        here = self._store.workspace_target(connection, one.workspace)
        details = {**details_of(one.wish, one.id), "count": one.count}
        gone = by.activity("audit_log.export_deleted", here, reason=why, details=details)
        self._store.record(transaction, one.workspace, gone)

    def drop_file(self, one: Export) -> None:
        """Delete the file of an export, if there is one."""
        (self._folder / one.stored_name).unlink(missing_ok=True)

    def file_name(self, one: Export) -> str:
        """What the file is called where it is saved: `acme-audit-log-20261130-095811.csv`."""
        with self._store.reading() as connection:
            name = self._store.workspace_target(connection, one.workspace).name or ""
        plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "workspace"
        at = from_us(one.requested_at).strftime("%Y%m%d-%H%M%S")
        return f"{plain}-audit-log-{at}{ending(one.wish.format, one.wish.compression)}"

    def expires_at(self, one: Export) -> int | None:
        """When it is deleted by itself."""
        return None if one.ended_at is None else one.ended_at + self.limits.keep_days * DAY_US

    def _check_room(self, connection: Connection, workspace: int) -> None:
        under_way = connection.execute(
            select(func.count())
            .select_from(audit_export)
            .where(audit_export.c.workspace == workspace, audit_export.c.state.in_(UNDER_WAY))
        ).scalar_one()
        if under_way >= self.limits.at_once:
            raise TooManyRequests(
                f"{under_way} exports of this workspace are under way, which is as many as may be;"
                " wait for one, or delete it",
                retry_after_s=10,
            )


def _found(connection: Connection, workspace: int, id: str) -> Export:
    row = connection.execute(
        select(audit_export).where(
            audit_export.c.workspace == workspace, audit_export.c.id == id[:100]
        )
    ).first()
    if row is None:
        raise NotFound(f"There is no export {id[:80]} in this workspace, or not any more")
    return export_of(row)
