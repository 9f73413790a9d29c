"""A store whose workspace is swept, for tests of what goes and what stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import STORE
from tests.contract.stores import Store, open_store

from trailkeeper.activity import Activity, now_us, rfc3339
from trailkeeper.followers import places
from trailkeeper.followers.follower import Log
from trailkeeper.identity.acting import By, everything
from trailkeeper.identity.store import Store as Operations
from trailkeeper.ledger.append import Receipt
from trailkeeper.ledger.recorder import system_actor
from trailkeeper.ledger.writer import Transaction
from trailkeeper.query.filters import Filter
from trailkeeper.query.language import parse
from trailkeeper.retention.rules import DAY_US
from trailkeeper.retention.sweeper import Sweeper, Swept


@dataclass
class Kept:
    """A store with a sweeper, and what was told by mail."""

    store: Store
    sweeper: Sweeper
    told: list[str] = field(default_factory=list)

    @property
    def by(self) -> By:
        return everything(self.store.acme, system_actor("cli", "Command line"))

    def record(self, days_ago: float, **changed: object) -> Receipt:
        at = rfc3339(now_us() - int(days_ago * DAY_US))
        (outcome,) = self.store.append(self.store.prepare(occurred_at=at, **changed))
        assert isinstance(outcome, Receipt)
        return outcome

    def sweep(self) -> int:
        """How many activities it removed."""
        return self.sweep_all().activities.count

    def sweep_all(self) -> Swept:
        self.store.writer.run(lambda transaction: transaction.move_index())
        return self.sweeper.sweep(self.store.acme)

    def follow(self, log: Log, cursor: int) -> None:
        """Make the follower of a stream, which has delivered all before `cursor`."""

        def work(transaction: Transaction) -> None:
            places.make(
                transaction, self.store.acme, f"stream of {log}", "s", "s", cursor=cursor, log=log
            )

        self.store.writer.run(work)

    def ids(self, query: str = "action:recipe.stopped") -> list[str]:
        return [one.id for one in self.all(query)]

    def all(self, query: str = "") -> list[Activity]:
        asked = parse(query) if query else Filter()
        page = self.store.reader.page(self.store.acme, asked, order="asc", limit=1_000)
        return page.activities


@contextmanager
def open_kept(data: Path) -> Iterator[Kept]:
    """A new one."""
    with open_store(STORE, data) as store:
        told: list[str] = []
        operations = Operations(store.here.engine, store.here.writer, store.here.recorder)
        sweeper = Sweeper(operations, lambda _key, subject, _text: told.append(subject))
        yield Kept(store, sweeper, told)
