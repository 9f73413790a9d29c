"""The follower that copies activities into ClickHouse, exactly once.

A batch has the same borders at each try, and they are its token: ClickHouse takes what it has
already as done. It forgets tokens after a time, so before a batch that may have been tried before
it is asked which of it is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine

from trailkeeper.activity import Activity
from trailkeeper.clickhouse.connection import Connection
from trailkeeper.clickhouse.search import of_workspace
from trailkeeper.errors import StoreUnavailable
from trailkeeper.followers.follower import Batch, DeliveryFailed, Limits
from trailkeeper.ledger.backend import Database
from trailkeeper.ledger.backends import backend_of
from trailkeeper.ledger.index import Token
from trailkeeper.ledger.keys import SLOT_BITS
from trailkeeper.ledger.prepare import index_of
from trailkeeper.ledger.recorder import Preparing, Recorder
from trailkeeper.ledger.words import words_of
from trailkeeper.query.filters import Filter

BATCH = 2_000
LINGER_S = 1.0
"""Few large inserts are what ClickHouse likes."""

OTHERS = (
    "ClickHouse has activities that this database does not have: they are another installation's,"
    " or newer than the backup that was restored. Name an empty database in `clickhouse_url`"
)

_OWN_COLUMNS = (
    "seq, key, id, received_at, action, actor, target, content_hash, public, salt, personal"
)


class CopyWork:
    """See the protocol Work in followers/follower.py."""

    limits = Limits(items=BATCH, linger_s=LINGER_S)
    wants = Filter()
    destination = "clickhouse"

    def __init__(self, engine: Engine, recorder: Recorder, connection: Connection) -> None:
        self._engine = engine
        self._recorder = recorder
        self._connection = connection
        self._tried_to: int | None = None
        self._ends_at: int | None = None

    def do(self, batch: Batch[Activity]) -> int:
        try:
            return self._copy(batch)
        except StoreUnavailable as error:
            raise DeliveryFailed(str(error.__cause__ or error)) from error

    def close(self) -> None:
        """The connection is everybody's."""

    def _copy(self, batch: Batch[Activity]) -> int:
        items = batch.items
        if self._ends_at is None:
            self._ends_at = self._end_there(batch.workspace)
        if self._tried_to != batch.first or batch.first < self._ends_at:
            # It is the first since this process has the follower, or not the first try.
            there = self._there(batch)
            if any(there.get(one.seq, one.id) != one.id for one in items):
                raise DeliveryFailed(OTHERS)
            items = [one for one in items if one.seq not in there]
        self._tried_to = None
        size = 0
        if items:
            rows = self._rows(batch, items)
            size = sum(len(row[11]) + len(row[13] or b"") for row in rows)
            token = f"{batch.workspace}:{batch.first}-{batch.end}"
            self._connection.insert(list(zip(*rows, strict=True)), token)
        self._tried_to = batch.end
        return size

    def _end_there(self, workspace: int) -> int:
        """The seq after the last that ClickHouse has."""
        with backend_of(self._engine).reading(self._engine, workspace) as database:
            next_seq = database.execute(
                "SELECT next_seq FROM workspace WHERE key=?", (workspace,)
            ).fetchone()[0]
        condition = of_workspace(workspace, None)
        rows = self._connection.rows(
            f"SELECT max(seq) + 1 FROM activity WHERE {condition.text} HAVING count() > 0",
            condition.values,
        )
        end: int = rows[0][0] if rows else 0
        if end > next_seq:
            raise DeliveryFailed(OTHERS)
        return end

    def _there(self, batch: Batch[Activity]) -> dict[int, str]:
        """The seqs and ids of the batch's activities that ClickHouse has."""
        condition = of_workspace(batch.workspace, None)
        first, end = condition.number(batch.first), condition.number(batch.end)
        condition.add(f"seq >= {first} AND seq < {end}")
        rows = self._connection.rows(
            f"SELECT seq, id FROM activity WHERE {condition.text}", condition.values
        )
        return dict(rows)

    def _rows(self, batch: Batch[Activity], items: list[Activity]) -> list[tuple[Any, ...]]:
        workspace = batch.workspace
        with backend_of(self._engine).reading(self._engine, workspace) as database:
            own = {
                row[0]: row
                for row in database.execute(
                    f"SELECT {_OWN_COLUMNS} FROM activity WHERE workspace=? AND seq>=? AND seq<?",
                    (workspace, batch.first, batch.end),
                ).fetchall()
            }
            tokens = _Tokens(database, workspace, items)
        preparing = self._recorder.preparing(workspace)
        return [
            _row(workspace, own[one.seq], one, tokens, preparing) for one in items if one.seq in own
        ]


def _row(
    workspace: int, own: Any, one: Activity, tokens: _Tokens, preparing: Preparing
) -> tuple[Any, ...]:
    """In the order of COLUMNS."""
    seq, key, id, received_at, action, actor, target, content_hash, public, salt, personal = own
    exact, text = index_of(one, preparing.label(one.action))
    return (
        workspace,
        key >> SLOT_BITS,
        key,
        seq,
        id,
        received_at,
        action,
        one.outcome == "failure",
        actor,
        target,
        content_hash,
        public,
        salt,
        personal,
        [*tokens.of(one, action), *exact.split()],
        words_of(text),
    )


class _Tokens:
    """The tokens of a batch that are made of the dictionaries' keys."""

    def __init__(self, database: Database, workspace: int, items: list[Activity]) -> None:
        self._workspace = workspace
        ids = {party.id for one in items for party in _parties(one)}
        self._entities: dict[tuple[str, str], int] = {
            (type, id): key
            for part in _parts(list(ids))
            for key, type, id in database.execute(
                f"SELECT key, type, id FROM entity WHERE workspace=? AND id{database.ONE_OF}",
                (workspace, database.listed(part)),
            ).fetchall()
        }
        values = {one.environment for one in items}
        values |= {one.context.source for one in items if one.context.source}
        values |= {target.type for one in items for target in one.targets}
        self._terms: dict[tuple[str, str], int] = {
            (kind, value): key
            for part in _parts(list(values))
            for key, kind, value in database.execute(
                f"SELECT key, kind, value FROM term WHERE workspace=? AND value{database.ONE_OF}",
                (workspace, database.listed(part)),
            ).fetchall()
        }

    def of(self, one: Activity, action: int) -> list[str]:
        made = [
            f"{Token.WORKSPACE}{self._workspace}",
            f"{Token.ACTION}{action}",
            f"{Token.ENVIRONMENT}{self._terms['environment', one.environment]}",
        ]
        if one.context.source:
            made.append(f"{Token.SOURCE}{self._terms['source', one.context.source]}")
        made += [
            f"{Token.ACTOR}{self._entities[actor.type, actor.id]}"
            for actor in (one.actor, one.on_behalf_of)
            if actor
        ]
        for target in one.targets:
            made.append(f"{Token.TARGET}{self._entities[target.type, target.id]}")
            made.append(f"{Token.TYPE}{self._terms['type', target.type]}")
        return made


def _parties(one: Activity) -> Iterator[Any]:
    yield one.actor
    if one.on_behalf_of:
        yield one.on_behalf_of
    yield from one.targets


def _parts(values: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(values), 1_000):
        yield values[start : start + 1_000]
