"""Tables of months come and go with what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.stores import Store, open_store

from trailkeeper.activity import from_us, now_us
from trailkeeper.ledger.keys import first_key
from trailkeeper.ledger.postgresql.partitions import known_months, month_of, name_of, start_of
from trailkeeper.ledger.writer import Transaction
from trailkeeper.query.filters import Filter

DAY_US = 86_400_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store("postgresql", tmp_path / "data") as made:
        yield made


def months(store: Store) -> set[int]:
    return store.writer.run(lambda transaction: known_months(transaction.database)[1])


def test_a_month_is_a_range_of_keys() -> None:
    at = first_key(1_780_000_000_000_000)
    month = month_of(at)
    assert name_of("activity", month) == "activity_2026_05"
    assert start_of(month) <= at < start_of(month + 1)
    assert month_of(start_of(month)) == month
    assert month_of(start_of(month + 1) - 1) == month


def test_there_are_tables_for_this_month_and_the_next_before_anything_is_recorded(
    store: Store,
) -> None:
    this = month_of(first_key(now_us()))
    assert months(store) == {this, this + 1}


def test_what_a_sweep_leaves_empty_is_dropped_and_made_again_when_it_is_needed(
    store: Store,
) -> None:
    there = store.another()
    old = now_us() - 200 * DAY_US
    month = month_of(first_key(old))
    there.writer.append(
        store.acme, [store.prepare(id="old", occurred_at=from_us(old)), store.prepare(id="new")]
    )
    assert month in months(store)

    def sweep(transaction: Transaction) -> None:
        transaction.remove(
            store.acme,
            after_key=-1,
            before_key=first_key(now_us() - DAY_US),
            before_seq=1 << 60,
            holds=[],
            limit=100,
        )
        transaction.forget_names(store.acme, after=1 << 30, limit=100)

    store.writer.run(sweep)
    assert month not in months(store)
    # The other process remembers the table that is gone.
    late = from_us(old + 1)
    there.writer.append(store.acme, [store.prepare(id="late", occurred_at=late)])
    found = store.reader.page(store.acme, Filter()).activities
    assert [one.id for one in found] == ["new", "late"]
    assert store.seqs() == [1, 2]


def test_a_month_that_somebody_reads_stays(store: Store) -> None:
    old = now_us() - 200 * DAY_US
    store.append(store.prepare(id="old", occurred_at=from_us(old)))
    month = month_of(first_key(old))
    with store.reading() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM activity")

        def sweep(transaction: Transaction) -> None:
            transaction.remove(
                store.acme,
                after_key=-1,
                before_key=first_key(now_us() - DAY_US),
                before_seq=1 << 60,
                holds=[],
                limit=100,
            )
            transaction.forget_names(store.acme, after=1 << 30, limit=100)

        store.writer.run(sweep)
        assert month in months(store)
    assert store.seqs() == []
