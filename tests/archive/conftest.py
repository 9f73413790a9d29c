"""Archives in a folder of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from tests.archive.filling import acme

from trailkeeper.installation import Installation

if TYPE_CHECKING:
    from tests.streaming.object_stores import Servers

settings.register_profile("archive", deadline=None, max_examples=40, database=None)
settings.load_profile("archive")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def here(tmp_path: Path, folder: Path) -> Iterator[Installation]:
    """An installation with the workspace Acme whose archive may be in `folder`."""
    with acme(tmp_path / "data", folder) as (installation, _):
        yield installation


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Object stores, each started when a test asks for it."""
    from tests.streaming.certificates import Authority
    from tests.streaming.object_stores import Servers

    made = Servers(tmp_path_factory.mktemp("stores"), Authority())
    yield made
    made.close()
