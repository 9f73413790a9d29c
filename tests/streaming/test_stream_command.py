"""`trailkeeper stream`, as the operator uses it beside a running server."""

from __future__ import annotations

import json
from typing import Any

from tests.conftest import Site, cli, wait_for
from tests.jobs.support import JOBS, job, step
from tests.streaming.receiver import Receiver
from tests.streaming.test_http_stream import record, sent

ALLOWED = {"TRAILKEEPER_STREAM_ALLOWED_NETWORKS": "127.0.0.0/8"}


def test_a_stream_is_added_paused_resumed_and_set_back(site: Site, receiver: Receiver) -> None:
    where = ("--data", site.data, "--workspace", "Acme")
    add = ("stream", "add", *where, "--name", "SIEM", "--type", "http", "--set")
    cli(*add, f"url={receiver.url}", "--include", "login_activity", **ALLOWED)
    record(site, "a")
    wait_for(lambda: sent(receiver) == ["a"])

    def state() -> dict[str, Any]:
        return json.loads(cli("stream", "list", *where, "--json").stdout)[0]

    wait_for(lambda: state()["lag"]["count"] == 0)
    assert state()["throughput"]["last_5_minutes"] > 0
    cli("stream", "pause", "SIEM", *where)
    assert state()["state"] == "paused"
    record(site, "b")
    cli("stream", "resume", "SIEM", *where)
    wait_for(lambda: sent(receiver) == ["a", "b"])
    wait_for(lambda: state()["lag"]["count"] == 0)
    receiver.requests.clear()
    cli("stream", "replay", "SIEM", "--from", "0", *where)
    wait_for(lambda: sent(receiver) == ["a", "b"])
    tries = json.loads(cli("stream", "deliveries", "SIEM", *where, "--json").stdout)
    assert tries
    assert {one["outcome"] for one in tries} == {"delivered"}
    lines = cli("stream", "deliveries", "SIEM", *where, "--limit", "1").stdout.splitlines()
    assert len(lines) == 1
    assert " delivered  seq " in lines[0]
    assert "SIEM  http  running  activities: lag " in cli("stream", "list", *where).stdout
    receiver.requests.clear()
    cli("stream", "replay", "SIEM", "--from-time", "2020-01-01T00:00:00", *where)
    wait_for(lambda: sent(receiver) == ["a", "b"])
    for wrong in ((), ("--from", "0", "--from-time", "2020-01-01")):
        assert cli("stream", "replay", "SIEM", *wrong, *where, check=False).returncode == 1
    assert "no dead letters" in cli("stream", "retry", "SIEM", *where, check=False).stderr


def test_masks_and_a_template_are_given_with_the_stream(site: Site, receiver: Receiver) -> None:
    where = ("--data", site.data, "--workspace", "Acme")
    add = ("stream", "add", *where, "--name", "SIEM", "--type", "http", "--set")
    shape = ("--mask", "/actor/email=hash", "--template", '{"event": {{{log_message}}}}')
    wrong = cli(*add, f"url={receiver.url}", "--mask", "/actor/email=hide", check=False, **ALLOWED)
    assert wrong.returncode == 1
    cli(*add, f"url={receiver.url}", *shape, **ALLOWED)
    record(site, "a")
    wait_for(lambda: any(b'"id":"a"' in one.body for one in receiver.requests))
    event = json.loads(receiver.requests[-1].body.splitlines()[-1])["event"]
    assert event["actor"]["email"].startswith("hash:")


def test_jobs_are_included_listed_and_sent_again(site: Site, receiver: Receiver) -> None:
    where = ("--data", site.data, "--workspace", "Acme")
    add = ("stream", "add", *where, "--name", "SIEM", "--type", "http", "--set")
    cli(*add, f"url={receiver.url}", "--include", "jobs", "job_steps", **ALLOWED)

    def jobs() -> dict[str, object]:
        return json.loads(cli("stream", "list", *where, "--json").stdout)[0]["jobs"]

    with site.http() as http:
        http.post(JOBS, json=job(1, lines=[step()])).raise_for_status()
    wait_for(lambda: jobs()["delivered"] == 1, 20)
    cli("stream", "replay", "SIEM", "--jobs-from", "0", *where)
    wait_for(lambda: jobs()["delivered"] == 2, 20)
    assert jobs() | {"throughput": None} == {
        "next_seq": 1,
        "lag": {"count": 0, "seconds": 0.0},
        "throughput": None,
        "delivered": 2,
        "dead_letters": 0,
        "last_error": None,
    }
    tries = json.loads(cli("stream", "deliveries", "SIEM", "--jobs", *where, "--json").stdout)
    assert [(one["first"], one["count"], one["outcome"]) for one in tries] == [
        (0, 1, "delivered"),
        (0, 1, "delivered"),
    ]
    assert receiver.bodies[0] == receiver.bodies[1]
    assert json.loads(receiver.bodies[0])["lines"] == [step()]
    assert cli("stream", "replay", "SIEM", *where, check=False).returncode == 1


def test_a_stream_that_cannot_be_made_leaves_nothing_behind(site: Site) -> None:
    where = ("--data", site.data, "--workspace", "Acme")
    add = ("stream", "add", *where, "--name", "SIEM", "--type")
    for rest in (("nothing",), ("http",), ("http", "--set", "url"), ("http", "--set", "url=ftp:x")):
        refused = cli(*add, *rest, check=False)
        assert refused.returncode == 1, refused.stderr
        assert len(refused.stderr.splitlines()) == 1
    assert json.loads(cli("stream", "list", *where, "--json").stdout) == []
    assert cli("stream", "pause", "SIEM", *where, check=False).returncode == 1
