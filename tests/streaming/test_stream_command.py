"""`trailkeeper stream`, as the operator uses it beside a running server."""

from __future__ import annotations

import json

from tests.conftest import Site, cli, wait_for
from tests.streaming.receiver import Receiver
from tests.streaming.test_http_stream import record, sent

ALLOWED = {"TRAILKEEPER_STREAM_ALLOWED_NETWORKS": "127.0.0.0/8"}


def test_a_stream_is_added_paused_resumed_and_set_back(site: Site, receiver: Receiver) -> None:
    where = ("--data", site.data, "--workspace", "Acme")
    add = ("stream", "add", *where, "--name", "SIEM", "--type", "http", "--set")
    cli(*add, f"url={receiver.url}", "--include", "login_activity", **ALLOWED)
    record(site, "a")
    wait_for(lambda: sent(receiver) == ["a"])

    def state() -> dict[str, object]:
        return json.loads(cli("stream", "list", *where, "--json").stdout)[0]

    wait_for(lambda: state()["lag"] == 0)
    cli("stream", "pause", "SIEM", *where)
    assert state()["state"] == "paused"
    record(site, "b")
    cli("stream", "resume", "SIEM", *where)
    wait_for(lambda: sent(receiver) == ["a", "b"])
    wait_for(lambda: state()["lag"] == 0)
    receiver.requests.clear()
    cli("stream", "replay", "SIEM", "--from", "0", *where)
    wait_for(lambda: sent(receiver) == ["a", "b"])


def test_a_stream_that_cannot_be_made_leaves_nothing_behind(site: Site) -> None:
    where = ("--data", site.data, "--workspace", "Acme")
    add = ("stream", "add", *where, "--name", "SIEM", "--type")
    for rest in (("nothing",), ("http",), ("http", "--set", "url"), ("http", "--set", "url=ftp:x")):
        refused = cli(*add, *rest, check=False)
        assert refused.returncode == 1, refused.stderr
        assert len(refused.stderr.splitlines()) == 1
    assert json.loads(cli("stream", "list", *where, "--json").stdout) == []
    assert cli("stream", "pause", "SIEM", *where, check=False).returncode == 1
