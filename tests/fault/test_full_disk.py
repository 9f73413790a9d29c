"""A disk that is full: writes are refused as such, reads go on, and so do writes once it is not."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from tests.conftest import Site, activity, cli, make_site

from .support import PATH, check_ledger

DISK = "12m"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, 12 MB large."""
    mount = shutil.which("mount")
    if os.geteuid() != 0 or not mount:
        pytest.skip("mounting a small disk takes root")
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={DISK}", "none", str(disk)],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("mounting is not permitted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.fixture
def cramped(small_disk: Path) -> Iterator[Site]:
    """A served installation on the small disk."""
    site = make_site(small_disk / "data").start()
    yield site
    site.stop()


def fill(folder: Path) -> Path:
    """Take all space that is left."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65_536, 4_096, 512, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    return filler


def test_writes_are_refused_reads_go_on_and_nothing_acknowledged_is_lost(cramped: Site) -> None:
    acknowledged: dict[str, int] = {}

    client = cramped.http()

    def post(number: int, fill: int = 20_000) -> httpx.Response:
        sent = activity(id=f"load-{number}", details={"word": f"word{number}x", "fill": "y" * fill})
        answer = client.post(PATH, json=sent)
        if answer.status_code in (200, 201):
            acknowledged[sent["id"]] = answer.json()["seq"]
        return answer

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(post, range(50)))
        assert {answer.status_code for answer in answers} == {201}

        filler = fill(cramped.data.parent)
        answers = list(threads.map(post, range(50, 90)))
    full = [answer for answer in answers if answer.status_code != 201]
    assert len(full) > 30
    for answer in full:
        assert answer.status_code == 507, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == "urn:trailkeeper:problem:storage-full"

    with cramped.http() as http:
        listed = http.get(PATH, params={"target": "recipe:42", "limit": 1_000}).json()["data"]
        assert {one["id"] for one in listed} == set(acknowledged)
        assert http.get(f"{PATH}/load-7").status_code == 200
        assert http.get(PATH, params={"q": "word7x"}).json()["data"][0]["id"] == "load-7"
        assert http.get("/livez").status_code == 200
        assert http.get("/readyz").status_code == 200

    filler.unlink()
    for number in range(50, 100):
        assert post(number, fill=100).status_code in (200, 201, 409)
    assert "load-99" in acknowledged
    client.close()
    assert cramped.stop() == 0
    check_ledger(cramped, acknowledged)


def test_a_batch_that_does_not_fit_is_refused_whole(cramped: Site) -> None:
    batch = [activity(id=f"batch-{n}", details={"fill": "z" * 50_000}) for n in range(400)]
    with cramped.http() as http:
        before = http.get(PATH, params={"limit": 1_000}).json()["data"]
        assert http.post(PATH, json=batch).status_code == 507
        assert http.get(PATH, params={"limit": 1_000}).json()["data"] == before
        answer = http.post(PATH, json=batch[:3])
        assert [result["status"] for result in answer.json()] == [201] * 3
    check_ledger(cramped, {result["id"]: result["seq"] for result in answer.json()})


def test_a_server_that_cannot_start_for_want_of_space_says_so_in_one_line(
    cramped: Site,
) -> None:
    with cramped.http() as http:
        assert http.post(PATH, json=activity(id="before")).status_code == 201
    assert cramped.stop() == 0
    filler = fill(cramped.data.parent)
    refused = cli("serve", "--data", cramped.data, "--port", str(cramped.port), check=False)
    filler.unlink()
    assert refused.returncode == 1
    assert "cannot be opened" in refused.stderr
    assert refused.stderr.count("\n") == 1
    cramped.start()
    with cramped.http() as http:
        assert http.get(f"{PATH}/before").status_code == 200
        assert http.post(PATH, json=activity()).status_code == 201
