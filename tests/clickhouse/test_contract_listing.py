"""The contract's tests of listings, on a store that reads all from ClickHouse."""

from __future__ import annotations

from tests.contract.test_store_listing import *  # noqa: F403
