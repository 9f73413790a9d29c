"""Who is alone with a data folder takes over from the dead at once; whoever is not, waits."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.conftest import wait_for
from tests.followers.conftest import World

from trailkeeper.followers.presence import FilePresence

ME = "0123456789abcdef"


def test_the_leases_of_the_dead_hold_up_nobody(world: World) -> None:
    receiver = world.follower()
    world.record(3)
    assert world.places.take_lease(world.place().key, "dead", 3_600)
    world.run()
    wait_for(lambda: receiver.seqs == [0, 1, 2])


def test_only_who_is_alone_is_told_so(tmp_path: Path) -> None:
    told: list[str] = []
    first, second, third = (FilePresence(tmp_path / "lock") for _ in range(3))
    first.enter(ME, lambda: told.append("first"))
    first.enter(ME, lambda: told.append("first again"))
    second.enter(ME, lambda: told.append("second"))
    first.leave()
    third.enter(ME, lambda: told.append("third"))
    second.leave()
    third.leave()
    assert told == ["first"]
    second.enter(ME, lambda: told.append("second"))
    assert told == ["first", "second"]


def test_who_could_not_do_what_it_does_alone_has_not_entered(tmp_path: Path) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    told: list[str] = []
    first = FilePresence(tmp_path / "lock")
    with pytest.raises(ZeroDivisionError):
        first.enter(ME, fail)
    first.enter(ME, lambda: told.append("first"))
    assert told == ["first"]
