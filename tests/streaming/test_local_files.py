"""Local files: only where the operator allows them, whole lines only, and never lost."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.api.support import PATH
from tests.conftest import activity as as_json
from tests.conftest import make_site, wait_for
from tests.streaming.delivering import STREAM, Open, batch, bodies, destination, parcel, whole
from tests.streaming.other_players import Files

from trailkeeper.errors import InvalidInput
from trailkeeper.followers.follower import DeliveryFailed
from trailkeeper.installation import opened as opened_installation
from trailkeeper.streaming.destinations import file as file_destination
from trailkeeper.streaming.guard import Guard


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    made = Files(tmp_path)
    yield made
    made.close()


def test_without_an_allowed_folder_there_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="allows streams no folders"):
        destination("file", {"folder": str(tmp_path)})


@pytest.mark.parametrize("wanted", ["/etc", "{root}/../other", "streams", "{root}x", "{root}/link"])
def test_a_folder_elsewhere_is_refused(tmp_path: Path, files: Files, wanted: str) -> None:
    (files.folder / "link").symlink_to("/tmp")
    with pytest.raises(InvalidInput, match="must be"):
        destination("file", {"folder": wanted.format(root=files.folder)}, folder=files.folder)


def test_a_link_that_came_later_is_not_followed(tmp_path: Path, files: Files, opened: Open) -> None:
    work = opened(files, folder=f"{files.folder}/a")
    (tmp_path / "elsewhere").mkdir()
    (files.folder / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DeliveryFailed) as failed:
        work.do(batch(1))
    assert failed.value.is_final
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_folder_below_is_made_and_all_is_for_the_owner_only(files: Files, opened: Open) -> None:
    opened(files, folder=f"{files.folder}/a/b").do(batch(3))
    (file,) = files.files
    assert file == files.folder / "a" / "b" / STREAM.id / "activities-2026-11-22-0001.jsonl"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for folder in file.parents[:3]:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_an_allowed_folder_that_is_not_there_is_not_made(files: Files, opened: Open) -> None:
    work = opened(files)
    files.folder.rmdir()
    with pytest.raises(DeliveryFailed, match="No such file") as failed:
        work.do(batch(1))
    assert failed.value.is_final
    files.folder.mkdir()


def test_another_file_is_begun_for_each_day_and_beyond_the_size(
    files: Files, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_destination, "MB", 1_000)  # of the setting; 10 is its least
    work = opened(files, max_mb="10")
    one, two, three = batch(8), batch(8, 8), batch(8, 16)
    later = [
        replace(each, received_at=each.received_at + timedelta(hours=4 * number))
        for number, each in enumerate(three.items)
    ]
    for some in (one, two, replace(three, items=later)):
        work.do(some)
    names = [file.name.removeprefix("activities-") for file in files.files]
    assert names == [
        "2026-11-22-0001.jsonl",
        "2026-11-22-0002.jsonl",
        "2026-11-23-0001.jsonl",
        "2026-11-24-0001.jsonl",
    ]
    assert [seq["seq"] for seq in whole(files.took)] == list(range(24))


def test_what_a_crash_has_torn_is_cut_off_before_anything_is_added(
    files: Files, opened: Open
) -> None:
    opened(files).do(batch(3))
    (file,) = files.files
    with file.open("ab") as torn:
        torn.write(bodies(batch(2, 3))[0] + b"\n" + bodies(batch(2, 3))[1][:40])
    opened(files).do(batch(2, 3))
    assert [one["seq"] for one in whole(files.took)] == [0, 1, 2, 3, 3, 4]


def test_a_file_that_is_one_torn_line_becomes_empty_first(files: Files, opened: Open) -> None:
    opened(files).do(batch(1))
    (file,) = files.files
    file.write_bytes(b"x" * 200_000)
    opened(files).do(batch(1))
    assert whole(files.took) == whole(bodies(batch(1)))


def test_a_full_disk_leaves_nothing_half_and_is_tried_again(
    files: Files, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = opened(files)
    work.do(batch(2))
    write = os.write

    def full(file: int, data: Any) -> int:
        if len(data) > 1_000:
            return write(file, data[:1_000])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(DeliveryFailed, match="No space left") as failed:
        work.do(batch(5, 2))
    assert not failed.value.is_final
    monkeypatch.undo()
    assert [one["seq"] for one in whole(files.took)] == [0, 1]
    work.do(batch(5, 2))
    assert [one["seq"] for one in whole(files.took)] == list(range(7))


def test_every_parcel_is_on_disk_before_it_counts(
    files: Files, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bool] = []
    sync = os.fsync

    def counted(file: int) -> None:
        synced.append(stat.S_ISDIR(os.fstat(file).st_mode))
        sync(file)

    monkeypatch.setattr(os, "fsync", counted)
    work = opened(files)
    work.do(batch(1))
    assert synced == [False, True]  # the file, and its name
    work.do(batch(1, 1))
    assert synced == [False, True, False]


def test_two_processes_do_not_write_at_once(files: Files, opened: Open) -> None:
    work = opened(files)
    work.do(batch(1))
    other = os.open(files.files[0].parent, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    with pytest.raises(DeliveryFailed, match="Another process") as failed:
        work.do(batch(1, 1))
    assert not failed.value.is_final
    os.close(other)
    work.do(batch(1, 1))


def test_texts_go_to_logs_of_their_own(files: Files, opened: Open) -> None:
    opened(files)._destination.deliver(parcel(b"one\ntwo", content_type="text/plain"))
    (file,) = files.files
    assert file.name == "activities-2026-11-22-0001.log"
    assert file.read_bytes() == b"one\\ntwo\n"


def test_a_folder_that_is_no_absolute_path_is_no_setting() -> None:
    with pytest.raises(ValueError, match="absolute"):
        Guard((), ["streams"])


def test_a_stream_writes_files_from_the_api_on_and_is_not_offered_without_a_folder(
    files: Files, tmp_path: Path
) -> None:
    site = make_site(tmp_path / "data")
    asked = {
        "name": "Files",
        "enabled": True,
        "destination": {"type": "file", "settings": {"folder": str(files.folder)}},
        "shape": {"query": "action:recipe.stopped"},
    }
    site.start()
    with site.http() as http:
        refused = http.post("/api/v1/streams", json=asked)
        assert refused.status_code == 422
        assert "stream_folders" in refused.json()["errors"][0]["detail"]
        (made,) = http.get("/api/v1/streams").json()["data"]
        http.delete(f"/api/v1/streams/{made['id']}").raise_for_status()
    site.stop()
    site.environment["TRAILKEEPER_STREAM_FOLDERS"] = str(files.folder)
    site.start()
    with site.http() as http:
        stream = http.post("/api/v1/streams", json=asked).json()
        assert stream["state"] == "running"
        test = http.post(f"/api/v1/streams/{stream['id']}/test").json()
        assert test == {"ok": True, "text": f"Files are written to {files.folder}/{stream['id']}"}
        http.post(PATH, json=[as_json(id=f"n-{number}") for number in range(20)])
        wait_for(lambda: len(files.took) == 20)
        assert whole(files.took)[7] == http.get(f"{PATH}/n-7").json()
    site.stop()
    with opened_installation(tmp_path / "data") as installation:
        assert "file" not in {kind.name for kind in installation.streams.kinds()}
