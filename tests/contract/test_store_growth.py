"""What a read costs does not grow with the log. Counted in SQLite's own steps, which are the same
on every machine; another engine has other means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from tests.contract.stores import Store, open_store

from trailkeeper.query.filters import Filter
from trailkeeper.query.language import parse

SHORT, LONG = 1_000, 4_000
STEP = 10
GROWTH_MAX = 1.5

READS: dict[str, Callable[[Store], object]] = {
    "latest": lambda store: store.reader.page(store.acme, Filter()),
    "by actor": lambda store: store.reader.page(store.acme, parse("actor:user:7")),
    "oldest": lambda store: store.reader.page(store.acme, Filter(), order="asc"),
    "derived ids": lambda store: store.reader.count_derived(store.acme, "id-1"),
    "known ids": lambda store: store.reader.known_ids(store.acme, ["id-1", "id-2"]),
}


@contextmanager
def steps(store: Store) -> Iterator[Callable[[], int]]:
    """How many tens of steps SQLite has made for readers since."""
    done = 0

    def count() -> int:
        nonlocal done
        done += 1
        return 0

    def watch(connection: Any, *_: Any) -> None:
        connection.set_progress_handler(count, STEP)

    event.listen(store.here.engine, "checkout", watch)
    yield lambda: done
    event.remove(store.here.engine, "checkout", watch)


def cost(store: Store, read: Callable[[Store], object]) -> int:
    with steps(store) as made:
        read(store)
    return made()


@pytest.mark.parametrize("backend", ["sqlite with fresh rows"])
def test_a_read_costs_as_much_in_a_long_log_as_in_a_short_one(backend: str, tmp_path: Path) -> None:
    costs: dict[int, dict[str, int]] = {}
    with open_store(backend, tmp_path / "data") as store:
        recorded = 0
        for size in (SHORT, LONG):
            numbers = range(recorded, size)
            store.append(*(store.prepare(id=f"id-{number}") for number in numbers))
            recorded = size
            for number in range(5):
                store.record(id=f"fresh-{size}-{number}")
            costs[size] = {name: cost(store, read) for name, read in READS.items()}
    for name, before in costs[SHORT].items():
        assert costs[LONG][name] <= before * GROWTH_MAX + STEP, f"{name}: {costs}"
