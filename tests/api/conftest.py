"""One server for all tests of this folder; who needs a log of their own takes a workspace of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import httpx
import pytest
from tests.conftest import Site, make_site

_numbers = count(1)


@pytest.fixture(scope="session")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A served installation that all tests of this folder share."""
    made = make_site(tmp_path_factory.mktemp("site") / "data").start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def http(shared_site: Site) -> Iterator[httpx.Client]:
    """A client of the shared server with every right."""
    with shared_site.http() as client:
        yield client


@pytest.fixture(scope="module")
def workspace(shared_site: Site) -> Site:
    """A workspace of this module's own on the shared server."""
    number = next(_numbers)
    return shared_site.add_workspace(f"Workspace {number}", f"owner{number}@example.com")


@pytest.fixture(scope="module")
def own(workspace: Site) -> Iterator[httpx.Client]:
    """A client of the module's own workspace."""
    with workspace.http() as client:
        yield client
