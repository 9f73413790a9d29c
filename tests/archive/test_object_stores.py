"""An archive in a real object store: the same bytes as in a folder, searched through the cache."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.archive.filling import acme, fill, set_archive, start, written
from tests.archive.test_writing import contents
from tests.conftest import wait_for

from trailkeeper.archive import cache as cache_module
from trailkeeper.archive.layout import MANIFEST
from trailkeeper.archive.verify import verify
from trailkeeper.errors import ArchiveUnavailable
from trailkeeper.query.language import parse

if TYPE_CHECKING:
    from tests.streaming.object_stores import Servers


@pytest.mark.parametrize("name", ["moto", "seaweedfs"])
def test_written_searched_and_verified(servers: Servers, tmp_path: Path, name: str) -> None:
    place, folder = servers.place(name), tmp_path / "archive"
    with acme(tmp_path / "data", folder) as (here, key):
        fill(here, key, 3, 40)
        set_archive(here, "folder", {"folder": str(folder)})
        written(here)
        one = set_archive(here, place.kind, place.settings)
        by = here.workspaces.by_operator("Acme")
        assert here.archives.test(by).ok
        assert "secret_access_key" in one.settings
        assert place.settings["secret_access_key"] not in str(one)
        assert written(here).totals.count == 122
        assert place.objects() == contents(folder)

        found = here.archive_search.page(key, parse("w7x -actor:nobody"))
        assert [activity.id for activity in found.activities] == ["d2-7", "d1-7", "d0-7"]
        kept = sorted((tmp_path / "data" / "archive-cache").iterdir())
        assert len(kept) == found.searched.files == 4
        again = here.archive_search.page(key, parse("w8x after:2026-03-03"))
        assert (len(again.activities), again.searched.files) == (1, 1)
        assert verify(here.store, one, here.archive_owner.opened).troubles == []

        # Somebody changes, adds and removes something.
        names = [one for one in place.objects() if one.endswith(".parquet")]
        place.put(names[1], place.objects()[names[1]][:-1] + b"x")
        place.put(names[1].replace("activities-", "forged-"), b"PAR1")
        troubles = verify(here.store, one, here.archive_owner.opened).troubles
        assert {trouble.name for trouble in troubles} == {
            names[1],
            names[1].replace("activities-", "forged-"),
        }
        for file in kept:
            file.unlink()
        with pytest.raises(ArchiveUnavailable, match="is not what was written"):
            here.archive_search.page(key, parse("w7x"))


def test_the_cache_is_bounded(
    servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = servers.place("moto")
    with acme(tmp_path / "data") as (here, key):
        fill(here, key, 5, 40)
        set_archive(here, place.kind, place.settings)
        written(here)
        cache: cache_module.Cache = here.archive_search._cache
        monkeypatch.setattr(cache, "_most", 50_000)
        assert len(here.archive_search.page(key, parse("w7x")).activities) == 5
        there = list((tmp_path / "data" / "archive-cache").iterdir())
        assert 1 <= len(there) < 6
        assert sum(one.stat().st_size for one in there) <= 50_000
        assert len(here.archive_search.page(key, parse("w7x")).activities) == 5


def test_a_key_that_is_refused_pauses_the_archive_and_nothing_is_lost(
    servers: Servers, tmp_path: Path
) -> None:
    place = servers.place("seaweedfs")
    with acme(tmp_path / "data") as (here, key):
        fill(here, key, 1, 10)
        one = set_archive(here, place.kind, {**place.settings, **place.wrong})
        by = here.workspaces.by_operator("Acme")
        assert not here.archives.test(by).ok
        here.archive_keeper.close_days()
        start(here)
        wait_for(lambda: here.archives.standing(one).state == "paused", 30)
        assert place.refusal in (here.archives.standing(one).place.last_error or "")
        assert set_archive(here, place.kind, place.settings).id == one.id
        here.archives.resume(by)
        assert written(here).totals.count == 12
        assert sum(MANIFEST in name for name in place.objects()) == 2


def test_a_kept_secret_is_not_sent_to_another_server(servers: Servers, tmp_path: Path) -> None:
    from trailkeeper.errors import InvalidInput

    place = servers.place("moto")
    without = {name: value for name, value in place.settings.items() if "secret" not in name}
    with acme(tmp_path / "data") as (here, _):
        one = set_archive(here, place.kind, place.settings)
        assert set_archive(here, place.kind, without, keep_days=9).id == one.id
        with pytest.raises(InvalidInput) as refused:
            set_archive(here, place.kind, {**without, "endpoint": "https://example.com"})
        assert refused.value.errors[0].pointer == "/secret_access_key"
