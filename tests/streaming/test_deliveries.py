"""The log of a stream's deliveries, how far behind it is, and dead letters that are sent again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.api.support import PATH
from tests.conftest import Site, make_site, wait_for
from tests.streaming.receiver import Receiver
from tests.streaming.test_http_stream import STREAMS, make_stream, record, sent, state


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = make_site(tmp_path_factory.mktemp("deliveries") / "data")
    made.environment["TRAILKEEPER_STREAM_ALLOWED_NETWORKS"] = "127.0.0.0/8"
    yield made.start()
    made.stop()


@pytest.fixture
def site(served: Site) -> Iterator[Site]:
    """The same for all, without streams at first."""
    yield served
    with served.http() as http:
        for one in http.get(STREAMS).json()["data"]:
            http.delete(f"{STREAMS}/{one['id']}").raise_for_status()


def deliveries(site: Site, id: str, **asked: str) -> list[dict[str, Any]]:
    with site.http() as http:
        answer = http.get(f"{STREAMS}/{id}/deliveries", params=asked)
        return answer.raise_for_status().json()["data"]


def delivered_all(site: Site, id: str) -> bool:
    return state(site, id)["lag"]["count"] == 0


def seq_of(site: Site, id: str) -> int:
    with site.http() as http:
        return http.get(f"{PATH}/{id}").json()["seq"]


def refuse_giants(request: Any) -> Any:
    return (413, {}, b"too large") if b"giant" in request.body else (200, {}, b"")


def test_each_try_is_in_the_log_of_deliveries(site: Site, receiver: Receiver) -> None:
    answers = iter([(503, {"Retry-After": "0"}, b"later")])
    receiver.reply = lambda _request: next(answers, (200, {}, b""))
    id = make_stream(site, receiver.url)
    record(site, "a", "b")
    wait_for(lambda: sent(receiver) == ["a", "b"], 20)
    wait_for(lambda: delivered_all(site, id))
    found = deliveries(site, id)
    assert [one["number"] for one in found] == list(range(len(found)))[::-1]
    failed = [one for one in found if one["outcome"] == "failed"]
    assert len(failed) == 1
    assert failed[0]["error"] == "The destination answered 503: later"
    assert failed[0]["bytes"] is None
    assert deliveries(site, id, outcome="failed") == failed
    again = next(one for one in found if one["number"] == failed[0]["number"] + 1)
    same = ("first", "last", "count")
    assert [again[name] for name in same] == [failed[0][name] for name in same]
    assert (failed[0]["attempt"], again["attempt"], again["outcome"]) == (1, 2, "delivered")
    assert again["bytes"] == len(receiver.requests[0].body) - again["count"]  # a line end each
    assert deliveries(site, id, limit="1", before=str(again["number"])) == failed


def test_the_api_says_how_far_behind_a_stream_is_and_how_quick(
    site: Site, receiver: Receiver
) -> None:
    id = make_stream(site, receiver.url)
    record(site, *(f"n-{number}" for number in range(20)))
    wait_for(lambda: delivered_all(site, id))
    there = state(site, id)
    assert there["lag"] == {"count": 0, "seconds": 0.0}
    assert there["delivered"] >= 20
    assert there["throughput"]["last_5_minutes"] > there["throughput"]["last_hour"] > 0
    assert there["last_error"] is None
    with site.http() as http:
        http.post(f"{STREAMS}/{id}/pause").raise_for_status()
        record(site, "late")
        lag = state(site, id)["lag"]
        # The pause itself is an activity, too.
        assert lag["count"] == 2
        assert 0 < lag["seconds"] < 60
        listed = http.get(STREAMS).json()["data"]
        assert [one["lag"]["count"] for one in listed] == [2]


def test_a_replay_may_begin_at_a_time(site: Site, receiver: Receiver) -> None:
    id = make_stream(site, receiver.url)
    record(site, "r1")
    record(site, "r2")
    record(site, "r3")
    wait_for(lambda: sent(receiver) == ["r1", "r2", "r3"])
    wait_for(lambda: delivered_all(site, id))
    with site.http() as http:
        at = http.get(f"{PATH}/r2").json()["received_at"]
        replay = f"{STREAMS}/{id}/replay"
        assert http.post(replay, json={"from_time": at}).status_code == 200
        wait_for(lambda: sent(receiver) == ["r1", "r2", "r3", "r2", "r3"])
        for wrong in (
            {},
            {"from": 1, "from_time": at},
            {"from_time": "yesterday"},
            {"from_time": "2026-11-22T10:00:00"},
        ):
            assert http.post(replay, json=wrong).status_code == 422, wrong
        before = state(site, id)["next_seq"]
        future = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        assert http.post(replay, json={"from_time": future}).json()["next_seq"] >= before


def test_dead_letters_are_sent_again_one_by_one_in_order_and_then_are_none(
    site: Site, receiver: Receiver
) -> None:
    receiver.reply = refuse_giants
    id = make_stream(site, receiver.url)
    record(site, "d1")
    record(site, "d2", "d3", details={"note": "giant"})
    record(site, "d4")
    wait_for(lambda: {"d1", "d4"} <= set(sent(receiver)), 30)
    wait_for(lambda: state(site, id)["dead_letters"] == 2, 30)
    wait_for(lambda: delivered_all(site, id))
    retry = f"{STREAMS}/{id}/dead-letters/retry"
    with site.http() as http:
        assert http.post(retry, json={"seqs": [seq_of(site, "d1")]}).status_code == 422
        receiver.requests.clear()
        receiver.reply = lambda _request: (200, {}, b"")
        assert http.post(retry).json() == {"count": 2}
        wait_for(lambda: state(site, id)["dead_letters"] == 0)
        wait_for(lambda: delivered_all(site, id))
        both = [one for one in receiver.requests if b"giant" in one.body]
        assert [len(one.body.splitlines()) for one in both] == [1, 1]
        assert [one for one in sent(receiver) if one in ("d2", "d3")] == ["d2", "d3"]
        assert http.post(retry).status_code == 409
        told = http.get(PATH, params={"action": "audit_stream.dead_letters_retried"}).json()
    assert told["data"][0]["details"] == {
        "part": "activities",
        "count": 2,
        "seqs": [seq_of(site, "d2"), seq_of(site, "d3")],
    }
    assert told["data"][0]["actor"]["name"] == "tests"


def test_a_dead_letter_that_is_refused_again_stays_one_and_the_stream_goes_on(
    site: Site, receiver: Receiver
) -> None:
    receiver.reply = refuse_giants
    id = make_stream(site, receiver.url)
    record(site, "e1", details={"note": "giant"})
    wait_for(lambda: state(site, id)["dead_letters"] == 1, 30)
    receiver.reply = lambda request: (
        (400, {}, b"still not") if b"giant" in request.body else (200, {}, b"")
    )
    with site.http() as http:
        seqs = [seq_of(site, "e1")]
        retry = f"{STREAMS}/{id}/dead-letters/retry"
        wait_for(lambda: delivered_all(site, id))
        assert http.post(retry, json={"seqs": seqs}).json() == {"count": 1}

        def dead() -> list[dict[str, Any]]:
            return http.get(f"{STREAMS}/{id}/dead-letters").json()["data"]

        wait_for(lambda: "still not" in dead()[0]["reason"])
        assert [(one["seq"], one["again"]) for one in dead()] == [(seqs[0], False)]
    record(site, "e2")
    wait_for(lambda: sent(receiver)[-1:] == ["e2"])
    assert state(site, id)["state"] == "running"


def test_a_stream_that_is_deleted_takes_its_deliveries_along(
    site: Site, receiver: Receiver
) -> None:
    id = make_stream(site, receiver.url)
    record(site, "f1")
    wait_for(lambda: deliveries(site, id))
    with site.http() as http:
        assert http.delete(f"{STREAMS}/{id}").status_code == 204
        assert http.get(f"{STREAMS}/{id}/deliveries").status_code == 404
        assert http.post(f"{STREAMS}/{id}/dead-letters/retry").status_code == 404


def test_a_stream_has_another_name_by_patch(site: Site, receiver: Receiver) -> None:
    id = make_stream(site, receiver.url)
    with site.http() as http:
        assert http.patch(f"{STREAMS}/{id}", json={"name": "Archive"}).json()["name"] == "Archive"
        http.post(STREAMS, json={"name": "Other"}).raise_for_status()
        assert http.patch(f"{STREAMS}/{id}", json={"name": "other"}).status_code == 409
        told = http.get(PATH, params={"action": "audit_stream.updated"}).json()["data"]
    assert told[0]["changes"] == [{"field": "name", "old": "SIEM", "new": "Archive"}]


@pytest.mark.parametrize("masks", [{"/actor": "drop"}, {"/targets": "hash"}, {"actor": "drop"}])
def test_masks_that_leave_no_activity_are_refused(
    site: Site, receiver: Receiver, masks: dict[str, str]
) -> None:
    id = make_stream(site, receiver.url)
    with site.http() as http:
        answer = http.patch(f"{STREAMS}/{id}", json={"shape": {"masks": masks}})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/masks"


def test_metrics_tell_of_kinds_and_never_of_a_stream(site: Site, receiver: Receiver) -> None:
    receiver.reply = lambda _request: (503, {"Retry-After": "3600"}, b"")
    id = make_stream(site, receiver.url)
    record(site, "g1")
    wait_for(lambda: state(site, id)["state"] == "failing")
    with site.http() as http:
        text = http.get("/metrics").text
    labels = r'\{destination="http",kind="stream"'

    def value(name: str, more: str = "") -> float:
        found = re.search(
            rf"^trailkeeper_follower_{name}{labels}{more}\}} (\S+)$", text, re.MULTILINE
        )
        assert found, text
        return float(found[1])

    assert value("lag_items") >= 1
    assert 0 < value("lag_seconds") < 60
    assert value("failures_total") >= 1
    assert value("state", ',state="failing"') == 1
    assert value("state", ',state="running"') == 0
    assert id not in text
    assert "SIEM" not in text
    receiver.reply = lambda _request: (200, {}, b"")
    with site.http() as http:
        http.post(f"{STREAMS}/{id}/resume").raise_for_status()
        wait_for(lambda: delivered_all(site, id))
        text = http.get("/metrics").text
    assert value("delivered_total") >= 1
    assert value("lag_items") == 0
    assert value("state", ',state="running"') == 1
