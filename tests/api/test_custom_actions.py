"""Actions that a workspace declares for itself, and a workspace that takes only declared ones."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.conftest import Site, activity

from .support import PATH, expect_problem, listed, rows

ACTIONS = "/api/v1/actions"
SCHEMA = {
    "type": "object",
    "required": ["total"],
    "properties": {
        "total": {"type": "number", "minimum": 0},
        "lines": {"type": "array", "items": {"type": "object", "required": ["sku"]}},
        "a/b": {"type": "string", "maxLength": 3},
    },
}


def declare(http: httpx.Client, name: str, **declaration: Any) -> httpx.Response:
    return http.put(f"{ACTIONS}/{name}", json={"label": "Order approved", **declaration})


def order(**details: Any) -> dict[str, Any]:
    return activity(action="order.approved", details=details)


@pytest.fixture
def declared(own: httpx.Client) -> None:
    assert declare(own, "order.approved", schema=SCHEMA).status_code == 200


def test_a_declaration_is_answered_and_listed_and_its_versions_count_up(
    own: httpx.Client,
) -> None:
    first = declare(own, "order.counted", sentence="*actor* counted *target*")
    assert first.status_code == 200, first.text
    assert (first.json()["name"], first.json()["version"]) == ("order.counted", 1)
    second = declare(own, "order.counted", label="Order counted")
    assert second.json()["version"] == 2
    latest = {one["name"]: one for one in own.get(ACTIONS).json()["data"]}
    assert latest["order.counted"]["label"] == "Order counted"


def test_each_declaration_is_in_the_log(own: httpx.Client) -> None:
    declare(own, "order.logged")
    declare(own, "order.logged")
    found = listed(own, action="action.declared", target="action:order.logged", order="asc")
    assert [one["details"]["version"] for one in found] == [1, 2]
    assert found[0]["actor"]["type"] == "api_client"


@pytest.mark.usefixtures("declared")
def test_details_that_keep_to_the_schema_are_recorded(own: httpx.Client) -> None:
    answer = own.post(PATH, json=order(total=3.5, lines=[{"sku": "A"}], more="allowed"))
    assert answer.status_code == 201


@pytest.mark.usefixtures("declared")
@pytest.mark.parametrize(
    ("details", "pointer"),
    [
        ({}, "/details"),
        ({"total": "3"}, "/details/total"),
        ({"total": -1}, "/details/total"),
        ({"total": 1, "lines": [{"sku": "A"}, {}]}, "/details/lines/1"),
        ({"total": 1, "a/b": "long"}, "/details/a~1b"),
    ],
)
def test_details_that_break_the_schema_are_refused_by_their_name(
    workspace: Site, own: httpx.Client, details: dict[str, Any], pointer: str
) -> None:
    before = rows(workspace)
    answer = own.post(PATH, json=order(**details))
    problem = expect_problem(answer, 422, "invalid-activity")
    assert any(error["pointer"].startswith(pointer) for error in problem["errors"]), problem
    assert rows(workspace) == before


@pytest.mark.usefixtures("declared")
def test_an_activity_without_details_is_checked_as_well(own: httpx.Client) -> None:
    answer = own.post(PATH, json=activity(action="order.approved"))
    assert answer.status_code == 422


def test_a_new_version_counts_at_once(own: httpx.Client) -> None:
    declare(own, "order.renewed", schema={"required": ["a"]})
    sent = activity(action="order.renewed", details={"b": 1})
    assert own.post(PATH, json=sent).status_code == 422
    declare(own, "order.renewed", schema={"required": ["b"]})
    assert own.post(PATH, json=sent).status_code == 201


@pytest.mark.parametrize(
    ("name", "declaration"),
    [
        ("recipe.stopped", {}),
        ("Order.Approved", {}),
        ("order", {}),
        ("a." + "b" * 200, {}),
        ("order.bad", {"label": 7}),
        ("order.bad", {"labels": "x"}),
        ("order.bad", {"schema": {"type": "nothing"}}),
        ("order.bad", {"schema": {"$ref": "https://example.com/schema.json"}}),
        ("order.bad", {"schema": {"$ref": "file:///etc/passwd"}}),
        ("order.bad", {"schema": {"description": "x" * 70_000}}),
        ("order.bad", {"sentence": "*actor* approved it [for *total*"}),
        ("order.bad", {"target_type": "Not A Type"}),
    ],
)
def test_a_declaration_that_cannot_be_used_is_refused(
    workspace: Site, own: httpx.Client, name: str, declaration: dict[str, Any]
) -> None:
    before = rows(workspace)
    expect_problem(declare(own, name, **declaration), 422, "invalid-activity")
    assert rows(workspace) == before


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b"[" * 5_000])
def test_a_declaration_that_is_no_object_is_refused(own: httpx.Client, body: bytes) -> None:
    answer = own.put(f"{ACTIONS}/order.bad", content=body)
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_details_that_are_deep_are_refused_although_the_schema_recurses(own: httpx.Client) -> None:
    made = declare(own, "order.deep", schema={"properties": {"a": {"$ref": "#"}}})
    assert made.status_code == 200, made.text
    for depth in (40, 200, 900):
        details: Any = {"end": 1}
        for _ in range(depth):
            details = {"a": details}
        answer = own.post(PATH, json=activity(action="order.deep", details=details))
        expect_problem(answer, 422, "invalid-activity", pointer="/details")


@pytest.fixture(scope="module")
def strict(shared_site: Site) -> Site:
    site = shared_site.add_workspace("Strict", "strict@example.com")
    with site.http() as http:
        answer = http.patch("/api/v1/workspace", json={"strict_actions": True})
        assert (answer.status_code, answer.json()) == (200, {"strict_actions": True})
    return site


class TestAStrictWorkspace:
    """`strict_actions`, in a workspace of its own."""

    def test_it_refuses_actions_that_nobody_declared(self, strict: Site) -> None:
        with strict.http() as http:
            before = rows(strict)
            answer = http.post(PATH, json=activity(action="order.shipped"))
            expect_problem(answer, 422, "invalid-activity", pointer="/action")
            assert rows(strict) == before

    def test_it_takes_those_of_the_catalogue_and_declared_ones(self, strict: Site) -> None:
        with strict.http() as http:
            assert http.post(PATH, json=activity()).status_code == 201
            declare(http, "order.returned")
            answer = http.post(PATH, json=activity(action="order.returned"))
            assert answer.status_code == 201

    def test_it_does_not_bind_other_workspaces(self, strict: Site, own: httpx.Client) -> None:
        assert own.post(PATH, json=activity(action="order.shipped")).status_code == 201

    def test_the_change_is_in_the_log_once(self, strict: Site) -> None:
        with strict.http() as http:
            http.patch("/api/v1/workspace", json={"strict_actions": True})
            assert http.get("/api/v1/workspace").json() == {"strict_actions": True}
            changes = [one["changes"] for one in listed(http, action="workspace.settings_updated")]
        assert changes == [[{"field": "strict_actions", "old": False, "new": True}]]

    @pytest.mark.parametrize(
        "body", [b"", b"{}", b'{"strict_actions": "yes"}', b'{"strict": true}', b"null"]
    )
    def test_settings_that_cannot_be_read_change_nothing(self, strict: Site, body: bytes) -> None:
        with strict.http() as http:
            answer = http.patch("/api/v1/workspace", content=body)
            assert answer.status_code in (400, 422)
            assert answer.headers["content-type"] == "application/problem+json"
            assert http.get("/api/v1/workspace").json() == {"strict_actions": True}
