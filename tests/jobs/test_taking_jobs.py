"""Jobs are taken in, updated until they end, and never changed after."""

from __future__ import annotations

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from tests.api.support import NDJSON, expect_document, expect_problem, ndjson
from tests.jobs.support import JOBS, SAMPLES, get, job, listed, post, step

OWN = {"recipe_id", "recipe_name", "state", "is_test", "seq", "received_at"}


@pytest.mark.parametrize("name", SAMPLES)
def test_workatos_own_bodies_come_back_key_by_key(http: httpx.Client, name: str) -> None:
    sent = SAMPLES[name]
    assert post(http, sent) == {"id": sent["id"], "seq": 0}
    got = get(http, sent["id"])
    assert list(got)[: len(sent)] == list(sent)
    assert {key: got[key] for key in sent} == sent
    assert set(got) - set(sent) == OWN
    assert got["recipe_id"] == str(sent["flow_id"])


def test_a_job_goes_from_started_to_its_end(http: httpx.Client) -> None:
    started = {"id": 7, "flow_id": 42, "status": "started", "title": "New order"}
    assert post(http, started) == {"id": 7, "seq": None}
    first = get(http, 7)
    assert (first["status"], first["completed_at"], first["seq"]) == ("started", None, None)
    assert first["started_at"] == first["received_at"]

    assert post(http, {"id": 7, "status": "running", "lines": [step()]}, 200)["seq"] is None
    assert get(http, 7)["title"] == "New order"
    assert post(http, {"id": 7, "status": "failed", "error": "No such order"}, 200)["seq"] == 0
    ended = get(http, 7)
    assert (ended["status"], ended["error"], ended["title"]) == (
        "failed",
        "No such order",
        "New order",
    )
    assert ended["lines"] == [step()]
    assert ended["started_at"] == first["started_at"]
    assert ended["completed_at"] == ended["received_at"]


def test_a_job_that_has_ended_never_changes(http: httpx.Client) -> None:
    post(http, job(lines=[step()]))
    before = get(http, 100)
    assert post(http, job(lines=[step()]), 200) == {"id": 100, "seq": 0}
    assert post(http, {"id": "100", "status": "succeeded"}, 200) == {"id": 100, "seq": 0}
    for other in (
        job(title="Another order", lines=[step()]),
        job(status="running"),
        job(status="failed"),
        job(lines=[step(), step(1)]),
        job(is_test=True),
        job(recipe_name="Orders"),
    ):
        expect_problem(http.post(JOBS, json=other), 409, "id-conflict")
    assert get(http, 100) == before


def test_an_id_belongs_to_one_recipe(http: httpx.Client) -> None:
    post(http, job(status="running"))
    expect_problem(http.post(JOBS, json=job(flow_id=43)), 409, "id-conflict")
    assert get(http, 100)["recipe_id"] == "42"


def test_a_number_and_the_same_text_are_one_id(http: httpx.Client) -> None:
    post(http, job(5, status="running"))
    post(http, job("5"), 200)
    assert [one["id"] for one in listed(http)] == [5]
    assert post(http, job("j-5"))["id"] == "j-5"


def test_a_batch_has_a_result_for_each_item(http: httpx.Client) -> None:
    sent = [
        job(1),
        job(2, status="running"),
        job(3, status="done"),
        job(1, title="Another"),
        job(2),
        {"id": 4, "status": "failed"},
        job(5),
    ]
    results = post(http, sent, 200)
    assert [one["status"] for one in results] == [201, 201, 422, 409, 200, 422, 201]
    assert [one.get("seq") for one in results] == [0, None, None, None, 1, None, 2]
    expect_document(results[2]["problem"], "invalid-input", pointer="/status")
    expect_document(results[3]["problem"], "id-conflict")
    expect_document(results[5]["problem"], "invalid-input", pointer="/flow_id")
    assert sorted(one["id"] for one in listed(http)) == [1, 2, 5]


def test_ndjson_is_a_batch_too_packed_or_not(http: httpx.Client) -> None:
    body = ndjson(job(1), b"{nonsense", job(2))
    answer = http.post(JOBS, content=body, headers=NDJSON)
    assert [one["status"] for one in answer.json()] == [201, 400, 201]
    packed = {**NDJSON, "Content-Encoding": "gzip"}
    again = http.post(JOBS, content=gzip.compress(body), headers=packed)
    assert [one["status"] for one in again.json()] == [200, 400, 200]


LINE = "/lines/1"


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"id": ""}, "/id"),
        ({"id": -1}, "/id"),
        ({"id": True}, "/id"),
        ({"id": "é" * 255}, "/id"),
        ({"flow_id": None}, "/flow_id"),
        ({"status": "done"}, "/status"),
        ({"started_at": "2026-05-21 10:00:00"}, "/started_at"),
        ({"started_at": "2099-01-01T00:00:00Z"}, "/started_at"),
        ({"completed_at": "1969-01-01T00:00:00Z"}, "/completed_at"),
        ({"title": 7}, "/title"),
        ({"error": {"message": "x"}}, "/error"),
        ({"report": []}, "/report"),
        ({"masked": True}, "/masked"),
        ({"lines": "none"}, "/lines"),
        ({"lines": [step(), {"mask_data": "yes"}]}, f"{LINE}/mask_data"),
        ({"lines": [step(), {"mask_date": True}]}, f"{LINE}/mask_date"),
        ({"lines": [step(), 7]}, LINE),
    ],
)
def test_what_is_wrong_is_pointed_at_and_nothing_is_kept(
    empty: httpx.Client, changed: dict[str, Any], pointer: str
) -> None:
    expect_problem(empty.post(JOBS, json=job(**changed)), 422, "invalid-input", pointer=pointer)
    assert listed(empty) == []


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ('{"id": 1, "flow_id": 2, "status": "failed", "id": 3}', "/id"),
        ('{"id": 1, "flow_id": 2, "status": "failed", "report": {"a": 1, "a": 2}}', "/report/a"),
        (
            '{"id": 1, "flow_id": 2, "status": "failed", "lines": [{"input": {"a": 1, "a": 2}}]}',
            "/lines/0/input/a",
        ),
    ],
)
def test_a_key_that_stands_twice_is_refused(empty: httpx.Client, text: str, pointer: str) -> None:
    answer = empty.post(JOBS, content=text, headers={"Content-Type": "application/json"})
    expect_problem(answer, 422, "invalid-input", pointer=pointer)


@pytest.mark.parametrize("body", [b"", b"  ", b"{", b'{"id": NaN}', b"7", b'"job"', b"\xff"])
def test_what_is_no_json_object_is_refused(empty: httpx.Client, body: bytes) -> None:
    answer = empty.post(JOBS, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_another_content_type_is_refused(empty: httpx.Client) -> None:
    answer = empty.post(JOBS, content=b"id=1", headers={"Content-Type": "text/plain"})
    expect_problem(answer, 415, "unsupported-media-type")


def test_seqs_of_finished_jobs_are_dense_whoever_sends_them(http: httpx.Client) -> None:
    def send(number: int) -> int:
        post(http, job(number, status="running"))
        return post(http, job(number), 200)["seq"]

    with ThreadPoolExecutor(6) as threads:
        seqs = list(threads.map(send, range(60)))
    assert sorted(seqs) == list(range(60))


def test_a_recipe_is_called_as_the_log_calls_it(http: httpx.Client) -> None:
    activity = {
        "action": "recipe.created",
        "actor": {"type": "user", "id": "7"},
        "targets": [{"type": "recipe", "id": "42", "name": "Sync orders"}],
    }
    http.post("/api/v1/activities", json=activity).raise_for_status()
    post(http, job(1))
    post(http, job(2, recipe_name="Sync all orders"))
    assert [get(http, id)["recipe_name"] for id in (1, 2)] == ["Sync orders", "Sync all orders"]


def test_an_id_with_a_slash_in_it_is_read_back(http: httpx.Client) -> None:
    post(http, job("a/b c"))
    assert http.get(f"{JOBS}/a%2Fb%20c").json()["id"] == "a/b c"


def test_the_description_names_the_fields_of_a_job(empty: httpx.Client) -> None:
    paths = empty.get("/api/openapi.json").json()["paths"]
    schema = paths[JOBS]["post"]["requestBody"]["content"]["application/json"]["schema"]
    one = schema["anyOf"][0]["properties"]
    assert {"id", "flow_id", "status", "lines", "is_test"} <= set(one)
    assert "mask_data" in json.dumps(one["lines"])
    assert "/api/v1/jobs/{job_id}" in paths
