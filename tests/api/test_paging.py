"""Cursors: a listing that is paged through shows each activity once, and only its own cursors."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests.conftest import Site, activity

from .support import PATH, expect_problem, listed, record, record_all

both_orders = pytest.mark.parametrize("order", ["desc", "asc"])


def fill(http: httpx.Client, count: int, **fields: Any) -> tuple[str, list[str]]:
    """Record so many activities of an action of their own; its name, and their ids in order."""
    action = f"page.a{uuid4().hex}"
    receipts = record_all(http, [activity(action=action, **fields) for _ in range(count)])
    return action, [receipt["id"] for receipt in receipts]


def visited(
    http: httpx.Client, meanwhile: Callable[[], object] = lambda: None, **asked: Any
) -> list[str]:
    """The ids of all pages; `meanwhile` is called after each."""
    ids: list[str] = []
    while True:
        answer = http.get(PATH, params=asked)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["data"]) == asked["limit"] or page["next_cursor"] is None
        ids += [one["id"] for one in page["data"]]
        if page["next_cursor"] is None:
            return ids
        asked["cursor"] = page["next_cursor"]
        meanwhile()


@both_orders
@pytest.mark.parametrize("limit", [7, 50, 250])
def test_each_activity_is_visited_once(own: httpx.Client, order: str, limit: int) -> None:
    action, ids = fill(own, 250)
    expected = ids if order == "asc" else ids[::-1]
    assert visited(own, action=action, order=order, limit=limit) == expected


@both_orders
def test_each_activity_is_visited_once_while_others_arrive(own: httpx.Client, order: str) -> None:
    action, ids = fill(own, 250)

    def meanwhile() -> None:
        record(own, action=action)
        record(own, action=action, occurred_at="2001-01-01T00:00:00Z")

    seen = visited(own, meanwhile, action=action, order=order, limit=20)
    assert len(seen) == len(set(seen))
    expected = ids if order == "asc" else ids[::-1]
    assert [id for id in seen if id in set(ids)] == expected


@both_orders
def test_activities_of_one_microsecond_are_visited_once_in_the_order_of_recording(
    own: httpx.Client, order: str
) -> None:
    at = {"desc": "2026-04-05T06:07:08.000009Z", "asc": "2026-04-05T06:07:09.000009Z"}[order]
    action, ids = fill(own, 1_500, occurred_at=at)
    seen = visited(own, action=action, order=order, limit=101)
    assert seen == (ids if order == "asc" else ids[::-1])
    assert {one["occurred_at"] for one in listed(own, action=action)} == {at}


def test_full_microseconds_side_by_side_stay_in_order_of_time(own: httpx.Client) -> None:
    def at(microsecond: int) -> str:
        return f"2026-04-05T06:07:10.00000{microsecond}Z"

    action = f"page.a{uuid4().hex}"
    record_all(own, [activity(action=action, occurred_at=at(1))])
    record_all(own, [activity(action=action, occurred_at=at(0))] * 1_100)
    record_all(own, [activity(action=action, occurred_at=at(1))] * 1_100)
    record_all(own, [activity(action=action, occurred_at=at(0)) for _ in range(5)])
    seen = listed(own, action=action, order="asc")
    assert len(seen) == len({one["id"] for one in seen}) == 2_206


def test_a_time_range_holds_all_of_a_full_microsecond(own: httpx.Client) -> None:
    action, _ = fill(own, 1_500, occurred_at="2026-04-05T06:07:11.000001Z")
    asked = {"action": action, "from": "2026-04-05T06:07:11.000001Z"}
    assert len(listed(own, **asked)) == 1_500
    assert len(listed(own, **asked, to="2026-04-05T06:07:11.001Z")) == 1_500


def test_the_cursor_is_gone_on_the_last_page_although_it_is_full(own: httpx.Client) -> None:
    action, ids = fill(own, 10)
    page = own.get(PATH, params={"action": action, "limit": 10}).json()
    assert (len(page["data"]), page["next_cursor"]) == (len(ids), None)


ASKED = {"limit": "2", "action": "recipe.*"}


class TestACursor:
    """Is good for the listing that gave it, and nothing else."""

    @pytest.fixture
    def cursor(self, own: httpx.Client) -> str:
        record_all(own, [activity() for _ in range(5)])
        return own.get(PATH, params=ASKED).json()["next_cursor"]

    def test_may_be_used_again_and_with_another_limit(self, own: httpx.Client, cursor: str) -> None:
        asked = {**ASKED, "cursor": cursor}
        first = own.get(PATH, params=asked).json()["data"]
        assert own.get(PATH, params=asked).json()["data"] == first
        assert own.get(PATH, params={**asked, "limit": "1"}).json()["data"] == first[:1]

    @pytest.mark.parametrize(
        "other", [{"action": "recipe.stopped"}, {"order": "asc"}, {"q": "x"}, {"range": "1h"}]
    )
    def test_of_another_filter_is_refused(
        self, own: httpx.Client, cursor: str, other: dict[str, str]
    ) -> None:
        answer = own.get(PATH, params={**ASKED, "cursor": cursor, **other})
        expect_problem(answer, 400, "invalid-parameter", parameter="cursor")

    def test_of_another_workspace_is_refused(self, shared_site: Site, cursor: str) -> None:
        with shared_site.http() as other:
            answer = other.get(PATH, params={**ASKED, "cursor": cursor})
        expect_problem(answer, 400, "invalid-parameter", parameter="cursor")

    @pytest.mark.parametrize(
        "tamper",
        [
            lambda cursor: cursor[:-1],
            lambda cursor: cursor + "A",
            lambda cursor: ("B" if cursor[0] != "B" else "C") + cursor[1:],
            lambda cursor: cursor[:24] + ("B" if cursor[24] != "B" else "C") + cursor[25:],
            lambda cursor: cursor[:-4] + cursor[-4:].swapcase(),
            lambda _: base64.urlsafe_b64encode(b"\0" * 40).decode(),
            lambda _: "A",
            lambda _: "é" * 10,
            lambda _: "x" * 10_000,
            lambda _: "-1",
            lambda _: "🙂",
        ],
    )
    def test_that_was_tampered_with_is_refused(
        self, own: httpx.Client, cursor: str, tamper: Callable[[str], str]
    ) -> None:
        answer = own.get(PATH, params={**ASKED, "cursor": tamper(cursor)})
        expect_problem(answer, 400, "invalid-parameter", parameter="cursor")
