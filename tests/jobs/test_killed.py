"""A server that is killed has every job that it acknowledged, and no seq twice or left out."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.conftest import Site, make_site, wait_for
from tests.jobs.support import JOBS, job, listed

SENDERS = 4


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = make_site(tmp_path / "data").start()
    yield made
    made.stop()


def send(site: Site, sender: int, acknowledged: dict[str, int], stop: threading.Event) -> None:
    """Begin and end jobs until the server is gone."""
    with contextlib.suppress(httpx.HTTPError), site.http() as http:
        number = 0
        while not stop.is_set():
            id = f"{sender}-{number}"
            http.post(JOBS, json=job(id, status="running")).raise_for_status()
            ended = http.post(JOBS, json=job(id)).raise_for_status().json()
            acknowledged[id] = ended["seq"]
            number += 1


def test_no_acknowledged_job_is_lost(site: Site) -> None:
    acknowledged: dict[str, int] = {}
    stop = threading.Event()
    for _ in range(3):
        threads = [
            threading.Thread(
                target=send, args=(site, len(acknowledged) * 10 + n, acknowledged, stop)
            )
            for n in range(SENDERS)
        ]
        before = len(acknowledged)
        for one in threads:
            one.start()
        wait_for(lambda before=before: len(acknowledged) > before + 40, 30)
        site.stop(signal.SIGKILL)
        for one in threads:
            one.join(30)
        site.start()
    with site.http() as http:
        jobs = listed(http)
    ended = {one["id"]: one["seq"] for one in jobs if one["seq"] is not None}
    assert acknowledged.items() <= ended.items()
    assert sorted(ended.values()) == list(range(len(ended)))
    assert {one["state"] for one in jobs if one["seq"] is None} <= {"running"}
