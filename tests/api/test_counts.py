"""Counts over time and by value, over HTTP: shapes, parameters, and who may ask."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.conftest import Site, activity

from .support import PATH, expect_problem, record_all

ADA = {"type": "user", "id": "8", "name": "Ada Admin"}
HOURS = [0, 0, 5, 23, 24, 30, 71]


@pytest.fixture(scope="module", autouse=True)
def _log(own: httpx.Client) -> None:
    made = [
        activity(
            id=f"c-{number}",
            occurred_at=f"2026-03-{27 + hour // 24}T{hour % 24:02d}:30:00Z",
            environment="counted",
            outcome="failure" if number == 2 else "success",
            context={"ip_address": "::ffff:203.0.113.9"},
            **({"actor": ADA, "action": "recipe.started"} if number < 2 else {}),
        )
        for number, hour in enumerate(HOURS)
    ]
    record_all(own, made)


def counted(own: httpx.Client, what: str, **params: Any) -> dict[str, Any]:
    answer = own.get(f"{PATH}/{what}", params={"environment": "counted", **params})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_days_begin_at_midnight_in_the_zone(own: httpx.Client) -> None:
    found = counted(
        own,
        "histogram",
        interval="day",
        tz="Europe/Paris",
        **{"from": "2026-03-27", "to": "2026-03-30"},
    )
    assert found == {
        "interval": "day",
        "from": "2026-03-26T23:00:00Z",
        "to": "2026-03-30T22:00:00Z",
        "buckets": [
            {"start": "2026-03-26T23:00:00Z", "count": 3, "failures": 1},
            {"start": "2026-03-27T23:00:00Z", "count": 3, "failures": 0},
            {"start": "2026-03-28T23:00:00Z", "count": 0, "failures": 0},
            {"start": "2026-03-29T22:00:00Z", "count": 1, "failures": 0},
        ],
        "total": 7,
        "exact": True,
    }


def test_without_an_interval_one_that_fits_is_chosen(own: httpx.Client) -> None:
    found = counted(own, "histogram", **{"from": "2026-03-27T00:00Z", "to": "2026-03-27T01:00Z"})
    assert found["interval"] == "minute"
    assert [one["count"] for one in found["buckets"] if one["count"]] == [2]


def test_an_activity_is_counted_as_soon_as_it_is_acknowledged(own: httpx.Client) -> None:
    before = own.get(f"{PATH}/histogram", params={"source": "just"}).json()["total"]
    record_all(own, [activity(context={"source": "just"}) for _ in range(3)])
    assert own.get(f"{PATH}/histogram", params={"source": "just"}).json()["total"] == before + 3


def test_a_facet_shows_what_could_be_added_to_its_own_filter(own: httpx.Client) -> None:
    found = counted(own, "facets", actor="user:8")
    assert (found["total"], found["exact"], found["sampled"]) == (2, True, [])
    assert found["facets"]["actor"] == [
        {"value": "user:7", "label": "Robin Operator", "count": 5},
        {"value": "user:8", "label": "Ada Admin", "count": 2},
    ]
    assert found["facets"]["action"] == [
        {"value": "recipe.started", "label": "Recipe started", "count": 2}
    ]
    assert found["facets"]["ip"] == [{"value": "203.0.113.9", "label": "203.0.113.9", "count": 2}]
    assert found["facets"]["environment"][0]["value"] == "counted"
    assert found["facets"]["target_type"] == [{"value": "recipe", "label": "Recipe", "count": 2}]


def test_every_value_of_a_facet_is_one_that_the_filter_takes(own: httpx.Client) -> None:
    found = counted(own, "facets")
    for name, values in found["facets"].items():
        for one in values:
            narrowed = counted(own, "histogram", **{name: one["value"]})
            if name != "environment":
                assert narrowed["total"] == one["count"], (name, one)


def test_only_the_facets_asked_for_are_counted(own: httpx.Client) -> None:
    found = counted(own, "facets", facet=["outcome", "actor"], limit=1)
    assert list(found["facets"]) == ["outcome", "actor"]
    assert found["facets"]["outcome"] == [{"value": "success", "label": "Success", "count": 6}]


@pytest.mark.parametrize(
    ("what", "params", "parameter"),
    [
        ("histogram", {"interval": "year"}, "interval"),
        ("histogram", {"interval": "minute", "from": "2026-01-01"}, "interval"),
        ("histogram", {"tz": "Mars/Base"}, "tz"),
        ("histogram", {"limit": "5"}, "limit"),
        ("histogram", {"ip": "nonsense"}, "ip"),
        ("facets", {"facet": "colour"}, "facet"),
        ("facets", {"limit": "51"}, "limit"),
        ("facets", {"limit": "0"}, "limit"),
        ("facets", {"cursor": "x"}, "cursor"),
        ("facets", {"q": '"open'}, "q"),
    ],
)
def test_a_wrong_parameter_is_named(
    own: httpx.Client, what: str, params: dict[str, str], parameter: str
) -> None:
    answer = own.get(f"{PATH}/{what}", params=params)
    expect_problem(answer, 400, "invalid-parameter", parameter=parameter)


@pytest.mark.parametrize("what", ["histogram", "facets"])
def test_a_token_that_may_not_read_is_refused(workspace: Site, what: str) -> None:
    with workspace.http(workspace.new_token("activities:write", name=f"no {what}")) as http:
        expect_problem(http.get(f"{PATH}/{what}"), 403, "forbidden")


@pytest.mark.parametrize("what", ["histogram", "facets"])
def test_another_workspaces_activities_are_not_counted(
    shared_site: Site, http: httpx.Client, what: str
) -> None:
    assert counted(http, what)["total"] == 0
