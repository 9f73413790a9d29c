"""The paths of Workato's own API, in its form."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from tests.api.support import expect_problem
from tests.assets.test_api import log_of, make, ok
from tests.conftest import Site


@pytest.fixture(scope="module")
def http(shared_site: Site) -> Any:
    """A client in a workspace of this module's own."""
    made = shared_site.add_workspace("Workato", "willa@example.com")
    with made.http(made.new_token("assets:manage", "activities:read", name="Willa")) as client:
        yield client


def test_recipes_are_listed_with_their_code_as_text(http: httpx.Client) -> None:
    folder = make(http, "folder")
    inside = make(http, "recipe", folder_id=folder["id"], code={"a": [1]}, description="Syncs")
    outside = make(http, "recipe")
    items = ok(http.get("/api/recipes"))["items"]
    assert [one["id"] for one in items] == [int(inside["id"]), int(outside["id"])]
    found = items[0]
    assert (found["name"], found["description"]) == (inside["name"], "Syncs")
    assert (found["folder_id"], items[1]["folder_id"]) == (int(folder["id"]), 0)
    assert (found["running"], found["version_no"]) == (False, 1)
    assert json.loads(found["code"]) == {"a": [1]}
    assert found["created_at"] == inside["created_at"]


def test_a_recipe_is_started_and_stopped(http: httpx.Client) -> None:
    recipe = make(http, "recipe")
    assert ok(http.put(f"/api/recipes/{recipe['id']}/start")) == {"success": True}
    running = ok(http.get("/api/recipes", params={"running": "true"}))["items"]
    assert [one["id"] for one in running] == [int(recipe["id"])]
    expect_problem(http.put(f"/api/recipes/{recipe['id']}/start"), 409, "conflict")
    assert ok(http.put(f"/api/recipes/{recipe['id']}/stop", json={})) == {"success": True}
    expect_problem(http.put("/api/recipes/77777/start"), 404, "not-found")
    assert [one["action"] for one in log_of(http, recipe["id"])] == [
        "recipe.created",
        "recipe.started",
        "recipe.stopped",
    ]


def test_pages_are_numbered(http: httpx.Client) -> None:
    folder = make(http, "folder")
    made = [int(make(http, "recipe", folder_id=folder["id"])["id"]) for _ in range(5)]
    pages = [
        ok(
            http.get(
                "/api/recipes",
                params={"folder_id": folder["id"], "page": number, "per_page": 2},
            )
        )["items"]
        for number in (1, 2, 3, 4)
    ]
    assert [[one["id"] for one in page] for page in pages] == [made[:2], made[2:4], made[4:], []]
    for wrong in ({"per_page": 101}, {"page": 0}):
        expect_problem(http.get("/api/recipes", params=wrong), 400, "invalid-parameter")


def test_connections_and_folders_are_plain_arrays(http: httpx.Client) -> None:
    outer = make(http, "folder")
    inner = make(http, "folder", folder_id=outer["id"])
    connection = make(http, "connection", provider="salesforce", folder_id=outer["id"])
    ok(http.post(f"/api/v1/connections/{connection['id']}/connect"))
    (found,) = ok(http.get("/api/connections"))
    assert (found["id"], found["provider"], found["authorization_status"]) == (
        int(connection["id"]), "salesforce", "success",
    )  # fmt: skip
    folders = {one["id"]: one for one in ok(http.get("/api/folders"))}
    assert folders[int(inner["id"])]["parent_id"] == int(outer["id"])
    assert folders[int(outer["id"])]["parent_id"] == 0
    below = ok(http.get("/api/folders", params={"parent_id": outer["id"]}))
    assert [one["id"] for one in below] == [int(inner["id"])]
    assert int(inner["id"]) not in [
        one["id"] for one in ok(http.get("/api/folders", params={"parent_id": 0}))
    ]


def test_who_calls(http: httpx.Client) -> None:
    me = ok(http.get("/api/users/me"))
    assert (me["name"], me["company_name"]) == ("Willa", "Workato")
    assert isinstance(me["id"], int)
    assert me["recipes_count"] == len(ok(http.get("/api/recipes"))["items"])
