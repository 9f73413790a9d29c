"""An installation with a follower in it whose work the test decides."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.contract.stores import Store, open_store

from trailkeeper.followers import places
from trailkeeper.followers.activities import ActivitySource
from trailkeeper.followers.follower import Batch, DeliveryFailed, Limits, Log, Place
from trailkeeper.followers.places import Places
from trailkeeper.followers.presence import FilePresence
from trailkeeper.followers.runner import Runner
from trailkeeper.identity.store import Store as Operations
from trailkeeper.installation import FOLLOWERS_LOCK, Installation
from trailkeeper.query.filters import Filter

KIND = "test"


@dataclass
class Receiver:
    """Gets the batches of a follower; `trouble` is raised instead as often as there is some."""

    wants: Any = field(default_factory=Filter)
    limits: Limits = field(default_factory=lambda: Limits(items=10, linger_s=0))
    batches: list[Batch] = field(default_factory=list)
    tried: list[Batch] = field(default_factory=list)
    trouble: Callable[[Batch], Exception | None] = lambda _batch: None
    gate: threading.Event = field(default_factory=threading.Event)
    destination = "test"

    def __post_init__(self) -> None:
        self.gate.set()

    def do(self, batch: Batch) -> None:
        self.tried.append(batch)
        self.gate.wait(30)
        if (error := self.trouble(batch)) is not None:
            raise error
        self.batches.append(batch)

    def close(self) -> None:
        pass

    @property
    def seqs(self) -> list[int]:
        return [one.seq for batch in self.batches for one in batch.items]


@dataclass
class Owner:
    """Knows the receivers by their followers' ids."""

    store: Operations
    receivers: dict[str, Receiver] = field(default_factory=dict)

    def work_of(self, place: Place) -> Receiver:
        return self.receivers[place.id]

    def pause(self, place: Place, reason: str) -> None:
        self.store.change(lambda transaction: places.pause(transaction, place, reason))

    def bury(self, place: Place, seqs: list[int], reason: str) -> None:
        self.store.change(lambda transaction: places.bury(transaction, place, seqs, reason))


@dataclass
class World:
    """The store, its followers, and runners of as many processes as are wanted."""

    store: Store
    places: Places
    owner: Owner
    stack: ExitStack

    def operations(self, here: Installation) -> Operations:
        return Operations(here.engine, here.writer, here.recorder)

    def follower(self, id: str = "one", *, cursor: int = 0, workspace: int = 0) -> Receiver:
        receiver = self.owner.receivers[id] = Receiver()
        key = workspace or self.store.acme
        self.owner.store.change(
            lambda transaction: places.make(transaction, key, KIND, id, id, cursor=cursor)
        )
        return receiver

    def place(self, id: str = "one") -> Place:
        return self.places.find(self.store.acme, KIND, id)

    def run(self, here: Installation | None = None) -> Runner:
        """A runner, as a process has one."""
        here = here or self.store.here
        where = Places(self.operations(here))
        sources: dict[Log, Any] = {"activities": ActivitySource(here.reader)}
        presence = FilePresence(here.data / FOLLOWERS_LOCK)
        runner = Runner(where, sources, {KIND: self.owner}, presence)
        here.writer.listen(runner.committed)
        runner.start()
        self.stack.callback(runner.close)
        return runner

    def record(self, count: int, **changed: object) -> None:
        self.store.append(*(self.store.prepare(**changed) for _ in range(count)))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_store("sqlite", tmp_path / "data") as store, ExitStack() as stack:
        operations = Operations(store.here.engine, store.here.writer, store.here.recorder)
        yield World(store, Places(operations), Owner(operations), stack)


def failing(times: int, error: Exception | None = None) -> Callable[[Batch], Exception | None]:
    """Trouble for so many tries."""
    left = [times]

    def trouble(_batch: Batch) -> Exception | None:
        left[0] -= 1
        return (error or DeliveryFailed("the other side is away")) if left[0] >= 0 else None

    return trouble
