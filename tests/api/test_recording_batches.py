"""POST of many activities: arrays and NDJSON, a result per item, and the order that they get."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from tests.conftest import Site, activity

from .support import NDJSON, PATH, expect_document, expect_problem, listed, ndjson, record, rows

JSON = {"Content-Type": "application/json"}


def send(http: httpx.Client, form: str, items: list[Any]) -> httpx.Response:
    if form == "array":
        texts = [item if isinstance(item, bytes) else json.dumps(item).encode() for item in items]
        return http.post(PATH, content=b"[" + b",\n".join(texts) + b"]", headers=JSON)
    return http.post(PATH, content=ndjson(*items), headers=NDJSON)


both_forms = pytest.mark.parametrize("form", ["array", "ndjson"])


@both_forms
def test_a_batch_gets_a_receipt_per_item_in_order(own: httpx.Client, form: str) -> None:
    sent = [activity(id=f"{form}-{n}", details={"n": n}) for n in range(300)]
    answer = send(own, form, sent)
    assert answer.status_code == 200
    results = answer.json()
    assert [result["id"] for result in results] == [one["id"] for one in sent]
    assert {result["status"] for result in results} == {201}
    first = results[0]["seq"]
    assert [result["seq"] for result in results] == list(range(first, first + 300))
    read = {one["id"]: one for one in listed(own)}
    assert [read[one["id"]]["details"]["n"] for one in sent] == list(range(300))


@both_forms
def test_what_is_wrong_with_one_item_does_not_touch_the_others(
    own: httpx.Client, form: str
) -> None:
    items: list[Any] = [
        activity(id=f"good-{form}-0"),
        {"action": "recipe.stopped"},
        activity(id=f"good-{form}-1"),
        b'{"action":"a.b","action":"a.c"}',
        activity(details={"deep": nested(500)}),
        7,
        activity(id=f"good-{form}-2"),
        activity(occurred_at="yesterday"),
        activity(id=f"good-{form}-0"),
        activity(id=f"good-{form}-0", outcome="failure"),
        activity(),
    ]
    results = send(own, form, items).json()
    assert [result["status"] for result in results] == [
        201, 422, 201, 422, 422, 422, 201, 422, 200, 409, 201,
    ]  # fmt: skip
    expect_document(results[1]["problem"], "invalid-activity", pointer="/actor")
    expect_document(results[3]["problem"], "invalid-activity", pointer="/action")
    expect_document(results[4]["problem"], "invalid-activity", pointer="/details")
    expect_document(results[7]["problem"], "invalid-activity", pointer="/occurred_at")
    expect_document(results[9]["problem"], "id-conflict", pointer="/id")
    assert results[8]["seq"] == results[0]["seq"]
    seqs = [result["seq"] for result in results if result["status"] == 201]
    assert seqs == list(range(seqs[0], seqs[0] + 4))


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def test_however_deep_an_item_is_the_others_are_recorded(own: httpx.Client) -> None:
    deep = [
        json.dumps(activity()).encode()[:-1] + b',"details":{"a":' + b"[" * n + b"]" * n + b"}}"
        for n in (*range(20, 60), *range(940, 1_010), 50_000)
    ]
    results = send(own, "ndjson", [activity(id="before deep"), *deep, activity(id="after deep")])
    assert results.status_code == 200, results.text
    statuses = [result["status"] for result in results.json()]
    assert statuses[0] == statuses[-1] == 201
    assert set(statuses) <= {201, 400, 422}
    assert statuses[1] == 201
    assert statuses[40:-1] == sorted(statuses[40:-1], reverse=True)


def test_in_ndjson_a_line_that_is_no_json_is_refused_alone(own: httpx.Client) -> None:
    results = send(own, "ndjson", [activity(), b'{"action": "recipe.st', activity()]).json()
    assert [result["status"] for result in results] == [201, 400, 201]
    expect_document(results[1]["problem"], "malformed-body")


def test_an_array_that_is_no_json_is_refused_as_a_whole(workspace: Site, own: httpx.Client) -> None:
    before = rows(workspace)
    answer = send(own, "array", [activity(), b'{"action": nonsense}'])
    expect_problem(answer, 400, "malformed-body")
    assert rows(workspace) == before


def test_blank_lines_and_windows_line_ends_make_no_items(own: httpx.Client) -> None:
    line = json.dumps(activity()).encode()
    body = b"\n\r\n" + line + b"\r\n\n  \n" + line
    results = own.post(PATH, content=body, headers=NDJSON).json()
    assert [result["status"] for result in results] == [201, 201]


def test_a_single_line_of_ndjson_is_a_batch_of_one(own: httpx.Client) -> None:
    answer = send(own, "ndjson", [activity()])
    assert answer.status_code == 200
    assert [result["status"] for result in answer.json()] == [201]


def test_an_empty_array_has_no_results(own: httpx.Client) -> None:
    answer = send(own, "array", [])
    assert (answer.status_code, answer.json()) == (200, [])


def test_ten_thousand_items_are_taken(own: httpx.Client) -> None:
    answer = send(own, "ndjson", [b'{"id":"%d"}' % n for n in range(10_000)])
    assert answer.status_code == 200
    assert len(answer.json()) == 10_000


@both_forms
def test_of_more_than_ten_thousand_items_none_is_recorded(
    workspace: Site, own: httpx.Client, form: str
) -> None:
    before = rows(workspace)
    answer = send(own, form, [activity()] * 10_001)
    problem = expect_problem(answer, 413, "too-large")
    assert "10001" in problem["detail"]
    assert rows(workspace) == before


def test_seq_is_dense_whatever_was_refused_repeated_or_recorded_by_the_server_itself(
    shared_site: Site,
) -> None:
    site = shared_site.add_workspace("Dense", "dense@example.com")
    with site.http() as http:
        receipts = [record(http, id="single")]
        send(http, "array", [activity(id="a"), {}, activity(id="a"), activity(id="b")])
        http.post(PATH, json=activity(id="single", outcome="failure"))
        http.put("/api/v1/actions/custom.done", json={"label": "Done"})
        http.post(PATH, content=b"{")
        send(http, "ndjson", [activity(), b"no", activity(id="b"), activity()])
        with site.http(site.new_token("activities:write")) as other:
            other.get(PATH)
        receipts.append(record(http))
        found = listed(http)
    assert sorted(one["seq"] for one in found) == list(range(len(found)))
    assert {receipt["seq"] for receipt in receipts} <= {one["seq"] for one in found}
    found.sort(key=lambda one: one["seq"])
    times = [one["received_at"] for one in found]
    assert times == sorted(times)
