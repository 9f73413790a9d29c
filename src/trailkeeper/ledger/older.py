"""Activities that have left the database for another store.

Of a workspace they are those whose key and seq are both below a seam: the database has all others,
and both sides change in one transaction with the seam (the table `moved`). So whoever reads the
database and the seam in one transaction, and then the other store below that seam, sees every
activity once, wherever the seam is put meanwhile.
"""

from __future__ import annotations

from typing import Any, Protocol

from msgspec import Struct

from trailkeeper.ledger.backend import Database
from trailkeeper.ledger.search import Search


class Seam(Struct, frozen=True):
    """Activities with a key below `key` and a seq below `seq` are the older store's."""

    key: int
    seq: int


class Position(Struct, frozen=True):
    """Where a page ended. Keys of a microsecond may be used again once they have left the database,
    so that two stores order one by seq; it is None in a cursor that was given before there were
    two."""

    key: int
    seq: int | None


class Older(Protocol):
    """The other store. Its methods raise StoreUnavailable when it does not answer."""

    def seam(self, database: Database, workspace: int) -> Seam | None:
        """Where it begins, as the open transaction sees it; None where nothing has left."""
        ...

    def joined(self, database: Database, workspace: int) -> Database:
        """The database as if nothing had left it, for what searches and counts."""
        ...

    def page(
        self,
        database: Database,
        seam: Seam,
        search: Search,
        order: str,
        position: Position | None,
        limit: int,
    ) -> list[Any]:
        """Key, seq, public and personal part of what matches after a position, from both sides in
        the order of a listing."""
        ...

    def by_seq(
        self, workspace: int, seam: Seam, first: int, end: int, limit: int, search: Search | None
    ) -> list[Any]:
        """Seq, received_at, public and personal part of its activities from seq `first` to before
        `end`, in order; those that match."""
        ...

    def verbatim(self, workspace: int, seam: Seam, first: int, end: int) -> list[Any]:
        """Seq, received_at, public part, salt and personal part of its activities from seq `first`
        to before `end`, in order."""
        ...

    def sizes(self, workspace: int, seam: Seam, first: int, end: int, limit: int) -> list[Any]:
        """Seq and size in bytes, of the public and the personal part, of the first of these."""
        ...

    def latest(self, workspace: int, seam: Seam, role: str, count: int) -> list[int]:
        """The actors or the first targets of about its `count` latest activities, the latest
        first, each once."""
        ...

    def count_derived(self, workspace: int, seam: Seam, id: str) -> int:
        """How many of its activities have an id that is made from this one (`<id>:…`)."""
        ...


def rows_of_page(
    database: Database,
    older: Older | None,
    search: Search,
    order: str,
    position: Position | None,
    limit: int,
) -> list[Any]:
    """Key, seq, public and personal part of what matches after a position, in the order of a
    listing, wherever it stands."""
    if older and (seam := older.seam(database, search.workspace)):
        return older.page(database, seam, search, order, position, limit)
    return database.rows_matching(
        search.after(order, position.key if position else None),
        "key, seq, public, personal",
        order=order,
        limit=limit,
    )


def in_order(rows: list[Any], more: list[Any]) -> list[Any]:
    """Rows of both stores by seq, which is their first column."""
    return sorted([*rows, *more], key=lambda row: row[0]) if more else rows
