"""The contract's tests of histograms, facets and pickers, on a store of which the older half is
read from ClickHouse and the rest from the database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.clickhouse.copied import DAY_US, Copied, open_copied
from tests.contract.test_store_counts import *  # noqa: F403
from tests.contract.test_store_counts import DAYS, FIRST, Filled


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    path = tmp_path_factory.mktemp("store") / "data"
    # Neither at a day's border nor at an hour's.
    middle = FIRST + DAYS * DAY_US // 2 + 1_234_567_890
    with open_copied(path, before=middle) as store:
        filled = Filled(store)
        store.catch_up()
        store.is_still = True
        assert 50 < len(store.rows()) < 200
        yield filled


@pytest.fixture
def store(store: Copied) -> Copied:
    """Some of these tests change the activities by other ways than the ledger's; for the rest the
    database keeps nothing."""
    return store
