"""Installations that are served until the end of a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from tests.conftest import Site


@pytest.fixture
def served() -> Iterator[Callable[[Site], Site]]:
    """Serves installations until the end of the test, however it ends."""
    sites: list[Site] = []

    def serve(site: Site) -> Site:
        sites.append(site)
        return site.start()

    yield serve
    for site in sites:
        site.stop()
