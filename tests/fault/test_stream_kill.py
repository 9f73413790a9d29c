"""kill -9 at any moment, and a destination that fails often: a stream loses nothing, keeps the
order, and sends nothing twice but what was cut, byte for byte."""

from __future__ import annotations

import json
import random
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Site, make_site, wait_for
from tests.streaming.receiver import Received, Receiver, Reply
from tests.streaming.test_http_stream import make_stream, state

from .support import PATH, Load, check_ledger

ROUNDS = 20


class Sick:
    """Makes a receiver fail often: it answers 500, or of the next request it takes half, or the
    whole and breaks the connection instead of the answer. After each failure something goes well,
    so that nobody waits long for another try."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._chance = random.Random(9)
        self._spared = True
        self.lost = 0
        """Answers that were not given to what was taken."""
        receiver.reply = self.reply

    def reply(self, _request: Received) -> Reply:
        self._spared = not self._spared
        if self._spared:
            return 200, {}, b""
        fate = self._chance.choice(("fail", "cut", "lose the answer"))
        if fate == "fail":
            return 500, {"Retry-After": "0"}, b"not now"
        self._receiver.fates.append(fate)
        self.lost += fate == "lose the answer"
        return 200, {}, b""


@pytest.mark.slow
def test_twenty_kills_while_streaming_to_a_failing_destination(tmp_path: Path) -> None:
    chance = random.Random(20)
    site = make_site(tmp_path / "data")
    site.environment["TRAILKEEPER_STREAM_ALLOWED_NETWORKS"] = "127.0.0.0/8"
    receiver = Receiver()
    stream = make_stream(site.start(), receiver.url, from_start=True)
    site.stop()
    sick = Sick(receiver)
    load = Load(site, connections=3, pause_s=0.02)
    for _ in range(ROUNDS):
        goal = len(load.acknowledged) + chance.randint(1, 150)
        calls = len(receiver.bodies) + chance.randint(1, 2)
        site.start()
        load.start()
        wait_for(
            lambda goal=goal, calls=calls: (
                len(load.acknowledged) >= goal and len(receiver.bodies) >= calls
            ),
            30,
            site.log,
        )
        site.stop(signal.SIGKILL)
        load.join()
    assert load.refused == []
    check_ledger(site, load.acknowledged)

    receiver.fates.clear()
    receiver.reply = lambda _request: (200, {}, b"")
    site.start()
    wait_for(lambda: state(site, stream)["lag"]["count"] == 0, 30, site.log)
    ledger = whole_log(site)
    assert site.stop() == 0
    receiver.close()

    assert len(ledger) > ROUNDS * 20
    taken = [one.body for one in receiver.requests]
    # What came again is the same to the byte. Without that, the log, whole and in its order.
    different = dict.fromkeys(taken)
    assert [json.loads(line) for body in different for line in body.splitlines()] == ledger
    assert set(receiver.bodies) == set(different)
    # A kill cuts one batch at most, and so does an answer that is lost.
    assert len(different) < len(taken) <= len(different) + sick.lost + ROUNDS


def whole_log(site: Site) -> list[dict[str, Any]]:
    """All activities as the API gives them, in the order of recording."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    with site.http() as http:
        while True:
            asked = {"limit": 1_000, **({"cursor": cursor} if cursor else {})}
            page = http.get(PATH, params=asked).raise_for_status().json()
            found += page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                return sorted(found, key=lambda one: one["seq"])
