"""A queue that is full: what does not fit is refused with Retry-After, the rest is kept."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pysqlite3.dbapi2 as driver
import pytest
from tests.conftest import Site, activity, make_site, wait_for

from .support import PATH, check_ledger


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Site]:
    """A server whose queue holds 20,000 bytes."""
    site = make_site(tmp_path / "data")
    site.environment["TRAILKEEPER_QUEUE_MAX_BYTES"] = "20000"
    yield site.start()
    site.stop()


@contextmanager
def locked(site: Site) -> Iterator[None]:
    """Another process has begun to write and takes its time."""
    with closing(driver.connect(str(site.data / "trailkeeper.db"))) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.rollback()


def test_what_does_not_fit_is_refused_and_what_was_queued_is_recorded(small: Site) -> None:
    def post(number: int) -> httpx.Response:
        sent = activity(id=f"queued-{number}", details={"fill": "x" * 2_000})
        with small.http() as http:
            return http.post(PATH, json=sent)

    with ThreadPoolExecutor(40) as threads:
        with locked(small):
            answers = [threads.submit(post, number) for number in range(40)]
            # The first is the writer's, some fit into the queue, and the rest is answered at once.
            wait_for(lambda: sum(answer.done() for answer in answers) >= 25)
            with small.http() as http:
                assert http.get(PATH).status_code == 200
            one_more = post(99)
        results = [answer.result() for answer in answers]
    refused = [answer for answer in results if answer.status_code != 201]
    assert len(refused) >= 25
    for answer in [*refused, one_more]:
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == "urn:trailkeeper:problem:queue-full"
        assert int(answer.headers["retry-after"]) >= 1
    recorded = [answer.json() for answer in results if answer.status_code == 201]
    assert len(recorded) >= 2
    check_ledger(small, {receipt["id"]: receipt["seq"] for receipt in recorded})
    with small.http() as http:
        assert http.get(f"{PATH}/queued-99").status_code == 404
        found = http.get(PATH, params={"limit": 1_000, "target": "recipe:42"}).json()["data"]
    assert {one["id"] for one in found} == {receipt["id"] for receipt in recorded}
    assert post(99).status_code == 201


def test_a_batch_larger_than_the_queue_is_taken_when_nothing_waits(small: Site) -> None:
    batch = [activity(details={"fill": "x" * 2_000}) for _ in range(50)]
    with small.http() as http:
        results = http.post(PATH, json=batch).json()
    assert [result["status"] for result in results] == [201] * 50
