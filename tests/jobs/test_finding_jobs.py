"""Jobs are found: newest first, by recipe, status, time and words; by those who may."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from tests.account.world import open_world
from tests.api.support import expect_problem
from tests.conftest import Site
from tests.jobs.support import JOBS, ids, job, listed, post

NINE = "2026-05-21T09:00:00Z"
NOON = "2026-05-21T12:00:00Z"
TEN = "2026-05-22T10:00:00+02:00"


def send_some(http: httpx.Client) -> None:
    post(
        http,
        [
            job(1, started_at=NINE, flow_id=42, title="Order of Zoë"),
            job(2, started_at=NOON, flow_id=43, status="failed", error="SKU 100% locked"),
            job(3, started_at=TEN, flow_id=42, status="completed", title="An order of nobody"),
            job(4, started_at=NINE, flow_id=42, status="cancelled"),
            job(5, started_at=TEN, flow_id="43", status="running", completed_at=None),
            job(6, started_at=NOON, flow_id=43, status="unknown", completed_at=None),
        ],
        200,
    )


@pytest.fixture(scope="module")
def some(served: Site) -> Iterator[httpx.Client]:
    """A workspace with a few jobs, which nobody changes."""
    with served.add_workspace("Some jobs", "some@example.com").http() as http:
        send_some(http)
        yield http


def test_the_newest_come_first(some: httpx.Client) -> None:
    assert ids(some) == [5, 3, 6, 2, 4, 1]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"recipe_id": "42"}, [3, 4, 1]),
        ({"recipe_id": "7"}, []),
        ({"status": "succeeded"}, [3, 1]),
        ({"status": "completed"}, [3, 1]),
        ({"status": ["failed", "canceled"]}, [2, 4]),
        ({"status": "running"}, [5]),
        ({"status": "unknown", "recipe_id": "43"}, [6]),
        ({"from": NOON}, [5, 3, 6, 2]),
        ({"to": NOON}, [4, 1]),
        ({"from": "2026-05-21", "to": "2026-05-21"}, [6, 2, 4, 1]),
        ({"from": "2026-05-22T00:00", "tz": "Asia/Tokyo"}, [5, 3]),
        ({"q": "order"}, [5, 3, 6, 2, 4, 1]),
        ({"q": "ORDER zoe"}, [1]),
        ({"q": "100% lock"}, [2]),
        ({"q": "100_"}, []),
        ({"q": "order of", "recipe_id": "42", "status": "succeeded", "to": NOON}, [1]),
        ({"range": "1h"}, []),
        ({"q": "", "status": ""}, [5, 3, 6, 2, 4, 1]),
    ],
)
def test_filters_narrow_the_list(
    some: httpx.Client, asked: dict[str, str], found: list[int]
) -> None:
    assert ids(some, **asked) == found


def test_a_job_in_a_list_says_what_it_is(some: httpx.Client) -> None:
    (failed,) = listed(some, status="failed")
    received = failed.pop("received_at")
    assert received.endswith("Z")
    assert failed == {
        "id": 2,
        "recipe_id": "43",
        "recipe_name": None,
        "status": "failed",
        "state": "failed",
        "started_at": "2026-05-21T12:00:00.000000Z",
        "completed_at": "2026-05-21T10:00:10.000000Z",
        "title": "New order",
        "error_type": None,
        "error": "SKU 100% locked",
        "is_test": False,
        "seq": 1,
    }


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_pages_show_each_job_once(some: httpx.Client, limit: int) -> None:
    for asked in ({}, {"recipe_id": "42"}, {"q": "order"}):
        assert ids(some, limit=limit, **asked) == ids(some, **asked)


def test_a_page_goes_on_where_the_last_one_stopped(http: httpx.Client) -> None:
    send_some(http)
    first = http.get(JOBS, params={"limit": 2}).json()
    post(http, [job(7, started_at=TEN), job(8, started_at="2026-01-01T00:00:00Z")], 200)
    rest = http.get(JOBS, params={"limit": 9, "cursor": first["next_cursor"]}).json()
    assert [one["id"] for one in rest["data"]] == [6, 2, 4, 1, 8]
    assert rest["next_cursor"] is None


def test_a_cursor_is_for_its_listing_only(some: httpx.Client, served: Site) -> None:
    cursor = some.get(JOBS, params={"limit": 1}).json()["next_cursor"]
    wrong = [({"status": "failed"}, cursor), ({}, cursor[:-1]), ({}, f"{cursor}A"), ({}, "x")]
    for asked, given in wrong:
        answer = some.get(JOBS, params={**asked, "cursor": given})
        expect_problem(answer, 400, "invalid-parameter", parameter="cursor")
    with served.http() as other:
        answer = other.get(JOBS, params={"cursor": cursor})
        expect_problem(answer, 400, "invalid-parameter", parameter="cursor")
        activities = other.get("/api/v1/activities", params={"cursor": cursor})
        expect_problem(activities, 400, "invalid-parameter", parameter="cursor")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "done"),
        ("from", "yesterday"),
        ("tz", "Mars"),
        ("range", "2y"),
        ("limit", "0"),
        ("limit", "1001"),
        ("recipe_id", "é" * 200),
        ("q", "x" * 501),
        ("recipe", "42"),
    ],
)
def test_a_wrong_parameter_is_named(empty: httpx.Client, name: str, value: str) -> None:
    answer = empty.get(JOBS, params={name: value})
    expect_problem(answer, 400, "invalid-parameter", parameter=name)


def test_another_workspaces_jobs_are_not_there(some: httpx.Client, empty: httpx.Client) -> None:
    expect_problem(empty.get(f"{JOBS}/1"), 404, "not-found")
    expect_problem(some.get(f"{JOBS}/100"), 404, "not-found")
    assert listed(empty) == []
    assert some.get(f"{JOBS}/1").status_code == 200


def test_who_may_send_and_who_may_read(team: Site) -> None:
    post_only = team.new_token("jobs:write")
    no_jobs = team.new_token("activities:write", "activities:read", name="other")
    with team.http(post_only) as http:
        post(http, job())
        assert ids(http) == [100]
    with team.http(no_jobs) as http:
        for answer in (http.post(JOBS, json=job(2)), http.get(JOBS), http.get(f"{JOBS}/100")):
            expect_problem(answer, 403, "forbidden")
    with httpx.Client(base_url=team.base_url, verify=False) as http:
        for answer in (http.post(JOBS, json=job(2)), http.get(JOBS), http.get(f"{JOBS}/100")):
            expect_problem(answer, 401, "unauthorized")
    with team.http() as http:
        denied = http.get("/api/v1/activities", params={"action": "access.denied"}).json()["data"]
        assert len(denied) == 2


def test_a_members_key_reads_what_the_role_allows(served: Site) -> None:
    world = open_world(served)
    (role_id, role) = world.role("recipes.view")
    assert role_id
    for name, status in (("Operator", 200), (role, 403)):
        key = world.api_key(world.person(name))
        with served.http(key) as http:
            assert http.get(JOBS).status_code == status
            assert http.post(JOBS, json=job()).status_code == 403
    world.close()
