"""The store that each test of the contract gets, once per backend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from tests.contract.stores import BACKENDS, Store, open_store

settings.register_profile("contract", deadline=None, max_examples=100, database=None)
settings.load_profile("contract")


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store of this test's own."""
    with open_store(request.param, tmp_path / "data") as made:
        yield made
