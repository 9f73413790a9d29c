"""What every destination must do, whatever it is: one contract, with receivers that answer as the
real ones do. Object stores have one of their own (test_object_stores.py)."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.streaming.delivering import HOSTILE, Open, batch, bodies, parcel, whole
from tests.streaming.other_players import OTHER_PLAYERS, Crash
from tests.streaming.players import PLAYERS, SECRET

from trailkeeper.followers.follower import Batch, DeliveryFailed, Poison
from trailkeeper.streaming import guard as guard_module
from trailkeeper.streaming import kafka_producing, nats_publishing
from trailkeeper.streaming.destination import ANSWER_MAX
from trailkeeper.streaming.destinations import DESTINATIONS
from trailkeeper.streaming.destinations import syslog as syslog_destination
from trailkeeper.streaming.field import KEPT, as_text, read_settings, secrets_of
from trailkeeper.streaming.work import StreamWork

OBJECT_STORES = {name for name, kind in DESTINATIONS.items() if kind.is_object_store}


@pytest.fixture(params=[*PLAYERS, *OTHER_PLAYERS])
def player(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    yield from _made(request.param, tmp_path)


@pytest.fixture(params=[name for name in (*PLAYERS, *OTHER_PLAYERS) if name != "file"])
def caller(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """Those that are called over a network."""
    yield from _made(request.param, tmp_path)


@pytest.fixture(params=PLAYERS)
def http_player(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    yield from _made(request.param, tmp_path)


def _made(name: str, folder: Path) -> Iterator[Any]:
    made = PLAYERS[name]() if name in PLAYERS else OTHER_PLAYERS[name](folder)
    yield made
    made.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time-outs that a test can wait for."""
    monkeypatch.setattr(guard_module, "TIMEOUT", httpx.Timeout(1.0))
    monkeypatch.setattr(syslog_destination, "CONFIRM_S", 1.0)
    monkeypatch.setattr(nats_publishing, "ACK_S", 1.0)
    monkeypatch.setattr(kafka_producing, "PARCEL_S", 2.0)


def test_every_destination_has_a_player() -> None:
    played = {one.kind for one in (*PLAYERS.values(), *OTHER_PLAYERS.values())}
    assert played | OBJECT_STORES == set(DESTINATIONS)


def test_everything_arrives_once_and_in_order_while_all_is_well(player: Any, opened: Open) -> None:
    work = opened(player)
    some = batch(1_200), batch(1, 1_200), batch(300, 1_201)
    for one in some:
        work.do(one)
    assert whole(player.took) == whole(bodies(*some))


def test_a_connection_that_breaks_half_way_loses_nothing(player: Any, opened: Open) -> None:
    work, one = opened(player), batch(200)
    player.meet("cut")
    _try_until_done(work, one)
    _holds_all_in_order(player, bodies(one))


def test_what_is_there_already_comes_again_the_same_when_the_answer_was_lost(
    player: Any, opened: Open
) -> None:
    work, one = opened(player), batch(200)
    player.meet("lose the answer")
    _try_until_done(work, one)
    took = _holds_all_in_order(player, bodies(one))
    if player.keeps_one:
        assert len(took) == 200
    else:
        assert len(took) > 200
    assert set(map(plain, took)) == set(map(plain, bodies(one)))


def test_each_try_sends_the_same_bytes(player: Any, opened: Open) -> None:
    one = batch(150)
    for _ in range(2):  # by another process, as it were
        opened(player).do(one)
    first, again = player.attempts
    assert first
    assert first == again


@pytest.mark.usefixtures("impatient")
def test_a_destination_that_hangs_is_given_up_and_asked_again(caller: Any, opened: Open) -> None:
    work, one = opened(caller), batch(200)
    caller.meet("hang")
    began = time.monotonic()
    with pytest.raises(DeliveryFailed) as failed:
        work.do(one)
    assert time.monotonic() - began < 20
    assert not failed.value.is_final
    _try_until_done(work, one)
    _holds_all_in_order(caller, bodies(one))


def test_hostile_text_in_every_field_breaks_no_line_and_no_frame(player: Any, opened: Open) -> None:
    work, one = opened(player), batch(20, text=HOSTILE)
    work.do(one)
    assert whole(player.took) == whole(bodies(one))


def test_bodies_that_are_no_json_arrive_one_by_one(player: Any, opened: Open) -> None:
    destination = opened(player)._destination
    texts = [f"CEF:0|Trailkeeper|{number}|{HOSTILE}" for number in range(5)]
    destination.deliver(parcel(*(text.encode() for text in texts), content_type="text/plain"))
    took = [_text(one) for one in player.took]
    assert len(took) == 5
    for number, text in enumerate(took):
        assert text.startswith(f"CEF:0|Trailkeeper|{number}|a")
        assert text.endswith("ü😀")


def test_pretty_json_is_one_message_too(player: Any, opened: Open) -> None:
    destination = opened(player)._destination
    values = [{"n": number, "text": {"a": [1, 2]}} for number in range(3)]
    pretty = [json.dumps(value, indent=2).replace("\n", "\r\n").encode() for value in values]
    destination.deliver(parcel(*pretty))
    assert whole(player.took) == values


def test_the_test_button_shows_the_receivers_answer(player: Any, opened: Open) -> None:
    answer = opened(player)._destination.test()
    assert answer.ok, answer.text
    assert answer.text


def test_addresses_inside_are_not_called(caller: Any, opened: Open) -> None:
    work = opened(caller, allowed=False)
    with pytest.raises(DeliveryFailed, match="may not reach"):
        work.do(batch(1))
    answer = work._destination.test()
    assert not answer.ok
    assert "may not reach" in answer.text
    assert caller.took == []


def test_nobody_there_is_a_failure_that_is_tried_again(caller: Any, opened: Open) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = str(closed.getsockname()[1])
    with pytest.raises(DeliveryFailed) as failed:
        opened(caller, **_at(caller, "127.0.0.1", port)).do(batch(1))
    assert not failed.value.is_final
    assert SECRET not in failed.value.why


def test_a_name_that_no_host_has_is_a_failure_too(caller: Any, opened: Open) -> None:
    name = "a" * 70 + ".example.com"
    with pytest.raises(DeliveryFailed):
        opened(caller, **_at(caller, name, "1")).do(batch(1))


def test_where_it_leads_names_no_secret(player: Any) -> None:
    kind = DESTINATIONS[player.kind]
    settings = as_text(read_settings(kind.settings, player.settings))
    for name in secrets_of(kind.settings):
        settings[name] = KEPT
    where = kind.where(settings)
    assert where
    assert SECRET not in where
    assert KEPT not in where


# --- What answers say


def test_busy_servers_are_asked_again_when_they_say(http_player: Any, opened: Open) -> None:
    work, one = opened(http_player), batch(10)
    for status in (429, 503):
        http_player.refusal = (status, {"Retry-After": "17"}, b"later")
        with pytest.raises(DeliveryFailed) as failed:
            work.do(one)
        assert failed.value.retry_after_s == 17
        assert not failed.value.is_final
        assert f"{status}: later" in failed.value.why
    http_player.refusal = None
    work.do(one)
    assert whole(http_player.took) == whole(bodies(one))


def test_a_refusal_waits_for_somebody(http_player: Any, opened: Open) -> None:
    work = opened(http_player)
    for status in (400, 401, 403, 404):
        http_player.refusal = (status, {}, b"no")
        with pytest.raises(DeliveryFailed) as failed:
            work.do(batch(2))
        assert failed.value.is_final
        assert not isinstance(failed.value, Poison)


def test_what_is_too_large_goes_in_halves(http_player: Any, opened: Open) -> None:
    take = http_player.take

    def fewer(request: Any, body: bytes) -> Any:
        is_event = "/ack" not in request.path
        return (
            (413, {}, b"too large")
            if is_event and body.count(b"id-") > 3 * 3
            else take(request, body)
        )

    http_player.take = fewer
    work, one = opened(http_player), batch(21)
    work.do(one)
    assert whole(http_player.took) == whole(bodies(one))
    http_player.take = lambda *_: (413, {}, b"too large")
    with pytest.raises(Poison) as failed:
        work.do(batch(1, 30))
    assert failed.value.seqs == [30]


def test_secrets_that_a_server_says_again_are_not_shown(http_player: Any, opened: Open) -> None:
    work = opened(http_player)
    http_player.receiver.reply = lambda request: (
        403, {}, f"no: {request.path} {request.headers}".encode()
    )  # fmt: skip
    with pytest.raises(DeliveryFailed) as failed:
        work.do(batch(1))
    answer = work._destination.test()
    for said in (failed.value.why, answer.text):
        assert "403" in said
        assert SECRET not in said
        for name, header in http_player.settings.items():
            assert (
                name in ("url", "index", "category", "tags", "user", "tenant", "ack")
                or header not in said
            )


def test_long_answers_are_cut(http_player: Any, opened: Open) -> None:
    work = opened(http_player)
    for _ in range(2):
        http_player.receiver.fates.append("answer for ever")
    with pytest.raises(DeliveryFailed) as failed:
        work.do(batch(1))
    assert len(failed.value.why) <= ANSWER_MAX
    answer = work._destination.test()
    assert not answer.ok
    assert len(answer.text) <= ANSWER_MAX


def test_redirects_are_not_followed(http_player: Any, opened: Open) -> None:
    http_player.refusal = (302, {"Location": f"{http_player.receiver.url}/elsewhere"}, b"")
    with pytest.raises(DeliveryFailed, match="302"):
        opened(http_player).do(batch(1))
    assert len(http_player.attempts) == 1


# --- Inside


def _at(caller: Any, host: str, port: str) -> dict[str, str]:
    """Settings that lead elsewhere."""
    if caller.kind == "syslog":
        return {"host": host, "port": port}
    if "servers" in caller.settings:
        return {"servers": f"{host}:{port}"}
    return {"url": f"http://{host}:{port}/{SECRET}"}


def plain(body: bytes) -> str:
    return json.dumps(json.loads(body), sort_keys=True)


def _text(body: bytes) -> str:
    """A message, also where the destination puts it in a document."""
    return json.loads(body)["message"] if body.startswith(b'{"event"') else body.decode()


def _try_until_done(work: StreamWork, one: Batch) -> None:
    """As the runner does; the library of a destination may have tried again itself."""
    for _ in range(3):
        with contextlib.suppress(DeliveryFailed, Crash):
            return work.do(one)
    raise AssertionError("it was not done at the third try")


def _holds_all_in_order(player: Any, wanted: list[bytes]) -> list[bytes]:
    """What the player took: all of it, each first time in order, and what comes again from some
    place on, too."""
    took = player.took
    seqs = [json.loads(one)["seq"] for one in took]
    assert list(dict.fromkeys(seqs)) == [json.loads(one)["seq"] for one in wanted]
    for before, after in pairwise(seqs):
        assert after <= before + 1
    return took
