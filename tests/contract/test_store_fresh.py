"""Rows that are not in the inverted index yet: found all the same, and moved on sooner or later."""

from __future__ import annotations

from typing import Any

import pytest
from tests.conftest import wait_for
from tests.contract.stores import OF_SQLITE, Store

from trailkeeper.ledger import writer
from trailkeeper.ledger.writer import FRESH_MAX
from trailkeeper.query.language import parse

LONG_S = 3_600.0

pytestmark = OF_SQLITE


def count(store: Store, table: str) -> int:
    with store.here.engine.connect() as connection:
        return connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()


def found(store: Store, asked: str) -> int:
    return len(store.reader.page(store.acme, parse(asked), limit=1_000).activities)


@pytest.fixture
def without_lulls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "LULL_S", LONG_S)


@pytest.mark.usefixtures("without_lulls")
def test_small_appends_wait_and_many_are_moved_at_once(store: Store) -> None:
    for number in range(FRESH_MAX):
        store.record(details={"note": f"word{number}x"})
        if number == FRESH_MAX - 2:
            assert count(store, "activity_fresh") == FRESH_MAX - 1
            assert count(store, "activity_index") == 0
            assert found(store, "word7x") == 1
    wait_for(lambda: count(store, "activity_fresh") == 0)
    assert count(store, "activity_index") == FRESH_MAX
    assert found(store, "word7x") == 1


def test_after_a_lull_they_are_moved(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "LULL_S", 0.01)
    store.record()
    wait_for(lambda: count(store, "activity_fresh") == 0)
    assert count(store, "activity_index") == 1


@pytest.mark.usefixtures("without_lulls")
def test_a_large_batch_goes_into_the_index_at_once(store: Store) -> None:
    store.record(id="small")
    store.append(*(store.prepare() for _ in range(FRESH_MAX)))
    assert count(store, "activity_index") == FRESH_MAX
    assert count(store, "activity_fresh") == 1
    assert found(store, "") == FRESH_MAX + 1


@pytest.mark.usefixtures("without_lulls")
def test_what_another_process_left_is_found_and_moved(store: Store) -> None:
    there = store.another()
    there.writer.append(store.acme, [store.prepare(id="left", details={"note": "zanzibar"})])
    assert found(store, "zanzibar") == 1
    for number in range(FRESH_MAX - 1):
        store.record(id=f"id-{number}")
    wait_for(lambda: count(store, "activity_fresh") == 0)
    assert found(store, "zanzibar") == 1


@pytest.mark.usefixtures("without_lulls")
def test_a_move_that_fails_loses_nothing_and_is_tried_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_database: Any) -> None:
        raise RuntimeError("database or disk is full")

    with monkeypatch.context() as broken:
        broken.setattr("trailkeeper.ledger.sqlite.append.move", fail)
        for number in range(FRESH_MAX + 3):
            store.record(id=f"id-{number}")
        assert count(store, "activity_fresh") == FRESH_MAX + 3
        assert found(store, "") == FRESH_MAX + 3
    store.record(id="one more")
    # One stays if the rest was moved just before it came.
    wait_for(lambda: count(store, "activity_fresh") <= 1)
    assert found(store, "") == FRESH_MAX + 4
