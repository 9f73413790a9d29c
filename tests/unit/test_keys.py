"""The keys of activities: unique, ordered by time, then by arrival."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pysqlite3.dbapi2 as driver
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trailkeeper.ledger.keys import SLOTS, KeyMaker, first_key

AT = 1_795_000_000_000_000


class Table:
    """An activity table of keys alone, and a maker whose keys are written into it."""

    def __init__(self) -> None:
        self.db: Any = driver.connect(":memory:")
        self.db.execute("CREATE TABLE activity (key INTEGER PRIMARY KEY)")
        self.maker = KeyMaker(self.db)

    def make(self, times: list[int], maker: KeyMaker | None = None) -> list[int]:
        keys = (maker or self.maker).make(times)
        self.insert(keys)
        return keys

    def insert(self, keys: list[int]) -> None:
        """Raises the driver's error for a key that is there."""
        self.db.executemany("INSERT INTO activity VALUES (?)", [(key,) for key in keys])


@pytest.fixture
def table() -> Iterator[Table]:
    made = Table()
    yield made
    made.db.close()


def test_an_empty_table_gives_the_first_key_of_the_time(table: Table) -> None:
    assert table.make([AT]) == [first_key(AT)]


def test_keys_are_in_order_of_time_then_of_arrival(table: Table) -> None:
    keys = table.make([AT, AT + 1, AT, AT - 1, AT])
    assert keys[3] < keys[0] < keys[2] < keys[4] < keys[1]


def test_a_later_batch_goes_on_after_an_earlier_one(table: Table) -> None:
    first = table.make([AT, AT])
    second = table.make([AT, AT - 5, AT])
    assert first[1] < second[0] < second[2] < first_key(AT + 1)
    assert second[1] == first_key(AT - 5)


def test_all_slots_of_a_microsecond_are_used_before_the_next(table: Table) -> None:
    keys = table.make([AT] * SLOTS)
    assert keys == list(range(first_key(AT), first_key(AT + 1)))


def test_more_than_a_microsecond_holds_take_the_next_free_keys(table: Table) -> None:
    later = table.make([AT + 1, AT + 1])
    keys = table.make([AT] * (2 * SLOTS + 10))
    assert keys == sorted(set(keys))
    assert not set(keys) & set(later)
    assert keys[-1] == first_key(AT + 2) + 11


def test_a_microsecond_that_others_spilled_into_is_still_usable(table: Table) -> None:
    table.make([AT + 1])
    table.make([AT] * (SLOTS + 5))
    assert table.make([AT + 1]) == [first_key(AT + 1) + 6]
    assert table.make([AT]) == [first_key(AT + 1) + 7]


def test_a_spill_within_one_batch_is_seen_by_those_that_follow(table: Table) -> None:
    times = [AT + 1, *[AT] * (SLOTS + 5), AT + 1, AT + 1]
    keys = table.make(times)
    assert len(set(keys)) == len(times)
    assert table.make([AT + 1])[0] > max(keys)


def test_rows_that_were_there_before_are_respected(table: Table) -> None:
    table.insert([first_key(AT), first_key(AT) + 1, first_key(AT + 7) + 3])
    assert table.make([AT, AT + 7, AT + 3]) == [
        first_key(AT) + 2,
        first_key(AT + 7) + 4,
        first_key(AT + 3),
    ]


def test_a_microsecond_whose_last_slot_is_taken_spills(table: Table) -> None:
    table.insert([first_key(AT) + SLOTS - 1, first_key(AT + 1)])
    assert table.make([AT]) == [first_key(AT + 1) + 1]


def test_rows_of_another_process_are_seen_after_forget(table: Table) -> None:
    table.make([AT])
    table.make([AT, AT + 9], KeyMaker(table.db))
    table.maker.forget()
    assert table.make([AT, AT + 9]) == [first_key(AT) + 2, first_key(AT + 9) + 1]


BATCHES = st.lists(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from([1, 1, 2, 700, SLOTS])), min_size=1, max_size=4
    ),
    min_size=1,
    max_size=5,
)


@given(BATCHES, st.sets(st.integers(0, 5 * SLOTS), max_size=5), st.lists(st.booleans(), max_size=5))
def test_whatever_comes_keys_are_unique_and_rise_with_arrival_within_a_microsecond(
    batches: list[list[tuple[int, int]]], there: set[int], others: list[bool]
) -> None:
    table = Table()
    table.insert([first_key(AT) + offset for offset in there])
    highest: dict[int, int] = {}
    for number, batch in enumerate(batches):
        if number < len(others) and others[number]:
            table.make([AT + 1, AT + 1], KeyMaker(table.db))
            table.maker.forget()
        times = [AT + offset for offset, times in batch for _ in range(times)]
        # Inserting raises for a key that is not unique.
        for at, key in zip(times, table.make(times), strict=True):
            assert key >= first_key(at)
            assert key > highest.get(at, -1)
            highest[at] = key
    table.db.close()
