"""Legal holds: what must not be removed, whatever the rule says, until the hold is released."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection, insert, select, update

from trailkeeper.activity import Target, now_us, uuid7
from trailkeeper.errors import Conflict, FieldError, InvalidInput, NotFound
from trailkeeper.identity.acting import By
from trailkeeper.identity.names import checked_name
from trailkeeper.identity.store import Store
from trailkeeper.ledger.schema import legal_hold
from trailkeeper.ledger.writer import Transaction
from trailkeeper.query.filters import Filter
from trailkeeper.query.language import QueryError, parse

HOLDS_MAX = 100
QUERY_MAX = 2_000
REASON_MAX = 1_000


class Hold(Struct, frozen=True):
    """`query` says in the query language what is held: by actor, target, time or anything else; an
    empty one holds the whole workspace."""

    id: str
    name: str
    reason: str
    query: str
    created_at: int
    created_by: str | None
    released_at: int | None


class Holds:
    """The holds of all workspaces. Every change asks for `settings.manage`, and is recorded."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def listed(self, workspace: int) -> list[Hold]:
        """Those that are on first, the latest first."""
        with self._store.reading() as connection:
            rows = connection.execute(
                select(*_COLUMNS)
                .where(legal_hold.c.workspace == workspace)
                .order_by(legal_hold.c.released_at.is_not(None), legal_hold.c.key.desc())
            ).all()
        return [Hold(*row) for row in rows]

    def place(self, by: By, name: str, query: str, reason: str) -> Hold:
        """Raises Forbidden, InvalidInput, Conflict."""
        self._store.require(by, "settings.manage", "Place a legal hold")
        name = checked_name(name, "The hold's name", "/name")
        reason = reason.strip()
        _check(query, reason)
        at = now_us()
        made = Hold(uuid7(at), name, reason, query.strip(), at, by.actor.name or by.actor.id, None)

        def work(transaction: Transaction) -> Hold:
            if len(active(transaction.connection, by.workspace)) >= HOLDS_MAX:
                raise Conflict(f"There are {HOLDS_MAX} holds already")
            transaction.connection.execute(
                insert(legal_hold).values(
                    workspace=by.workspace,
                    id=made.id,
                    name=made.name,
                    reason=made.reason,
                    query=made.query,
                    created_at=made.created_at,
                    created_by=made.created_by,
                )
            )
            sent = by.activity(
                "legal_hold.placed",
                Target(type="legal_hold", id=made.id, name=made.name),
                reason=made.reason or None,
                details={"query": made.query},
            )
            self._store.record(transaction, by.workspace, sent)
            return made

        return self._store.change(work)

    def release(self, by: By, id: str) -> None:
        """Raises Forbidden, NotFound, Conflict."""
        self._store.require(by, "settings.manage", "Release a legal hold")

        def work(transaction: Transaction) -> None:
            connection = transaction.connection
            mine = (legal_hold.c.workspace == by.workspace) & (legal_hold.c.id == id)
            row = connection.execute(select(*_COLUMNS).where(mine)).first()
            if row is None:
                raise NotFound(f"There is no legal hold {id[:100]!r} in this workspace")
            if row.released_at is not None:
                raise Conflict("The hold was released already")
            connection.execute(update(legal_hold).where(mine).values(released_at=now_us()))
            sent = by.activity(
                "legal_hold.released",
                Target(type="legal_hold", id=id, name=row.name),
                details={"query": row.query},
            )
            self._store.record(transaction, by.workspace, sent)

        self._store.change(work)


def active(connection: Connection, workspace: int) -> list[Filter]:
    """What the holds that are on hold."""
    queries = connection.execute(
        select(legal_hold.c.query).where(
            legal_hold.c.workspace == workspace, legal_hold.c.released_at.is_(None)
        )
    ).scalars()
    return [parse(query) if query else Filter() for query in queries]


_COLUMNS = [legal_hold.c[name] for name in Hold.__struct_fields__]


def _check(query: str, reason: str) -> None:
    if len(query) > QUERY_MAX:
        detail = f"has more than {QUERY_MAX} characters"
        raise InvalidInput(f"The query {detail}", FieldError(detail, "/query"))
    if len(reason) > REASON_MAX or (reason and not reason.replace("\n", " ").isprintable()):
        detail = f"must have at most {REASON_MAX} printable characters"
        raise InvalidInput(f"The reason {detail}", FieldError(detail, "/reason"))
    try:
        asked = parse(query) if query.strip() else Filter()
    except QueryError as error:
        raise InvalidInput(f"The query {error}", FieldError(str(error), "/query")) from None
    if asked.within is not None:
        detail = "must not be relative to now: a hold stays on the same activities"
        raise InvalidInput(f"The query {detail}", FieldError(detail, "/query"))
