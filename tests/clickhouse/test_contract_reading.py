"""The contract's tests of the reader, on a store that reads all from ClickHouse."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.clickhouse.copied import open_copied
from tests.contract.brute import Recorded, listed
from tests.contract.stores import receipt, sent
from tests.contract.test_store_reader import *  # noqa: F403
from tests.contract.test_store_reader import FILTERS, ORDERS, Filled, make_activities

from trailkeeper.query.filters import Filter


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    with open_copied(tmp_path_factory.mktemp("store") / "data") as store:
        log: list[Recorded] = []
        recorder = store.here.recorder
        for number, fields in enumerate(make_activities()):
            one = sent(**fields)
            prepared = recorder.prepare(store.acme, one)
            seq = receipt(store.append(prepared)[0]).seq
            log.append(Recorded(seq, one, prepared.text))
            if seq % 3 == 0:
                store.writer.append(store.other, [recorder.prepare(store.other, one)])
            # Some leave the database before the next of the same microseconds come.
            if number in (100, 180, 181):
                store.catch_up()
        store.catch_up()
        store.is_still = True
        yield Filled(store, log)


@settings(max_examples=30)
@given(FILTERS, ORDERS, st.lists(st.integers(4, 60), min_size=1, max_size=4))
def test_pages_of_any_size_show_each_activity_once(
    filled: Filled, asked: Filter, order: str, limits: list[int]
) -> None:
    """Not of so few as in the contract: each page is a query. test_seam.py has the small ones."""
    assert filled.page_through(asked, order, limits) == listed(filled.log, asked, order)
