"""kill -9 at any moment loses nothing that was acknowledged, and leaves nothing half done."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest
from tests.conftest import make_site, wait_for

from .support import PATH, Load, check_ledger

ROUNDS = 20


@pytest.mark.slow
def test_twenty_kills_under_load_lose_and_double_nothing(tmp_path: Path) -> None:
    chance = random.Random(20)
    site = make_site(tmp_path / "data")
    load = Load(site)
    for _ in range(ROUNDS):
        goal = len(load.acknowledged) + chance.randint(1, 400)
        site.start()
        load.start()
        wait_for(lambda goal=goal: len(load.acknowledged) >= goal, 30, site.log)
        site.stop(signal.SIGKILL)
        load.join()
    assert load.refused == []
    assert len(load.acknowledged) > ROUNDS * 50

    check_ledger(site, load.acknowledged)
    site.start()
    with site.http() as http:
        for id, seq in random.Random(1).sample(sorted(load.acknowledged.items()), 20):
            assert http.get(f"{PATH}/{id}").json()["seq"] == seq
            word = f"word{id.removeprefix('load-')}x"
            assert [one["id"] for one in http.get(PATH, params={"q": word}).json()["data"]] == [id]
    load.start()
    load.stop()
    assert site.stop() == 0
    check_ledger(site, load.acknowledged)
