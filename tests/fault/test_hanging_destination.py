"""A destination that hangs, fails or answers a byte a second is noticed by nobody else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Site, activity, make_site, wait_for
from tests.streaming.receiver import Received, Receiver, Reply
from tests.streaming.test_http_stream import STREAMS, sent, state

from .support import PATH, check_ledger

COUNT = 3_000
WITHIN_S = 30
"""For what takes about a second on a quiet machine. Whoever waits for a destination that is stuck
waits longer: no answer is given up before."""


@pytest.fixture
def receivers() -> Iterator[dict[str, Receiver]]:
    """One that is well, and one of each illness."""
    with ExitStack() as stack:
        made = {name: Receiver() for name in ("well", "hangs", "fails", "trickles")}
        for one in made.values():
            stack.callback(one.close)
        made["hangs"].fates = ["hang"] * 1_000
        made["trickles"].fates = ["a byte a second"] * 1_000
        made["fails"].reply = failing
        yield made


def failing(_request: Received) -> Reply:
    return 500, {"Retry-After": "0"}, b"not now"


def test_neither_recording_nor_another_stream_notices(
    tmp_path: Path, receivers: dict[str, Receiver]
) -> None:
    site = make_site(tmp_path / "data")
    site.environment["TRAILKEEPER_STREAM_ALLOWED_NETWORKS"] = "127.0.0.0/8"
    site.start()
    try:
        # The well one comes last, so that it would be behind the others.
        ids = {name: stream_to(site, receivers[name], name) for name in reversed(receivers)}
        stuck = [receivers[name] for name in ("hangs", "fails", "trickles")]
        acknowledged = record(site, 0, 100)
        wait_for(lambda: all(one.bodies for one in stuck), WITHIN_S, site.log)

        began = time.monotonic()
        acknowledged |= record(site, 100, COUNT)
        assert time.monotonic() - began < WITHIN_S
        wait_for(lambda: len(sent(receivers["well"])) >= COUNT, WITHIN_S, site.log)
        assert sent(receivers["well"]) == [f"load-{number}" for number in range(COUNT)]
        assert not any(one.requests for one in stuck)
        assert state(site, ids["well"])["failures"] == 0
        for name in ("hangs", "fails", "trickles"):
            assert state(site, ids[name])["lag"]["count"] >= COUNT
    finally:
        began = time.monotonic()
        code = site.stop()
    assert code == 0
    assert time.monotonic() - began < WITHIN_S / 2
    check_ledger(site, acknowledged)


def stream_to(site: Site, receiver: Receiver, name: str) -> str:
    asked: dict[str, Any] = {
        "name": name,
        "enabled": True,
        "destination": {"type": "http", "settings": {"url": receiver.url}},
    }
    with site.http() as http:
        made = http.post(STREAMS, json=asked)
    assert made.status_code == 201, made.text
    return made.json()["id"]


def record(site: Site, first: int, end: int) -> dict[str, int]:
    """Some one by one, the rest in batches; the seqs by id."""
    seqs: dict[str, int] = {}
    step = 1
    with site.http() as http:
        while first < end:
            some = [
                activity(id=f"load-{number}", details={"word": f"word{number}x"})
                for number in range(first, min(first + step, end))
            ]
            answer = http.post(PATH, json=some if step > 1 else some[0]).raise_for_status().json()
            for one in answer if step > 1 else [answer]:
                seqs[one["id"]] = one["seq"]
            first += len(some)
            step = 1 if len(seqs) < 100 else 100
    return seqs
