"""The contract's tests of the pickers, on a store that reads all from ClickHouse."""

from __future__ import annotations

from tests.contract.test_store_pickers import *  # noqa: F403
