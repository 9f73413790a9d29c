"""The stores of these tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from tests.clickhouse.copied import Copied, open_copied

settings.register_profile("clickhouse", deadline=None, max_examples=60, database=None)
settings.load_profile("clickhouse")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Copied]:
    """All that is read comes from ClickHouse."""
    with open_copied(tmp_path / "data") as made:
        yield made
