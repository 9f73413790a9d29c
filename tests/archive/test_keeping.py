"""For how long what is archived is kept, and what holds it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.archive.filling import FIRST, fill, set_archive, written
from tests.archive.test_writing import acme_key, contents, manifests

from trailkeeper.activity import now_us
from trailkeeper.archive.folder import Folder
from trailkeeper.archive.layout import DAY_US
from trailkeeper.archive.verify import verify
from trailkeeper.followers.follower import DeliveryFailed
from trailkeeper.installation import Installation
from trailkeeper.query.language import parse


@pytest.fixture
def filled(here: Installation, folder: Path) -> Installation:
    """Days from 28 February to 4 March."""
    fill(here, acme_key(here), 4, 10)
    set_archive(here, "folder", {"folder": str(folder)})
    written(here)
    return here


def keep_since_third_of_march(here: Installation) -> int:
    return (now_us() - FIRST) // DAY_US - 2 + (now_us() % DAY_US < FIRST % DAY_US)


def dates(folder: Path) -> list[str]:
    return [day["date"][5:] for day in manifests(folder)]


def test_days_that_are_too_old_are_removed_and_that_is_recorded(
    filled: Installation, folder: Path
) -> None:
    key, by = acme_key(filled), filled.workspaces.by_operator("Acme")
    days = keep_since_third_of_march(filled)
    one = filled.archives.keep_for(by, days)
    removed = filled.archive_keeper.remove_old(one)
    assert (removed.days, removed.held) == (["2026-02-28", "2026-03-01", "2026-03-02"], [])
    assert dates(folder) == ["03-03", "03-04"]
    assert len(contents(folder)) == 4
    assert len(list(folder.glob("*/*"))) == 2
    (told,) = filled.reader.page(key, parse("action:archive.days_removed")).activities
    assert told.details == {
        "days": 3,
        "count": 22,
        "first_day": "2026-02-28",
        "last_day": "2026-03-02",
    }
    (changed,) = filled.reader.page(key, parse("action:archive.updated")).activities
    assert [(one.field, one.new) for one in changed.changes] == [("keep_days", days)]
    found = filled.archive_search.page(key, parse("w3x"))
    assert [activity.id for activity in found.activities] == ["d3-3", "d2-3"]
    assert verify(filled.store, one, filled.archive_owner.opened).troubles == []
    assert filled.archive_keeper.remove_old(one).days == []
    # The archive goes on after what was removed.
    assert written(filled).totals.days == 2


@pytest.mark.parametrize(
    ("query", "held"),
    [
        ("", ["02-28", "03-01", "03-02"]),
        ("w3x before:2026-03-02", ["03-01"]),
        ("actor:robin@example.com", ["03-01", "03-02"]),
        ("nothing like it", []),
    ],
)
def test_a_legal_hold_keeps_the_days_that_have_what_it_holds(
    filled: Installation, folder: Path, query: str, held: list[str]
) -> None:
    by = filled.workspaces.by_operator("Acme")
    hold = filled.holds.place(by, "Case", query, "")
    one = filled.archives.keep_for(by, keep_since_third_of_march(filled))
    removed = filled.archive_keeper.remove_old(one)
    assert [day[5:] for day in removed.held] == held
    assert dates(folder) == [*held, "03-03", "03-04"]
    # A gap that removal has made is none.
    assert verify(filled.store, one, filled.archive_owner.opened).troubles == []
    filled.holds.release(by, hold.id)
    filled.archive_keeper.remove_old(one)
    assert dates(folder) == ["03-03", "03-04"]


def test_a_removal_that_fails_goes_on_later_and_what_is_half_gone_is_not_searched(
    filled: Installation, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, by = acme_key(filled), filled.workspaces.by_operator("Acme")
    one = filled.archives.keep_for(by, keep_since_third_of_march(filled))
    real = Folder.remove

    def remove(self: Folder, name: str) -> None:
        if name.endswith(".parquet"):
            raise DeliveryFailed("not now")
        real(self, name)

    with monkeypatch.context() as patched:
        patched.setattr(Folder, "remove", remove)
        with pytest.raises(DeliveryFailed):
            filled.archive_keeper.remove_old(one)
    assert dates(folder) == ["03-01", "03-02", "03-03", "03-04"]
    assert len(list(folder.rglob("date=2026-02-28/*.parquet"))) == 1
    assert filled.archive_search.page(key, parse("before:2026-03-01")).activities == []
    # A hold that is placed now comes too late for that day, but not for the next.
    filled.holds.place(by, "Case", "w3x", "")
    removed = filled.archive_keeper.remove_old(one)
    assert removed.days == ["2026-02-28"]
    assert dates(folder) == ["03-01", "03-02", "03-03", "03-04"]
    assert not list(folder.rglob("date=2026-02-28/*"))
