"""kill -9 at any moment: each day is in the archive once, whole, to the byte as without it."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest
from tests.archive.filling import FIRST, acme, fill, record, set_archive, written
from tests.archive.test_writing import contents, manifests
from tests.conftest import Site, activity, wait_for

from trailkeeper.archive.archive import Archive
from trailkeeper.archive.verify import verify

KILLS = 6
DAYS = 16
LARGE = 52_000
"""More than a file takes."""


@pytest.mark.slow
def test_kills_while_days_are_written(tmp_path: Path) -> None:
    chance = random.Random(8)
    data, folder = tmp_path / "data", tmp_path / "archive"
    broken, whole = folder / "broken", folder / "whole"
    with acme(data, folder) as (here, key):
        fill(here, key, DAYS, 200)
        at = FIRST + DAYS * 86_400_000_000
        for start in range(0, LARGE, 4_000):
            record(here, key, at, (activity(id=f"n{start + n}") for n in range(4_000)))
        set_archive(here, "folder", {"folder": str(broken)})
        here.archive_keeper.close_days()
    site = Site(data, "", environment={"TRAILKEEPER_STREAM_FOLDERS": str(folder)})
    kills = 0
    while kills < KILLS:
        there = len(list(broken.rglob("*.parquet")))
        site.start()
        goal = there + chance.randint(1, 4)
        wait_for(
            lambda goal=goal: (
                len(list(broken.rglob("*.parquet"))) >= goal or len(manifests(broken)) > DAYS + 1
            ),
            60,
            site.log,
        )
        site.stop(signal.SIGKILL)
        kills += 1
    assert manifests(broken)

    with acme(data, folder) as (here, key):
        standing = written(here, 60)
        one = here.archives.get(key)
        assert standing.totals.count == DAYS * 200 + LARGE + 2
        assert standing.totals.days == DAYS + 2
        assert len(manifests(broken)[-1]["files"]) == 2
        check(here, one)
        set_archive(here, "folder", {"folder": str(whole)})
        written(here, 60)
    assert contents(broken) == contents(whole)


def check(here: object, one: Archive) -> None:
    found = verify(here.store, one, here.archive_owner.opened)  # type: ignore[attr-defined]
    assert found.troubles == []
    assert found.files == DAYS + 3
