"""What is not as it was written is found, and named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.archive.filling import acme, fill, set_archive, written
from tests.archive.test_writing import acme_key, contents
from tests.conftest import cli

from trailkeeper.archive.layout import MANIFEST
from trailkeeper.archive.verify import Trouble, verify
from trailkeeper.errors import ArchiveUnavailable
from trailkeeper.installation import Installation
from trailkeeper.query.language import parse


@pytest.fixture
def filled(here: Installation, folder: Path) -> Installation:
    fill(here, acme_key(here), 3, 20)
    set_archive(here, "folder", {"folder": str(folder)})
    written(here)
    return here


def troubles(here: Installation) -> list[Trouble]:
    one = here.archives.get(acme_key(here))
    return verify(here.store, one, here.archive_owner.opened).troubles


def file_of_day(folder: Path, day: int, pattern: str = "activities-*.parquet") -> Path:
    return sorted(folder.rglob(pattern))[day]


def test_an_archive_as_it_was_written_is_whole(filled: Installation) -> None:
    one = filled.archives.get(acme_key(filled))
    found = verify(filled.store, one, filled.archive_owner.opened)
    assert (found.days, found.files, found.activities) == (4, 4, 62)
    assert found.troubles == []


def test_any_flipped_bit_of_any_file_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    with acme(tmp_path / "data", folder) as (here, key):
        fill(here, key, 1, 20)
        one = set_archive(here, "folder", {"folder": str(folder)})
        written(here)
        names = list(contents(folder))

        @given(st.sampled_from(names), st.floats(0, 1, exclude_max=True), st.integers(0, 7))
        def flips(name: str, where: float, bit: int) -> None:
            path = folder / name
            whole = path.read_bytes()
            at = int(where * len(whole))
            path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << bit)]) + whole[at + 1 :])
            found = verify(here.store, one, here.archive_owner.opened).troubles
            path.write_bytes(whole)
            assert name in {trouble.name for trouble in found}

        flips()
        assert troubles(here) == []


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _replace(path: Path) -> None:
    other = file_of_day(path.parent.parent, 0)
    path.write_bytes(other.read_bytes())


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (Path.unlink, "is missing"),
        (_cut, "has another SHA-256"),
        (_cut, "cannot be read as Parquet"),
        (_replace, "has 2 activities instead of 20"),
    ],
)
def test_a_harmed_file_is_named(
    filled: Installation, folder: Path, harm: Callable[[Path], None], words: str
) -> None:
    path = file_of_day(folder, 2)
    harm(path)
    found = troubles(filled)
    assert {trouble.name for trouble in found} == {str(path.relative_to(folder))}
    assert words in " ".join(trouble.what for trouble in found)


def test_a_missing_and_a_changed_manifest_are_named(filled: Installation, folder: Path) -> None:
    path = file_of_day(folder, 1, MANIFEST)
    whole = path.read_text()
    path.unlink()
    assert [trouble.what for trouble in troubles(filled)] == ["is missing"]
    told = json.loads(whole)
    told["count"] += 1
    path.write_text(json.dumps(told))
    found = [trouble.what for trouble in troubles(filled)]
    assert found[0] == "is not the one that was written: its SHA-256 is another"
    assert "but its files give" in found[1]


def test_a_file_that_somebody_added_is_found(filled: Installation, folder: Path) -> None:
    path = file_of_day(folder, 1)
    forged = path.with_name("activities-000000009999-000000009999.parquet")
    forged.write_bytes(path.read_bytes())
    day = path.parent.with_name("date=2026-07-01")
    day.mkdir()
    (day / path.name).write_bytes(path.read_bytes())
    assert {trouble.name for trouble in troubles(filled)} == {
        str(forged.relative_to(folder)),
        str((day / path.name).relative_to(folder)),
    }


def test_a_harmed_file_is_not_searched(filled: Installation, folder: Path) -> None:
    path = file_of_day(folder, 2)
    _cut(path)
    with pytest.raises(ArchiveUnavailable, match="is not what was written"):
        filled.archive_search.page(acme_key(filled), parse("w3x"))
    path.unlink()
    with pytest.raises(ArchiveUnavailable, match="is gone"):
        filled.archive_search.page(acme_key(filled), parse("w3x"))
    # Days that do not need it are read as before.
    assert filled.archive_search.page(acme_key(filled), parse("w3x after:2026-03-03")).activities


def test_the_command_says_which_file_and_exits_with_one(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    with acme(tmp_path / "data", folder) as (here, key):
        fill(here, key, 2, 20)
        set_archive(here, "folder", {"folder": str(folder)})
        written(here)
    where = ("archive", "verify", "--data", tmp_path / "data", "--workspace", "Acme")
    allowed = {"TRAILKEEPER_STREAM_FOLDERS": str(folder)}
    assert cli(*where, **allowed).stdout.endswith(
        "42 activities, " + _bytes(folder) + " nothing wrong\n"
    )
    path = file_of_day(folder, 1)
    _cut(path)
    done = cli(*where, check=False, **allowed)
    assert done.returncode == 1
    assert f"{path.relative_to(folder)} has another SHA-256 than its manifest says" in done.stdout
    other = cli(*where, "--from", "2026-03-02", **allowed)
    assert "1 days, 1 files" in other.stdout
    wrong = cli(*where, "--from", "yesterday", check=False, **allowed)
    assert "must be a day such as 2026-11-22" in wrong.stderr
    assert wrong.returncode == 1


def _bytes(folder: Path) -> str:
    return f"{sum(one.stat().st_size for one in folder.rglob('*.parquet'))} bytes:"
