"""What the tests of retention work with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.retention.kept import Kept, open_kept


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    with open_kept(tmp_path / "data") as made:
        yield made
