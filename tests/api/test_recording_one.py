"""POST of one activity: the receipt, the id as idempotency key, and what is read back."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from tests.conftest import activity

from .support import PATH, expect_problem, fetched, listed, record

JSON = {"Content-Type": "application/json"}


def whole(**changed: Any) -> dict[str, Any]:
    """An activity with every field that there is."""
    return {
        "id": f"whole-{uuid4()}",
        "action": "recipe.updated",
        "occurred_at": "2026-02-03T04:05:06.789012Z",
        "actor": {
            "type": "delegated_admin",
            "id": "7",
            "name": "Röbin Øperator",
            "email": "robin@example.com",
            "metadata": {"team": "ops", "levels": [1, 2]},
        },
        "on_behalf_of": {"type": "user", "id": "8", "name": "Ada", "email": "ada@example.com"},
        "credential": {"type": "api_token", "id": "t-1"},
        "targets": [
            {"type": "recipe", "id": "42", "name": "Sync", "metadata": {"folder": {"id": 3}}},
            {"type": "connection", "id": "9", "name": "Sales", "email": "box@example.com"},
        ],
        "outcome": "failure",
        "reason": "the connection was broken",
        "context": {
            "ip_address": "203.0.113.9",
            "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
            "session_id": "s-1",
            "request_id": "r-1",
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
            "source": "platform",
        },
        "changes": [
            {"field": "name", "old": "Sync SKU", "new": "Sync SKUs"},
            {"field": "added", "new": {"deep": [None, True, 1.5]}},
            {"field": "removed", "old": None},
        ],
        "details": {
            "text": '日本語 \u2028 \U0001f600 "quoted" \\ / \t',
            "empty": ["", {}, []],
            "numbers": [0, -1, 2**53, 2**64, -(2**63), 1.5, 1e-7, 1.0],
            "": {"a/b~c": None},
        },
        "environment": "test",
        **changed,
    }


def test_a_recorded_activity_is_answered_with_its_id_its_seq_and_the_time(
    http: httpx.Client,
) -> None:
    before = datetime.now(UTC)
    response = http.post(PATH, json=activity())
    assert response.status_code == 201
    assert response.headers["content-type"] == "application/json"
    receipt = response.json()
    assert set(receipt) == {"id", "seq", "received_at"}
    assert UUID(receipt["id"]).version == 7
    assert isinstance(receipt["seq"], int)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", receipt["received_at"])
    received_at = datetime.fromisoformat(receipt["received_at"])
    assert before - timedelta(seconds=1) <= received_at <= datetime.now(UTC) + timedelta(seconds=1)


def test_the_next_activity_gets_the_next_seq(own: httpx.Client) -> None:
    first, second = record(own), record(own)
    assert second["seq"] == first["seq"] + 1
    assert second["id"] != first["id"]
    assert second["received_at"] >= first["received_at"]


@pytest.mark.parametrize(
    "id",
    [
        *(
            "order-42",
            "2026:x_1",
            "ünïcode-é",
            "a b",
            "%2e%2e",
            "x" * 255,
            "é" * 127,
            "..",
            "a?b#c&d=e",
        ),
        *("a/b", "//a/b", "a%2Fb", "../up"),
    ],
)
def test_an_id_of_the_senders_own_is_kept_and_found_again(own: httpx.Client, id: str) -> None:
    assert record(own, id=id)["id"] == id
    address = "".join(f"%{byte:02x}" for byte in id.encode())
    assert fetched(own, address)["id"] == id


def test_what_is_read_back_is_what_was_sent(own: httpx.Client) -> None:
    sent = whole()
    receipt = record(own, **sent)
    assert fetched(own, sent["id"]) == {
        **sent,
        "seq": receipt["seq"],
        "received_at": receipt["received_at"],
    }
    assert fetched(own, sent["id"]) in listed(own, action="recipe.updated")


def test_what_was_not_said_is_filled_in(own: httpx.Client) -> None:
    receipt = record(own)
    read = fetched(own, receipt["id"])
    assert read["outcome"] == "success"
    assert read["environment"] == "prod"
    assert read["occurred_at"] == read["received_at"] == receipt["received_at"]
    assert (read["changes"], read["details"], read["context"]) == ([], {}, {})


def test_a_time_with_an_offset_is_the_same_instant_in_utc(own: httpx.Client) -> None:
    receipt = record(own, occurred_at="2026-02-03T04:05:06+05:30")
    assert fetched(own, receipt["id"])["occurred_at"] == "2026-02-02T22:35:06Z"


def test_the_same_id_and_content_again_gets_the_first_answer(own: httpx.Client) -> None:
    sent = whole()
    first = own.post(PATH, json=sent)
    again = own.post(PATH, json=sent)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert len([one for one in listed(own) if one["id"] == sent["id"]]) == 1


def test_the_order_of_keys_and_blanks_make_no_other_content(own: httpx.Client) -> None:
    sent = whole()
    record(own, **sent)

    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(inner) for key, inner in reversed(value.items())}
        return [turned(inner) for inner in value] if isinstance(value, list) else value

    again = own.post(PATH, content=json.dumps(turned(sent), indent=3), headers=JSON)
    assert again.status_code == 200, again.text


def test_the_same_instant_at_another_offset_is_no_other_content(own: httpx.Client) -> None:
    record(own, id="instant", occurred_at="2026-02-03T04:05:06Z")
    again = own.post(PATH, json=activity(id="instant", occurred_at="2026-02-03T05:05:06+01:00"))
    assert again.status_code == 200


@pytest.mark.parametrize(
    "other",
    [
        {"action": "recipe.started"},
        {"actor": {"type": "user", "id": "8"}},
        {"targets": [{"type": "recipe", "id": "43"}]},
        {"outcome": "failure"},
        {"details": {"a": 2}},
        {"details": {"a": 1.0}},
        {"changes": [{"field": "a", "new": 1}]},
        {"occurred_at": "2026-02-03T04:05:06Z"},
        {"environment": "dev"},
        {"reason": "why"},
        {"context": {"request_id": "1"}},
    ],
    ids=lambda other: next(iter(other)),
)
def test_an_id_that_is_used_with_other_content_is_a_conflict(
    own: httpx.Client, other: dict[str, Any]
) -> None:
    sent = activity(id=f"conflict-{uuid4()}", details={"a": 1})
    record(own, **sent)
    before = fetched(own, sent["id"])
    answer = own.post(PATH, json={**sent, **other})
    problem = expect_problem(answer, 409, "id-conflict", pointer="/id")
    assert sent["id"] in problem["detail"]
    assert fetched(own, sent["id"]) == before


def test_one_id_sent_at_once_from_many_sides_is_recorded_once(own: httpx.Client) -> None:
    sent = activity(id="at-once")
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: own.post(PATH, json=sent), range(24)))
    assert sorted(answer.status_code for answer in answers) == [200] * 23 + [201]
    assert len({answer.text for answer in answers}) == 1


def test_an_acknowledged_activity_is_in_the_very_next_search(own: httpx.Client) -> None:
    for number in range(25):
        receipt = record(own, details={"note": f"needle{number}"})
        assert [one["id"] for one in listed(own, q=f"needle{number}")] == [receipt["id"]]
        assert own.get(PATH, params={"limit": 1}).json()["data"][0]["id"] == receipt["id"]


def test_an_id_that_is_not_there_is_not_found(own: httpx.Client) -> None:
    expect_problem(own.get(f"{PATH}/nothing"), 404, "not-found")
