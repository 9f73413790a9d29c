"""A served installation that may stream to this machine, and a receiver."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.conftest import Site, make_site
from tests.streaming.delivering import Open, destination, work_with
from tests.streaming.receiver import Receiver

from trailkeeper.streaming.work import StreamWork

if TYPE_CHECKING:
    from tests.streaming.object_stores import Place, Servers
    from tests.streaming.storing import OpenStore


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = make_site(tmp_path / "data")
    made.environment["TRAILKEEPER_STREAM_ALLOWED_NETWORKS"] = "127.0.0.0/8"
    yield made.start()
    made.stop()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """A stream's work with a player; it ends with the test."""
    made: list[StreamWork] = []

    def open_(player: Any, *, allowed: bool = True, **changed: str) -> StreamWork:
        settings = {**player.settings, **changed}
        folder = tmp_path / "streams"
        opened = destination(player.kind, settings, allowed=allowed, folder=folder)
        made.append(work_with(player.kind, opened))
        return made[-1]

    yield open_
    for work in made:
        work.close()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Object stores, each started when a test asks for it."""
    # Only those who need them wait for the libraries.
    from tests.streaming.certificates import Authority
    from tests.streaming.object_stores import Servers

    made = Servers(tmp_path_factory.mktemp("stores"), Authority())
    yield made
    made.close()


@pytest.fixture(params=["seaweedfs", "moto", "azurite", "gcs"])
def place(request: pytest.FixtureRequest, servers: Servers) -> Place:
    """Each of the object stores."""
    return servers.place(request.param)


@pytest.fixture
def open_store() -> Iterator[OpenStore]:
    """Opens destinations (tests.streaming.storing.destination); they are closed with the test."""
    from tests.streaming.storing import destination

    made: list[Any] = []

    def open_(*arguments: Any, **named: Any) -> Any:
        made.append(destination(*arguments, **named))
        return made[-1]

    yield open_
    for one in made:
        one.close()
