"""A stream to an HTTP server, from the API to the bytes that arrive."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from tests.api.support import PATH
from tests.conftest import Site, activity, wait_for
from tests.streaming.receiver import Receiver

STREAMS = "/api/v1/streams"


def make_stream(
    site: Site, url: str, *, from_start: bool = False, shape: Any = None, **settings: str
) -> str:
    """A stream that runs; its id."""
    asked: dict[str, Any] = {
        "name": "SIEM",
        "enabled": True,
        "from_start": from_start,
        "destination": {"type": "http", "settings": {"url": url, **settings}},
    }
    if shape:
        asked["shape"] = shape
    with site.http() as http:
        answer = http.post(STREAMS, json=asked)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def record(site: Site, *ids: str, **changed: Any) -> None:
    with site.http() as http:
        http.post(PATH, json=[activity(id=id, **changed) for id in ids]).raise_for_status()


def arrived(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(line) for one in receiver.requests for line in one.body.splitlines()]


def sent(receiver: Receiver) -> list[str]:
    """The ids of what was recorded by the test, in the order of arrival."""
    return [one["id"] for one in arrived(receiver) if one["action"] == "recipe.stopped"]


def state(site: Site, id: str) -> dict[str, Any]:
    with site.http() as http:
        return http.get(f"{STREAMS}/{id}").json()


def test_what_is_recorded_arrives_in_order_as_the_api_gives_it(
    site: Site, receiver: Receiver
) -> None:
    make_stream(site, receiver.url, authorization="Bearer abc")
    record(site, *(f"n-{number}" for number in range(50)))
    wait_for(lambda: len(sent(receiver)) == 50)
    assert sent(receiver) == [f"n-{number}" for number in range(50)]
    assert receiver.requests[0].headers["authorization"] == "Bearer abc"
    assert receiver.requests[0].headers["content-type"] == "application/x-ndjson"
    with site.http() as http:
        one = http.get(f"{PATH}/n-7").json()
    assert one in arrived(receiver)
    seqs = [one["seq"] for one in arrived(receiver)]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))


def test_nothing_is_lost_while_the_destination_fails_and_it_is_asked_again_when_it_said(
    site: Site, receiver: Receiver
) -> None:
    answers = [(503, {"Retry-After": "1"}, b"later"), (500, {}, b"oh"), (200, {}, b"")]
    tried: list[bytes] = []

    def reply(request: Any) -> Any:
        tried.append(request.body)
        return answers[min(len(tried), 3) - 1]

    receiver.reply = reply
    id = make_stream(site, receiver.url, from_start=True)
    wait_for(lambda: receiver.requests, 20)
    assert tried[0] == tried[1] == tried[2]  # byte for byte
    record(site, "a", "b")
    wait_for(lambda: sent(receiver) == ["a", "b"])
    wait_for(lambda: state(site, id)["lag"]["count"] == 0)
    assert state(site, id)["state"] == "running"
    assert "500: oh" in state(site, id)["last_error"]


def test_a_refusal_pauses_the_stream_and_says_so_in_log_and_mail(
    site: Site, receiver: Receiver
) -> None:
    receiver.reply = lambda _request: (401, {}, b"who are you?")
    with site.http() as http:
        http.patch("/api/v1/settings/jobs", json={"emails": ["ops@example.com"]}).raise_for_status()
    id = make_stream(site, receiver.url, from_start=True)
    wait_for(lambda: state(site, id)["state"] == "paused")
    assert "401: who are you?" in state(site, id)["pause_reason"]
    with site.http() as http:
        paused = http.get(PATH, params={"action": "audit_stream.paused"}).json()["data"]
        assert len(paused) == 1
        assert paused[0]["actor"]["type"] == "system"
        receiver.reply = lambda _request: (200, {}, b"")
        assert http.post(f"{STREAMS}/{id}/resume").status_code == 200
    wait_for(lambda: state(site, id)["lag"]["count"] == 0)
    mails = list((site.data / "mail").glob("*.eml"))
    assert any("ops@example.com" in mail.read_text() for mail in mails)


def test_a_paused_stream_keeps_its_place_and_goes_on_from_there(
    site: Site, receiver: Receiver
) -> None:
    id = make_stream(site, receiver.url)
    record(site, "before")
    wait_for(lambda: sent(receiver) == ["before"])
    with site.http() as http:
        assert http.post(f"{STREAMS}/{id}/pause").json()["state"] == "paused"
        record(site, "while")
        assert http.post(f"{STREAMS}/{id}/pause").status_code == 409
        assert http.post(f"{STREAMS}/{id}/resume").json()["state"] == "running"
    wait_for(lambda: sent(receiver) == ["before", "while"])


def test_a_replay_sends_everything_from_there_again(site: Site, receiver: Receiver) -> None:
    id = make_stream(site, receiver.url)
    record(site, "a", "b")
    wait_for(lambda: sent(receiver) == ["a", "b"])
    wait_for(lambda: state(site, id)["lag"]["count"] == 0)
    with site.http() as http:
        seq = http.get(f"{PATH}/b").json()["seq"]
        assert http.post(f"{STREAMS}/{id}/replay", json={"from": seq}).status_code == 200
        assert http.post(f"{STREAMS}/{id}/replay", json={"from": 10_000}).status_code == 422
    wait_for(lambda: sent(receiver) == ["a", "b", "b"])


def test_what_is_too_large_goes_in_halves_and_at_last_to_the_dead_letters(
    site: Site, receiver: Receiver
) -> None:
    receiver.reply = lambda request: (
        (413, {}, b"too large") if b"giant" in request.body else (200, {}, b"")
    )
    id = make_stream(site, receiver.url)
    record(site, "a")
    record(site, "b", details={"note": "giant"})
    record(site, "c")
    wait_for(lambda: "c" in sent(receiver), 20)
    wait_for(lambda: state(site, id)["lag"]["count"] == 0)
    assert set(sent(receiver)) == {"a", "c"}
    with site.http() as http:
        dead = http.get(f"{STREAMS}/{id}/dead-letters").json()["data"]
        assert [one["seq"] for one in dead] == [http.get(f"{PATH}/b").json()["seq"]]
        told = http.get(PATH, params={"action": "audit_stream.dead_lettered"}).json()["data"]
    assert told[0]["details"]["count"] == 1


def test_requests_are_signed_as_standard_webhooks_are(site: Site, receiver: Receiver) -> None:
    key = b"k" * 24
    secret = "whsec_" + base64.b64encode(key).decode()
    make_stream(site, receiver.url, signing_secret=secret, body="each")
    record(site, "a", "b")
    wait_for(lambda: sent(receiver) == ["a", "b"])
    request = receiver.requests[-1]
    headers = request.headers
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request.body
    digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{digest}"
    assert json.loads(request.body)["id"] == "b"


def test_a_stream_has_only_what_its_filter_lets_through_and_masks_hide(
    site: Site, receiver: Receiver
) -> None:
    masks = {"/actor/email": "hash", "/actor/name": "drop", "/targets/*/name": "hash"}
    shape = {"query": "action:recipe.stopped", "masks": masks}
    make_stream(site, receiver.url, shape=shape)
    record(site, "a")
    with site.http() as http:
        http.post(PATH, json=activity(id="other", action="recipe.started")).raise_for_status()
    record(site, "b")
    wait_for(lambda: sent(receiver) == ["a", "b"])
    assert {one["action"] for one in arrived(receiver)} == {"recipe.stopped"}
    first = arrived(receiver)[0]
    assert first["actor"]["email"].startswith("hash:")
    assert first["actor"]["email"] == arrived(receiver)[1]["actor"]["email"]
    assert "name" not in first["actor"]
    assert first["targets"][0]["name"].startswith("hash:")


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[::ffff:10.0.0.1]/",
        "http://224.0.0.1/",
        "http://0.0.0.0/",
        "http://[fe80::1]/",
    ],
)
def test_addresses_inside_are_not_called(site: Site, url: str) -> None:
    id = make_stream(site, url)
    with site.http() as http:
        answer = http.post(f"{STREAMS}/{id}/test").json()
    assert answer["ok"] is False
    assert "may not reach" in answer["text"]


def test_the_test_button_gives_the_destinations_own_answer_and_no_more_than_500_characters_of_it(
    site: Site, receiver: Receiver
) -> None:
    receiver.reply = lambda _request: (403, {}, b"no such token " + b"x" * 2_000)
    id = make_stream(site, receiver.url)
    with site.http() as http:
        answer = http.post(f"{STREAMS}/{id}/test").json()
    assert answer["ok"] is False
    assert answer["text"].startswith("403 no such token")
    assert len(answer["text"]) <= 500


def test_redirects_are_not_followed(site: Site, receiver: Receiver) -> None:
    receiver.reply = lambda _request: (302, {"Location": "http://169.254.169.254/"}, b"")
    id = make_stream(site, receiver.url, from_start=True)
    wait_for(lambda: state(site, id)["state"] == "paused")
    assert "302" in state(site, id)["pause_reason"]
