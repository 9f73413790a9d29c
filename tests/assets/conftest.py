"""One installation for all tests of this folder that need no server; each works in a workspace of
its own."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from tests.assets.desk import Desk, open_desk
from tests.conftest import Site, new_installation

from trailkeeper.installation import Installation, opened


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation on a real SQLite file, not served."""
    data = tmp_path_factory.mktemp("assets") / "data"
    new_installation(data)
    with opened(data) as installation:
        yield installation


@pytest.fixture
def desk(here: Installation) -> Desk:
    """A workspace of this test's own."""
    return open_desk(here)


@pytest.fixture(scope="module")
def http(shared_site: Site) -> Iterator[httpx.Client]:
    """A client of the module's server that may work with assets."""
    token = shared_site.new_token("assets:manage", "activities:read", name="Assets")
    with shared_site.http(token) as client:
        yield client
