"""SIGTERM: what is in flight is answered, then the server ends with 0."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pysqlite3.dbapi2 as driver
import pytest
from tests.conftest import Site, activity, make_site, wait_for

from .support import PATH, Load, check_ledger, listens


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_under_load_nothing_acknowledged_is_lost(tmp_path: Path, number: int) -> None:
    site = make_site(tmp_path / "data").start(cold=True)
    load = Load(site, connections=8)
    load.start()
    wait_for(lambda: len(load.acknowledged) > 500, 30, site.log)
    assert site.stop(number) == 0
    load.join()
    assert load.refused == []
    check_ledger(site, load.acknowledged)


def test_what_waits_for_the_database_when_the_signal_comes_is_answered(site: Site) -> None:
    def post(number: int) -> int:
        with site.http() as http:
            return http.post(PATH, json=activity(id=f"waiting-{number}")).status_code

    assert site.process is not None
    assert post(99) == 201  # the token's time of use is noted with this one
    with (
        closing(driver.connect(str(site.data / "trailkeeper.db"))) as other,
        ThreadPoolExecutor(8) as threads,
    ):
        other.execute("BEGIN IMMEDIATE")
        answers = [threads.submit(post, number) for number in range(8)]
        # The server may have a unit of its own among them.
        wait_for(lambda: waiting_units(site) >= 8, 30)
        site.process.send_signal(signal.SIGTERM)
        wait_for(lambda: not listens(site), 30)
        assert not any(answer.done() for answer in answers)
        other.rollback()
        assert [answer.result() for answer in answers] == [201] * 8
    assert site.stop() == 0


def waiting_units(site: Site) -> int:
    with site.http() as http:
        lines = http.get("/metrics").text.splitlines()
    value = next(line for line in lines if line.startswith("trailkeeper_writer_queue_units "))
    return int(float(value.split()[1]))
