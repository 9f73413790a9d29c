"""The assets' API over HTTP, against the real server."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from tests.api.support import expect_problem
from tests.conftest import Site

from trailkeeper.assets.kinds import KINDS

_numbers = itertools.count(1)
MADE = [kind for kind in KINDS.values() if "create" in kind.operations]


def path(kind: str, *more: str) -> str:
    return "/".join(["/api/v1", KINDS[kind].path, *more])


def ok(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def make(http: httpx.Client, kind: str, name: str = "", **given: Any) -> dict[str, Any]:
    parent = KINDS[kind].parent_kind
    if parent and not any(alias in given for alias in ("parent_id", *KINDS[kind].parent_aliases)):
        given["parent_id"] = make(http, parent)["id"]
    body = {"name": name or f"{kind} {next(_numbers)}", **given}
    return ok(http.post(path(kind), json=body), 201)


def log_of(http: httpx.Client, id: str) -> list[dict[str, Any]]:
    """The records of an asset, oldest first."""
    found = ok(http.get("/api/v1/activities", params={"target": id, "order": "asc"}))
    return [one for one in found["data"] if one["targets"][0]["id"] == id]


@pytest.mark.parametrize("kind", MADE, ids=lambda kind: kind.name)
def test_an_asset_is_made_read_listed_and_deleted(http: httpx.Client, kind: Any) -> None:
    made = make(http, kind.name, "Über <b>&amp;</b>" + str(next(_numbers)))
    answer = http.get(path(kind.name, made["id"]))
    assert answer.headers["etag"] == '"1"'
    token = made.pop("token", None)
    assert (token is not None) == (kind.token_prefix is not None)
    assert ok(answer) == made
    assert (made["kind"], made["version"], made["public"]) == (kind.name, 1, False)
    assert made["state"] == (kind.states or [None])[0]
    assert made["id"].isdecimal()
    assert set(kind.content.__struct_fields__) - set(kind.secret_fields) <= set(made)
    assert made in ok(http.get(path(kind.name), params={"limit": 1_000}))["data"]
    (record,) = log_of(http, made["id"])
    assert record["action"] == kind.operations["create"].action
    assert record["actor"]["type"] == "api_client"
    if "delete" not in kind.operations:
        expect_problem(http.delete(path(kind.name, made["id"])), 405, "method-not-allowed")
        return
    assert http.delete(path(kind.name, made["id"])).status_code == 204
    expect_problem(http.get(path(kind.name, made["id"])), 404, "not-found")
    gone = ok(http.get(path(kind.name, made["id"]), params={"deleted": "true"}))
    assert gone["deleted_at"]
    listed = ok(http.get(path(kind.name), params={"deleted": "true", "limit": 1_000}))["data"]
    assert gone in listed
    parent = {key: made[key] for key in ("parent_id",) if key in made}
    back = ok(http.post(path(kind.name, made["id"], "undelete")))
    assert back["name"] == made["name"]
    assert {key: back[key] for key in parent} == parent


def test_a_recipe_is_worked_with(http: httpx.Client) -> None:
    folder = make(http, "folder", "ERP")
    recipe = make(
        http, "recipe", folder_id=int(folder["id"]), code={"steps": [1]}, description="Syncs"
    )
    assert (recipe["folder_id"], recipe["code"]) == (folder["id"], {"steps": [1]})
    here = path("recipe", recipe["id"])
    changed = ok(http.patch(here, json={"code": {"steps": [1, 2]}}))
    assert (changed["version"], changed["description"]) == (2, "Syncs")
    renamed = ok(http.post(f"{here}/rename", json={"name": "Sync product SKUs"}))
    assert renamed["name"] == "Sync product SKUs"
    assert ok(http.post(f"{here}/move", json={"folder_id": None}))["folder_id"] is None
    assert ok(http.post(f"{here}/start"))["state"] == "running"
    expect_problem(http.post(f"{here}/start"), 409, "conflict")
    expect_problem(http.patch(here, json={"code": {}}), 409, "conflict")
    expect_problem(http.delete(here), 409, "conflict")
    assert ok(http.post(f"{here}/stop", json={"stop_reason": "Too slow"}))["state"] == "stopped"
    assert ok(http.post(f"{here}/set-access-scope", json={"public": True}))["public"] is True
    copy = ok(http.post(f"{here}/copy", json={"folder_id": folder["id"]}), 201)
    assert (copy["name"], copy["folder_id"]) == ("Sync product SKUs (copy)", folder["id"])
    versions = ok(http.get(f"{here}/versions"))
    assert [one["version"] for one in versions["data"]] == [3, 2, 1]
    assert ok(http.get(f"{here}/versions/1"))["code"] == {"steps": [1]}
    assert ok(http.post(f"{here}/restore", json={"version": 1}))["code"] == {"steps": [1]}
    assert [one["action"] for one in log_of(http, recipe["id"])] == [
        "recipe.created",
        "recipe.updated",
        "recipe.renamed",
        "recipe.moved",
        "recipe.started",
        "recipe.stopped",
        "recipe.access_scope_updated",
        "recipe.updated",
    ]
    assert log_of(http, recipe["id"])[5]["details"] == {"stop_reason": "Too slow"}
    assert [one["action"] for one in log_of(http, copy["id"])] == ["recipe.copied"]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_operation_of_the_table_has_its_route_and_no_other(
    http: httpx.Client, kind: Any
) -> None:
    for name in {one for each in KINDS.values() for one in each.operations}:
        if name in ("create", "update", "delete", "export", "import"):
            continue
        answer = http.post(path(kind.name, "77777", name), json={"name": "X"})
        has_route = "There is no" in answer.text or answer.status_code == 422
        assert has_route == (name in kind.operations), answer.text
        assert answer.status_code in (404, 422)


def test_a_patch_with_name_and_content_is_one_transaction(http: httpx.Client) -> None:
    recipe = make(http, "recipe")
    here = path("recipe", recipe["id"])
    expect_problem(
        http.patch(here, json={"name": "New", "code": 5}), 422, "invalid-input", pointer="/code"
    )
    assert ok(http.get(here))["name"] == recipe["name"]
    ok(http.patch(here, json={"name": f"New {recipe['id']}", "code": {"a": 1}}))
    assert [one["action"] for one in log_of(http, recipe["id"])] == [
        "recipe.created",
        "recipe.renamed",
        "recipe.updated",
    ]


@pytest.mark.parametrize("alias", ["parent_id", "collection_id", "api_collection_id"])
def test_a_parent_is_named_in_workatos_ways(http: httpx.Client, alias: str) -> None:
    collection = make(http, "api_collection")
    endpoint = make(http, "api_endpoint", **{alias: int(collection["id"])})
    assert endpoint["parent_id"] == collection["id"]
    listed = ok(http.get(path("api_endpoint"), params={alias: collection["id"]}))
    assert [one["id"] for one in listed["data"]] == [endpoint["id"]]
    other = {"name": "X", "parent_id": "77777", alias: collection["id"]}
    if alias != "parent_id":
        expect_problem(
            http.post(path("api_endpoint"), json=other), 422, "invalid-input", pointer=f"/{alias}"
        )


@pytest.mark.parametrize(
    ("body", "status", "kind", "pointer"),
    [
        (b"", 422, "invalid-input", "/name"),
        (b"{}", 422, "invalid-input", "/name"),
        (b'{"name":""}', 422, "invalid-input", "/name"),
        (b'{"name":5}', 422, "invalid-input", "/name"),
        (b'{"name":"a","name":"b"}', 422, "invalid-input", "/name"),
        (b'{"name":"a","id":"1"}', 422, "invalid-input", "/id"),
        (b'{"name":"a","folder_id":"77777"}', 422, "invalid-input", "/folder_id"),
        (b'{"name":"a","folder_id":{}}', 422, "invalid-input", "/folder_id"),
        (b'{"name":"a","code":"{}"}', 422, "invalid-input", "/code"),
        (b"[]", 422, "invalid-input", ""),
        (b'"name"', 422, "invalid-input", ""),
        (b'{"name":', 400, "malformed-body", None),
        (b'{"name":"a","code":{"a":NaN}}', 400, "malformed-body", None),
        (
            b'{"name":"a","code":' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001,
            400,
            "malformed-body",
            None,
        ),
        (b'{"name":"a","code":{"a":"' + b"x" * 1_100_000 + b'"}}', 422, "invalid-input", ""),
        (b'{"name":"a","code":{"a":"' + b"x" * 1_200_000 + b'"}}', 413, "too-large", None),
    ],
)
def test_a_body_that_is_wrong_makes_nothing(
    http: httpx.Client, body: bytes, status: int, kind: str, pointer: str | None
) -> None:
    before = ok(http.get(path("recipe"), params={"limit": 1_000}))["data"]
    expect_problem(http.post(path("recipe"), content=body), status, kind, pointer=pointer)
    assert ok(http.get(path("recipe"), params={"limit": 1_000}))["data"] == before


@pytest.mark.parametrize(
    ("operation", "body", "pointer"),
    [
        ("rename", {}, ""),
        ("rename", {"name": "\n"}, "/name"),
        ("rename", {"name": "X", "more": 1}, ""),
        ("move", {}, ""),
        ("move", {"folder_id": "77777"}, "/folder_id"),
        ("copy", {"folder_id": "77777"}, "/folder_id"),
        ("set-access-scope", {"public": "yes"}, "/public"),
        ("restore", {"version": "1"}, "/version"),
        ("start", {"now": True}, ""),
    ],
)
def test_an_operations_body_that_is_wrong_does_nothing(
    http: httpx.Client, operation: str, body: dict[str, Any], pointer: str
) -> None:
    recipe = make(http, "recipe")
    here = path("recipe", recipe["id"])
    answer = http.post(f"{here}/{operation}", json=body)
    expect_problem(answer, 422, "invalid-input", pointer=pointer)
    assert ok(http.get(here)) == recipe


def test_duplicate_names_are_refused(http: httpx.Client) -> None:
    recipe = make(http, "recipe")
    answer = http.post(path("recipe"), json={"name": recipe["name"].upper()})
    expect_problem(answer, 409, "conflict", pointer="/name")


def test_a_lost_update_is_refused(http: httpx.Client) -> None:
    recipe = make(http, "recipe")
    here = path("recipe", recipe["id"])
    first = http.get(here).headers["etag"]
    ok(http.patch(here, json={"description": "mine"}, headers={"If-Match": first}))
    answer = http.patch(here, json={"description": "theirs"}, headers={"If-Match": first})
    expect_problem(answer, 412, "precondition-failed")
    for etag in ('"77"', "nonsense", '"1", "2"', ""):
        for method, at in (("POST", f"{here}/start"), ("DELETE", here)):
            answer = http.request(method, at, headers={"If-Match": etag})
            expect_problem(answer, 412, "precondition-failed")
    for etag in ('W/"2"', "*", '"4"'):
        ok(http.post(f"{here}/rename", json={"name": f"N{etag}"}, headers={"If-Match": etag}))
    assert ok(http.get(here))["description"] == "mine"
    assert len(log_of(http, recipe["id"])) == 5


def test_of_many_clients_with_the_same_etag_one_succeeds(http: httpx.Client) -> None:
    recipe = make(http, "recipe")

    def patch(number: int) -> int:
        return http.patch(
            path("recipe", recipe["id"]),
            json={"description": str(number)},
            headers={"If-Match": '"1"'},
        ).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(patch, range(8))) == [200, *[412] * 7]
    assert len(log_of(http, recipe["id"])) == 2


def test_folders_nest_and_are_deleted_with_what_is_in_them(http: httpx.Client) -> None:
    outer = make(http, "folder")
    inner = make(http, "folder", folder_id=outer["id"])
    make(http, "recipe", folder_id=inner["id"])
    answer = http.post(path("folder", outer["id"], "move"), json={"folder_id": inner["id"]})
    expect_problem(answer, 409, "conflict", pointer="/folder_id")
    expect_problem(http.delete(path("folder", outer["id"])), 409, "conflict")
    answer = http.delete(path("folder", outer["id"]), params={"recursive": "perhaps"})
    expect_problem(answer, 400, "invalid-parameter", parameter="recursive")
    answer = http.delete(path("folder", outer["id"]), params={"recursive": "true"})
    assert answer.status_code == 204
    expect_problem(http.get(path("folder", inner["id"])), 404, "not-found")


# --- Lists


def test_a_listing_is_paged_with_signed_cursors(http: httpx.Client) -> None:
    folder = make(http, "folder")
    made = [make(http, "recipe", folder_id=folder["id"])["id"] for _ in range(5)]
    asked: dict[str, Any] = {"folder_id": folder["id"], "limit": 2}
    found: list[str] = []
    cursors: list[str] = []
    while True:
        page = ok(http.get(path("recipe"), params=asked))
        found += [one["id"] for one in page["data"]]
        if page["next_cursor"] is None:
            break
        cursors.append(page["next_cursor"])
        asked["cursor"] = page["next_cursor"]
    assert found == made
    assert len(cursors) == 2
    for wrong in ("nonsense", cursors[0][:-1] + ("A" if cursors[0][-1] != "A" else "B")):
        answer = http.get(path("recipe"), params={**asked, "cursor": wrong})
        expect_problem(answer, 400, "invalid-parameter", parameter="cursor")
    for other in ({}, {"folder_id": "home"}, {"folder_id": folder["id"], "q": "x"}):
        answer = http.get(path("recipe"), params={**other, "cursor": cursors[0]})
        expect_problem(answer, 400, "invalid-parameter", parameter="cursor")


@pytest.mark.parametrize(
    ("kind", "parameters", "wrong"),
    [
        ("recipe", {"nonsense": "1"}, "nonsense"),
        ("recipe", {"parent_id": "1"}, "parent_id"),
        ("property", {"folder_id": "1"}, "folder_id"),
        ("recipe", {"state": "connected"}, "state"),
        ("folder", {"state": "running"}, "state"),
        ("recipe", {"deleted": "1"}, "deleted"),
        ("recipe", {"limit": "0"}, "limit"),
        ("recipe", {"limit": "1001"}, "limit"),
        ("recipe", {"limit": "ten"}, "limit"),
        ("recipe", {"q": ["a", "b"]}, "q"),
    ],
)
def test_a_parameter_that_is_wrong_is_named(
    http: httpx.Client, kind: str, parameters: dict[str, Any], wrong: str
) -> None:
    answer = http.get(path(kind), params=parameters)
    expect_problem(answer, 400, "invalid-parameter", parameter=wrong)


def test_a_listing_is_of_a_folder_a_state_or_a_part_of_the_name(http: httpx.Client) -> None:
    folder = make(http, "folder")
    inside = make(http, "recipe", "Needle (1)", folder_id=folder["id"])
    outside = make(http, "recipe", "Needle (2)")
    ok(http.post(path("recipe", outside["id"], "start")))

    def ids(**asked: str) -> list[str]:
        data = ok(http.get(path("recipe"), params={"limit": 1_000, **asked}))["data"]
        return [one["id"] for one in data]

    assert ids(folder_id=folder["id"]) == [inside["id"]]
    assert outside["id"] in ids(folder_id="home")
    assert inside["id"] not in ids(folder_id="home")
    assert ids(q="needle") == [inside["id"], outside["id"]]
    assert ids(q="needle", state="running") == [outside["id"]]
    expect_problem(http.get(path("recipe"), params={"folder_id": "77777"}), 404, "not-found")


def test_versions_are_paged(http: httpx.Client) -> None:
    recipe = make(http, "recipe")
    here = path("recipe", recipe["id"])
    for number in range(4):
        ok(http.patch(here, json={"description": str(number)}))
    first = ok(http.get(f"{here}/versions", params={"limit": 3}))
    rest = ok(http.get(f"{here}/versions", params={"limit": 3, "cursor": first["next_cursor"]}))
    assert [one["version"] for one in first["data"] + rest["data"]] == [5, 4, 3, 2, 1]
    assert rest["next_cursor"] is None
    expect_problem(http.get(f"{here}/versions/9"), 404, "not-found")


# --- Secrets


def test_secrets_come_in_but_never_out(http: httpx.Client) -> None:
    connection = make(http, "connection", credentials={"password": "hunter2-secret"})
    assert "credentials" not in connection
    assert connection["secrets"] == ["credentials"]
    prop = make(http, "property", value="hunter2-secret", secret=True)
    assert "value" not in prop
    assert prop["secrets"] == ["value"]
    assert make(http, "property", value="open")["value"] == "open"
    everything = [
        http.get(path("connection")),
        http.get(path("property")),
        http.get(path("connection", connection["id"], "versions", "1")),
        http.get("/api/v1/activities", params={"limit": 1_000}),
    ]
    assert all("hunter2" not in answer.text for answer in everything)


def test_a_token_is_in_the_answers_that_make_it_only(http: httpx.Client) -> None:
    profile = make(http, "access_profile")
    here = path("access_profile", profile["id"])
    assert "token" not in ok(http.get(here))
    fresh = ok(http.post(f"{here}/refresh-token"))["token"]
    assert fresh.startswith("ap_")
    assert fresh != profile["token"]
    assert [one["action"] for one in log_of(http, profile["id"])] == [
        "access_profile.created",
        "access_profile.token_refreshed",
    ]


# --- Who may


@pytest.fixture(scope="module")
def reader(shared_site: Site) -> Iterator[httpx.Client]:
    """A client that may read the log, and nothing else."""
    with shared_site.http(shared_site.new_token("activities:read", name="Reader")) as client:
        yield client


def test_who_may_only_read_the_log_may_not_see_or_change_assets(
    http: httpx.Client, reader: httpx.Client
) -> None:
    recipe = make(http, "recipe")
    here = path("recipe", recipe["id"])
    for kind in KINDS.values():
        expect_problem(reader.get(f"/api/v1/{kind.path}"), 403, "forbidden")
    for answer in (
        reader.get(here),
        reader.post(path("recipe"), json={"name": "X"}),
        reader.patch(here, json={"name": "X"}),
        reader.delete(here),
        reader.post(f"{here}/start"),
        reader.get(f"{here}/versions"),
        reader.get("/api/recipes"),
        reader.put(f"/api/recipes/{recipe['id']}/start"),
    ):
        expect_problem(answer, 403, "forbidden")
    asked = {"action": "access.denied", "actor": "Reader", "target": f"{here}/start"}
    (denial,) = ok(http.get("/api/v1/activities", params=asked))["data"]
    assert denial["outcome"] == "failure"
    assert len(log_of(http, recipe["id"])) == 1


def test_without_a_token_there_is_nothing(shared_site: Site) -> None:
    with httpx.Client(base_url=shared_site.base_url, verify=False) as nobody:
        for address in (path("recipe"), path("folder", "10001"), "/api/recipes", "/api/users/me"):
            expect_problem(nobody.get(address), 401, "unauthorized")


def test_what_belongs_to_another_workspace_is_not_there_and_the_try_is_on_record(
    shared_site: Site, http: httpx.Client
) -> None:
    other = shared_site.add_workspace("Beta", "olga@example.com")
    recipe = make(http, "recipe")
    with other.http() as olga:
        for _ in range(3):
            make(olga, "property")
        folder = make(http, "folder")
        here = path("recipe", recipe["id"])
        for answer in (
            olga.get(here),
            olga.patch(here, json={"name": "X"}),
            olga.delete(here),
            olga.post(f"{here}/start"),
            olga.get(f"{here}/versions"),
            olga.get(path("recipe"), params={"folder_id": folder["id"]}),
            olga.put(f"/api/recipes/{recipe['id']}/start"),
        ):
            expect_problem(answer, 404, "not-found")
        answer = olga.post(path("recipe"), json={"name": "X", "folder_id": folder["id"]})
        expect_problem(answer, 422, "invalid-input", pointer="/folder_id")
        answer = olga.post(
            path("api_endpoint"),
            json={"name": "X", "parent_id": make(http, "api_collection")["id"]},
        )
        expect_problem(answer, 422, "invalid-input", pointer="/parent_id")
        denials = ok(olga.get("/api/v1/activities", params={"action": "access.denied"}))["data"]
        assert len([one for one in denials if one["targets"][0]["id"].startswith(here)]) >= 3
    assert len(log_of(http, recipe["id"])) == 1


# --- The description


def test_the_description_has_every_route_with_its_bodies(http: httpx.Client) -> None:
    described = ok(http.get("/api/openapi.json"))["paths"]
    for kind in KINDS.values():
        assert "get" in described[path(kind.name)]
        for name in kind.operations:
            if name in ("export", "import"):
                continue
            at, method = {
                "create": (path(kind.name), "post"),
                "update": (path(kind.name, "{id}"), "patch"),
                "delete": (path(kind.name, "{id}"), "delete"),
            }.get(name, (path(kind.name, "{id}", name), "post"))
            assert method in described[at]
    body = described[path("recipe")]["post"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    assert body["required"] is True
    assert schema["required"] == ["name"]
    assert {"folder_id", "code", "uses"} <= set(schema["properties"])
