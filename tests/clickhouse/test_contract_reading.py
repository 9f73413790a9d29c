"""The contract's tests of the reader, on a store that reads all from ClickHouse."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.clickhouse.copied import open_copied
from tests.contract.brute import Recorded
from tests.contract.stores import receipt, sent
from tests.contract.test_store_reader import *  # noqa: F403
from tests.contract.test_store_reader import Filled, make_activities


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
