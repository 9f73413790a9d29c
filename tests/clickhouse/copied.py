"""Stores of the contract whose reads come from ClickHouse: chdb, the engine in this process.

Append goes to SQLite's ledger; before each read the follower copies, and what is to leave the
database leaves it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from clickhouse_connect import get_client
from clickhouse_connect.driver.client import Client
from tests.contract.stores import Store

from trailkeeper.clickhouse.copying import CopyWork
from trailkeeper.clickhouse.service import KIND, ClickHouse, make_followers
from trailkeeper.followers.follower import Batch, Place
from trailkeeper.followers.places import Places
from trailkeeper.identity.store import Store as Operations
from trailkeeper.installation import create, opened

DAY_US = 86_400_000_000
FAR = 1 << 52
"""A time later than all, in microseconds."""


@cache
def _client() -> Client:
    """To make databases with; it is there until the tests end."""
    client = get_client(dsn="chdb://memory")
    atexit.register(client.close)
    return client


@contextmanager
def a_database() -> Iterator[str]:
    """The URL of an empty database of ClickHouse."""
    name = f"t_{uuid.uuid4().hex}"
    _client().command(f"CREATE DATABASE {name}")
    yield f"chdb://memory/{name}"
    _client().command(f"DROP DATABASE {name}")


@cache
def _template() -> Path:
    """A data folder with empty tables: most tests copy it, which is quicker than making one."""
    folder = Path(tempfile.mkdtemp(prefix="tk-template-"))
    atexit.register(shutil.rmtree, folder)
    create(folder / "data")
    return folder / "data"


@dataclass
class Copied(Store):
    """`before` is the time before which activities leave the database at each read; not when the
    store `is_still`."""

    there_url: str = ""
    before: int = FAR
    is_still: bool = False
    batch: int = 500
    sees: list[Client] = field(default_factory=list)

    @property
    def reader(self) -> Any:
        return _Following(self)

    @property
    def clickhouse(self) -> ClickHouse:
        assert self.here.clickhouse is not None
        return self.here.clickhouse

    @property
    def operations(self) -> Operations:
        return Operations(self.here.engine, self.here.writer, self.here.recorder)

    @property
    def there(self) -> Client:
        """ClickHouse itself."""
        if not self.sees:
            client = get_client(dsn=self.there_url)
            self.stack.callback(client.close)
            self.sees.append(client)
        return self.sees[0]

    def place(self, workspace: int | None = None) -> Place:
        return Places(self.operations).find(workspace or self.acme, KIND, KIND)

    def place_if_there(self) -> Place | None:
        return next(iter(Places(self.operations).of(self.acme, KIND)), None)

    def work(self) -> CopyWork:
        return self.clickhouse.work_of(self.place())

    def next_batch(self, workspace: int) -> Batch[Any] | None:
        """What the runner would give."""
        place = self.place(workspace)
        end = min(place.cursor + self.batch, self.here.reader.next_seq(workspace))
        if end <= place.cursor:
            return None
        items = self.here.reader.between(workspace, place.cursor, end, CopyWork.wants)
        return Batch(workspace=workspace, first=place.cursor, end=end, items=items, attempt=1)

    def copy(self, workspace: int | None = None) -> None:
        """Copy all that there is, as the runner does."""
        workspace = workspace or self.acme
        make_followers(self.operations)
        work = self.work()
        places = Places(self.operations)
        while (batch := self.next_batch(workspace)) is not None:
            work.do(batch)
            place = self.place(workspace)
            assert places.take_lease(place.key, "test", 60)
            assert places.advance(place, "test", batch.end, None)

    def catch_up(self) -> None:
        for workspace in (self.acme, self.other):
            self.copy(workspace)
            moved = self.clickhouse.move(workspace, self.before)
            assert moved.differs is None


class _Following:
    """The reader, after all was copied and moved."""

    def __init__(self, store: Copied) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if not self._store.is_still:
            self._store.catch_up()
        return getattr(self._store.here.reader, name)


@contextmanager
def open_copied(
    data: Path, *, before: int = FAR, database_url: str | None = None
) -> Iterator[Copied]:
    """The database is SQLite's, or that of a URL."""
    if database_url:
        create(data, database_url)
    else:
        shutil.copytree(_template(), data)
    with ExitStack() as stack:
        there_url = stack.enter_context(a_database())
        stack.enter_context(patch.dict(os.environ, {"TRAILKEEPER_CLICKHOUSE_URL": there_url}))
        here = stack.enter_context(opened(data, database_url=database_url))
        store = Copied(data, here, stack, database_url, there_url=there_url, before=before)
        store.acme = store.workspace("Acme")
        store.other = store.workspace("Other")
        yield store
