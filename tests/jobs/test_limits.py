"""Large jobs: what is taken, what is replaced, what is refused."""

from __future__ import annotations

import gzip
import json

import httpx
from tests.api.support import expect_problem
from tests.jobs.support import JOBS, get, job, listed, post, step

from trailkeeper.jobs.body import LINES_MAX_BYTES, LINES_TOO_LONG

PACKED = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
MEGABYTE = "x" * 1_000_000


def post_packed(http: httpx.Client, sent: object) -> httpx.Response:
    return http.post(JOBS, content=gzip.compress(json.dumps(sent).encode(), 1), headers=PACKED)


def steps_of(size: int) -> list[dict[str, str]]:
    """Steps whose JSON is just this long."""
    empty = len(json.dumps({"input": ""}, separators=(",", ":"))) + 1
    steps = [{"input": MEGABYTE} for _ in range(size // (1_000_000 + empty))]
    rest = size - 1 - len(steps) * (1_000_000 + empty)
    return [*steps, {"input": "x" * (rest - empty)}]


def test_steps_up_to_the_limit_are_kept_and_longer_ones_replaced(http: httpx.Client) -> None:
    fits = steps_of(LINES_MAX_BYTES)
    assert len(json.dumps(fits, separators=(",", ":"))) == LINES_MAX_BYTES
    assert post_packed(http, job(1, lines=fits)).status_code == 201
    assert get(http, 1)["lines"] == fits

    long = steps_of(LINES_MAX_BYTES + 1)
    assert post_packed(http, job(2, lines=long)).status_code == 201
    assert get(http, 2)["lines"] == LINES_TOO_LONG
    assert post_packed(http, job(2, lines=long)).status_code == 200


def test_the_note_for_too_long_steps_can_be_sent_on(http: httpx.Client) -> None:
    post(http, job(lines=LINES_TOO_LONG))
    assert get(http, 100)["lines"] == LINES_TOO_LONG


def test_a_body_of_more_than_32_mib_is_refused(http: httpx.Client) -> None:
    body = json.dumps(job(title="x" * (32 * 1024 * 1024))).encode()
    answer = http.post(JOBS, content=body, headers={"Content-Type": "application/json"})
    expect_problem(answer, 413, "too-large")
    assert listed(http) == []


def test_a_packed_body_is_bounded_unpacked(http: httpx.Client) -> None:
    bomb = gzip.compress(b"[" + b" " * (65 * 1024 * 1024) + b"]")
    expect_problem(http.post(JOBS, content=bomb, headers=PACKED), 413, "too-large")
    large = {"report": {"text": "x" * (33 * 1024 * 1024)}}
    expect_problem(post_packed(http, job(**large)), 413, "too-large")
    assert listed(http) == []


def test_a_batch_of_more_than_1000_is_refused(http: httpx.Client) -> None:
    expect_problem(http.post(JOBS, json=[job(n) for n in range(1_001)]), 413, "too-large")
    assert listed(http) == []
    results = post(http, [job(n) for n in range(1_000)], 200)
    assert [one["seq"] for one in results] == list(range(1_000))


def test_what_listings_show_of_a_long_error_is_its_beginning(http: httpx.Client) -> None:
    post(http, job(status="failed", error="e" * 100_000, title="t" * 100_000, lines=[step()]))
    (one,) = listed(http)
    assert (one["error"], one["title"]) == ("e" * 2_000, "t" * 1_000)
    assert get(http, 100)["error"] == "e" * 100_000
