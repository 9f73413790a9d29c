"""Two servers on one database: what one does the other knows, and takes over when it is killed."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import Site, activity, wait_for
from tests.postgres.serving import PATH, Senders, check_log, second_host, site_on
from tests.postgresql import database
from tests.streaming.receiver import Receiver
from tests.streaming.test_http_stream import make_stream

from trailkeeper.installation import opened


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Site, Site]]:
    with database() as url:
        first = site_on(url, tmp_path / "first")
        second = second_host(first, tmp_path / "second")
        try:
            for one in (first, second):
                one.environment["TRAILKEEPER_STREAM_ALLOWED_NETWORKS"] = "127.0.0.0/8"
                one.start()
            yield first, second
        finally:
            first.stop()
            second.stop()


def sent_to(receiver: Receiver) -> list[str]:
    """The ids of all activities of ours that it has taken, in order."""
    found: list[str] = []
    for body in [one.body for one in receiver.requests]:
        for line in body.splitlines():
            one = json.loads(line)
            found += [item["id"] for item in (one if isinstance(one, list) else [one])]
    return found


def test_a_token_that_one_revokes_the_other_refuses_at_once(pair: tuple[Site, Site]) -> None:
    first, second = pair
    with opened(first.data) as here, second.http() as there:
        by = here.workspaces.by_operator("Acme")
        made = here.tokens.create(by, "short-lived", ["activities:write"], None).token
        headers = {"Authorization": f"Bearer {made}"}
        for _ in range(3):
            assert there.post(PATH, json=activity(), headers=headers).status_code == 201
        (id,) = [one.id for one in here.tokens.listed(by.workspace) if one.name == "short-lived"]
        here.tokens.revoke(by, id)
        answer = there.post(PATH, json=activity(), headers=headers)
        assert answer.status_code == 401, answer.text


def test_what_is_recorded_through_one_is_read_through_the_other(pair: tuple[Site, Site]) -> None:
    first, second = pair
    with first.http() as here, second.http() as there:
        for number in range(20):
            one, other = (here, there) if number % 2 else (there, here)
            assert one.post(PATH, json=activity(id=f"x{number}")).status_code == 201
            assert other.get(f"{PATH}/x{number}").status_code == 200
            assert other.post(PATH, json=activity(id=f"x{number}")).status_code == 200


@pytest.mark.slow
def test_the_streams_of_a_killed_process_run_elsewhere_within_ten_seconds(
    pair: tuple[Site, Site],
) -> None:
    first, second = pair
    receiver = Receiver()
    make_stream(first, receiver.url, from_start=True)
    senders = Senders([first, second])
    wait_for(senders.more(200), 30)
    owner = _at_work(first, second)
    other = second if owner is first else first
    killed, owner.process = owner.process, None
    assert killed is not None
    killed.send_signal(signal.SIGKILL)
    at = time.monotonic()
    killed.wait(30)
    # Those that the living one has acknowledged from now on.
    last = max(senders.acknowledged.values())
    goal = {id for id, seq in senders.acknowledged.items() if seq >= last}
    wait_for(lambda: goal <= set(sent_to(receiver)), 10)
    took = time.monotonic() - at
    assert took < 10
    wait_for(senders.more(100), 30)
    senders.stop()
    assert not senders.wrong
    check_log(other, senders.acknowledged)
    wait_for(lambda: set(senders.acknowledged) <= set(sent_to(receiver)), 20)
    seqs = [
        senders.acknowledged[id]
        for id in dict.fromkeys(sent_to(receiver))
        if id in senders.acknowledged
    ]
    assert seqs == sorted(seqs)
    receiver.close()
    print(f"taken over after {took:.2f} s")


def _at_work(*sites: Site) -> Site:
    """The one whose process has the stream's lease: only it has counted deliveries."""

    def found() -> Site | None:
        for site in sites:
            with site.http() as http:
                for line in http.get("/metrics").text.splitlines():
                    if line.startswith("trailkeeper_follower_delivered_total{"):
                        return site
        return None

    return wait_for(found, 20)
