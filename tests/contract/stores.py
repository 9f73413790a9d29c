"""The stores that the contract is tested on, and how a test works with one.

Another backend joins by its name in BACKENDS and a branch in `open_store`; the tests speak to a
store through the ledger's own interface and the tables of ledger/schema.py.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from sqlalchemy import Connection, insert, select, text
from tests.conftest import activity
from tests.postgresql import database

from trailkeeper.activity import ActivityInput, now_us
from trailkeeper.errors import IdConflict
from trailkeeper.installation import Installation, create, opened
from trailkeeper.ledger import schema, writer
from trailkeeper.ledger.append import Outcomes, Receipt
from trailkeeper.ledger.postgresql import search
from trailkeeper.ledger.prepare import Prepared
from trailkeeper.ledger.reader import Reader
from trailkeeper.ledger.writer import Transaction, Writer

NEVER_S = 3_600.0
BACKENDS = ("sqlite", "sqlite with fresh rows", "postgresql")
"""In the second what was just written stays out of the inverted index until there is more."""

IN_SMALL_STEPS = "postgresql in small steps"
"""A search looks at a few rows at a time there, as it does at thousands in a large log."""

OF_SQLITE = pytest.mark.parametrize("store", BACKENDS[:2], indirect=True)
"""For tests of what only SQLite has."""


def sent(**changed: Any) -> ActivityInput:
    """A valid activity with these fields changed."""
    return msgspec.convert(activity(**changed), ActivityInput)


@dataclass
class Store:
    """An opened installation with two empty workspaces, and more openings of the same data."""

    data: Path
    here: Installation
    stack: ExitStack
    url: str | None = None
    acme: int = 0
    other: int = 0

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs to open the same data."""
        return {"TRAILKEEPER_DATABASE_URL": self.url} if self.url else {}

    @property
    def writer(self) -> Writer:
        return self.here.writer

    @property
    def reader(self) -> Reader:
        return self.here.reader

    def another(self) -> Installation:
        """The same data opened once more, as another process has it."""
        return self.stack.enter_context(opened(self.data, database_url=self.url))

    def workspace(self, name: str) -> int:
        """A new workspace's key."""

        def work(transaction: Transaction) -> int:
            return transaction.connection.execute(
                insert(schema.workspace)
                .values(id=name, name=name, created_at=now_us())
                .returning(schema.workspace.c.key)
            ).scalar_one()

        return self.writer.run(work)

    def prepare(self, **changed: Any) -> Prepared:
        return self.here.recorder.prepare(self.acme, sent(**changed))

    def append(self, *activities: Prepared) -> Outcomes:
        return self.writer.append(self.acme, list(activities))

    def record(self, **changed: Any) -> Receipt:
        """Record one activity; fails where its id is used with other content."""
        (outcome,) = self.append(self.prepare(**changed))
        return receipt(outcome)

    def seqs(self) -> list[int]:
        """The seqs of all activities of Acme, in order."""
        return [row.seq for row in self.rows()]

    def rows(self) -> list[Any]:
        """The rows of Acme's activities by seq, as they are stored."""
        table = schema.activity
        asked = select(table).where(table.c.workspace == self.acme).order_by(table.c.seq)
        with self.reading() as connection:
            return list(connection.execute(asked))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees all workspaces."""
        with self.here.engine.connect() as connection:
            if self.url:
                connection.execute(text("BEGIN"))
                connection.execute(text("SET LOCAL trailkeeper.workspace = 'all'"))
            yield connection


def receipt(outcome: Receipt | IdConflict) -> Receipt:
    assert isinstance(outcome, Receipt), outcome
    return outcome


@contextmanager
def open_store(backend: str, data: Path) -> Iterator[Store]:
    """A new store of this kind."""
    assert backend in (*BACKENDS, IN_SMALL_STEPS)
    with ExitStack() as stack:
        url = stack.enter_context(database()) if backend.startswith("postgresql") else None
        create(data, url)
        if "fresh" in backend:
            stack.enter_context(patch.object(writer, "LULL_S", NEVER_S))
        if backend == IN_SMALL_STEPS:
            stack.enter_context(patch.multiple(search, WALK_MIN=5, WALK_MAX=5, WINDOW_MIN=1))
        here = stack.enter_context(opened(data, database_url=url))
        store = Store(data, here, stack, url)
        store.acme = store.workspace("Acme")
        store.other = store.workspace("Other")
        yield store


@contextmanager
def one_group(writer: Writer) -> Iterator[None]:
    """What is queued inside is taken by the writer as one group."""
    started, go_on = threading.Event(), threading.Event()

    def wait(_: Transaction) -> None:
        started.set()
        assert go_on.wait(20)

    blocked = writer.submit(wait)
    assert started.wait(20)
    try:
        yield
    finally:
        go_on.set()
        blocked.result(20)
