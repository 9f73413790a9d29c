"""Who may see and do what on the pages of assets, and whose assets they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import update
from tests.account.forms import Browser
from tests.account.world import Person, World, open_world
from tests.assets.page_forms import form_to, make, send
from tests.conftest import Site

from trailkeeper.assets.kinds import KINDS
from trailkeeper.installation import opened
from trailkeeper.ledger.schema import workspace
from trailkeeper.web.assets.places import PLACES
from trailkeeper.web.assets.routes import ROUTES

FAR = 900_001
"""The first id of the other workspace: one that ours does not get to."""

MADE_BY_HAND = [place for place in PLACES.values() if place.create]


@pytest.fixture(scope="module")
def world(shared_site: Site) -> Iterator[World]:
    made = open_world(shared_site)
    yield made
    made.close()


@pytest.fixture(scope="module")
def operator(world: World) -> Person:
    return world.person("Operator")


def denials(world: World, person: Person) -> int:
    return len([one for one in world.found("access.denied") if one["actor"]["name"] == person.name])


def someone_with(world: World, *privileges: str) -> Person:
    _, role = world.role(*privileges)
    return world.person(role)


def test_an_operator_sees_and_runs_recipes_and_changes_nothing(
    world: World, operator: Person
) -> None:
    id = make(world.owner, "recipe", "Operated")
    page = operator.get("/recipes").text
    assert "Operated" in page
    for control in ("Create a new recipe", "Create new folder", "Clone recipe", "Delete recipe"):
        assert control not in page
    page = operator.get(f"/recipes/{id}")
    assert "to change it you need the privilege" in page.text
    assert f"/recipes/{id}/activity" not in page.text
    assert send(operator, f"/recipes/{id}", f"/recipes/{id}/start").status_code == 303
    assert send(operator, f"/recipes/{id}", f"/recipes/{id}/stop").status_code == 303


def test_what_an_operator_may_not_do_is_refused_and_on_record(
    world: World, operator: Person
) -> None:
    id = make(world.owner, "recipe", "Guarded")
    refused = 0
    for path in ("", "/rename", "/move", "/copy", "/delete", "/restore", "/set-access-scope"):
        answer = operator.post(f"/recipes/{id}{path}", name="Mine", page="/recipes")
        assert answer.status_code == 403, path
        assert "Edit" in answer.text or "Make, change and delete" in answer.text
        refused += 1
    for path in (f"/recipes/{id}/activity", "/recipes/new", "/api-platform/clients", "/lifecycle"):
        assert operator.get(path).status_code == 403, path
        refused += 1
    assert denials(world, operator) == refused
    assert "Guarded" in world.owner.get(f"/recipes/{id}").text


def test_the_navigation_has_what_one_may_see(world: World, operator: Person) -> None:
    shown = re.findall(r'<a href="(/[^"]+)"', operator.get("/recipes").text)
    assert {"/recipes", "/connections", "/tools/properties"} <= set(shown)
    assert not {"/audit", "/api-platform/clients", "/lifecycle", "/team"} & set(shown)
    owner = world.owner.get("/recipes").text
    for path in ("/audit", "/tools/connectors", "/api-platform/policies", "/lifecycle", "/team"):
        assert f'href="{path}"' in owner


def test_fields_offer_only_assets_of_kinds_that_one_may_see(world: World) -> None:
    make(world.owner, "recipe", "Offered recipe")
    make(world.owner, "api_policy", "Offered policy")
    path = "/assets/choices?kinds=recipe,api_policy,folder,nonsense&text=offered"
    assert "Offered policy" in world.owner.get(path).text
    offered = someone_with(world, "recipes.view").get(path).text
    assert "Offered recipe" in offered
    assert "Offered policy" not in offered


def test_an_id_leads_to_the_asset_of_whatever_kind_if_one_may_see_it(
    world: World, operator: Person
) -> None:
    policy = make(world.owner, "api_policy", "Found by its id")
    answer = world.owner.get(f"/assets/{policy}")
    assert answer.headers["location"] == f"/api-platform/policies/{policy}"
    assert operator.get(f"/assets/{policy}").status_code == 404
    assert world.owner.get("/assets/none").status_code == 404


def test_a_viewer_of_the_log_alone_gets_no_links_to_assets(world: World) -> None:
    id = make(world.owner, "recipe", "Seen in the log")
    log = f"/audit?target=recipe:{id}"
    assert f'href="/recipes/{id}"' in world.owner.get(log).text
    auditor = someone_with(world, "activity_audit.view")
    assert "Seen in the log" in auditor.get(log).text
    assert f'href="/recipes/{id}"' not in auditor.get(log).text


def test_deleting_a_folder_needs_the_right_to_delete_all_that_is_in_it(world: World) -> None:
    folder = make(world.owner, "folder", "Mixed")
    make(world.owner, "connection", "In the folder", folder_id=folder)
    editor = someone_with(world, "recipes.view", "recipes.edit")
    answer = send(editor, f"/folders/{folder}/delete")
    assert answer.status_code == 403
    assert "connections.edit" in answer.text
    assert world.owner.get(f"/recipes?folder={folder}").status_code == 200


# --- Another workspace


@pytest.fixture(scope="module")
def strangers_assets(world: World) -> dict[str, str]:
    """The ids of assets of all kinds in a workspace that is not ours; ours has no such ids."""
    name, _ = world.other_workspace()
    with opened(world.site.data) as installation:
        by, registry = installation.workspaces.by_operator(name), installation.registry
        far = update(workspace).where(workspace.c.key == by.workspace).values(next_asset_id=FAR)
        installation.writer.run(lambda transaction: transaction.connection.execute(far))
        found: dict[str, str] = {}
        for place in MADE_BY_HAND:
            above = KINDS[place.kind].parent_kind
            parent = found[above] if above else None
            made = registry.create(by, place.kind, "Not yours", parent_id=parent)
            found[place.kind] = made.asset.id
    return found


def paths_of(kind: str, id: str) -> Iterator[tuple[str, str]]:
    """Method and path of every route for one asset of a kind."""
    for route in ROUTES:
        for path in route.paths:
            if path.startswith(f"{PLACES[kind].path}/{{id:str}}"):
                for method in route.http_methods & {"GET", "POST"}:
                    yield method, path.replace("{id:str}", id)


@pytest.mark.parametrize("kind", [place.kind for place in MADE_BY_HAND])
def test_another_workspaces_assets_are_not_there(
    world: World, strangers_assets: dict[str, str], kind: str
) -> None:
    routes = list(paths_of(kind, strangers_assets[kind]))
    assert len(routes) > 4
    csrf = form_to(world.owner.get("/teams"), "/logout").fields["csrf"][0]
    for method, path in routes:
        answer = world.owner.http.request(method, path, data={"csrf": csrf, "name": "Mine"})
        assert answer.status_code == 404, f"{method} {path}"
        assert "Not yours" not in answer.text


def test_another_workspaces_assets_are_neither_named_nor_taken(
    world: World, strangers_assets: dict[str, str]
) -> None:
    id = make(world.owner, "recipe", "Uses nothing strange")
    uses = f"connection:{strangers_assets['connection']}"
    page = send(world.owner, f"/recipes/{id}/connections", uses=[uses])
    assert page.status_code in (303, 422)
    assert "Not yours" not in world.owner.get(f"/recipes/{id}/connections").text
    moved = send(world.owner, f"/recipes/{id}/move", folder_id=strangers_assets["folder"])
    assert moved.status_code == 422
    assert "Not yours" not in world.owner.get("/assets/choices?kinds=connection,recipe").text


def test_forms_of_others_are_refused(world: World) -> None:
    id = make(world.owner, "recipe", "Not by others")
    browser: Browser = world.owner.browser
    for path, kind in ((f"/recipes/{id}/delete", "data"), ("/lifecycle/imports", "files")):
        sent = {kind: {"file": ("x.zip", b"x")}} if kind == "files" else {}
        assert browser.http.post(path, **sent).status_code == 403
        strange = {"Origin": "https://evil.example"}
        assert browser.http.post(path, headers=strange, **sent).status_code == 403
