"""One server for all tests of this folder, and a workspace of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import httpx
import pytest
from tests.conftest import Site, make_site

_numbers = count(1)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A served installation that all tests of this folder share."""
    made = make_site(tmp_path_factory.mktemp("site") / "data").start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def empty(served: Site) -> Iterator[httpx.Client]:
    """A client of a workspace of the module's own, for tests that leave nothing in it."""
    number = next(_numbers)
    team = served.add_workspace(f"Empty {number}", f"empty{number}@example.com")
    with team.http() as client:
        yield client


@pytest.fixture
def team(served: Site) -> Site:
    """A workspace of this test's own."""
    number = next(_numbers)
    return served.add_workspace(f"Team {number}", f"lead{number}@example.com")


@pytest.fixture
def http(team: Site) -> Iterator[httpx.Client]:
    """A client of that workspace with every right."""
    with team.http() as client:
        yield client
