"""The pages of assets in a browser without scripts: every form, and what is wrong with it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest
from tests.account.world import World, open_world
from tests.assets.page_forms import form_to, make, send
from tests.conftest import Site

from trailkeeper.assets.kinds import KINDS
from trailkeeper.web.assets.places import PLACES

HOSTILE = "<img src=x onerror=alert(1)>&\"'\u00e9 =1+1 {{7*7}}"
SHOWN = "&lt;img src=x onerror=alert(1)&gt;&amp;&#34;&#39;é =1+1 {{7*7}}"
_numbers = itertools.count(1)
MADE_BY_HAND = [place for place in PLACES.values() if place.create]


@pytest.fixture(scope="module")
def world(shared_site: Site) -> Iterator[World]:
    made = open_world(shared_site)
    yield made
    made.close()


def parent_of(world: World, kind: str) -> dict[str, str]:
    """A parent for a kind that needs one."""
    above = KINDS[kind].parent_kind
    return {"parent": make(world.owner, above, f"Above {next(_numbers)}")} if above else {}


@pytest.fixture(scope="module")
def one_of_each(world: World) -> dict[str, str]:
    """The id of an asset of each kind that is made by hand, under a hostile name."""
    found: dict[str, str] = {}
    for place in MADE_BY_HAND:
        found[place.kind] = make(world.owner, place.kind, HOSTILE, **parent_of(world, place.kind))
    return found


# --- Every kind


@pytest.mark.parametrize("kind", [place.kind for place in MADE_BY_HAND])
def test_a_name_is_text_on_every_page_of_an_asset(
    world: World, one_of_each: dict[str, str], kind: str
) -> None:
    id, place = one_of_each[kind], PLACES[kind]
    slugs = ["", *(slug for slug, _ in place.tabs if slug), "versions", "activity"]
    slugs += [name for name in ("rename", "move", "copy", "delete") if name in place.of.operations]
    for slug in dict.fromkeys(slugs):
        page = world.owner.get(place.asset(id, slug) if slug else place.asset(id))
        if page.status_code == 303:
            page = world.owner.get(page.headers["location"])
        assert page.status_code == 200, f"{page.url}: {page.text}"
        assert SHOWN in page.text, page.url
        assert "<img src=x" not in page.text


@pytest.mark.parametrize("kind", [place.kind for place in MADE_BY_HAND])
def test_a_form_that_is_sent_as_it_is_changes_nothing(
    world: World, one_of_each: dict[str, str], kind: str
) -> None:
    place = PLACES[kind]
    for tab in place.forms or [place.edits]:
        if "update" not in place.of.operations:
            continue
        path = place.asset(one_of_each[kind], tab) if tab else place.asset(one_of_each[kind])
        answer = send(world.owner, path)
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"].endswith(f"done=same-{kind}")


@pytest.mark.parametrize("kind", [place.kind for place in MADE_BY_HAND])
def test_deleting_asks_first_and_can_be_taken_back(world: World, kind: str) -> None:
    place = PLACES[kind]
    id = make(world.owner, kind, f"Short-lived {kind}", **parent_of(world, kind))
    if "delete" not in place.of.operations:
        assert world.owner.get(place.asset(id, "delete")).status_code == 404
        return
    asked = world.owner.get(place.asset(id, "delete"))
    assert "30 days" in asked.text
    answer = world.owner.http.post(
        place.asset(id, "delete"), data=form_to(asked, place.asset(id, "delete")).fields
    )
    assert answer.status_code == 303, answer.text
    assert f"gone={kind}%3A{id}" in answer.headers["location"]
    there = world.owner.get(answer.headers["location"])
    assert f'href="{place.asset(id)}"' in there.text, "the page offers to bring it back"
    gone = world.owner.get(place.asset(id))
    assert gone.status_code == 200
    assert "Undelete" in gone.text
    assert 'name="revision"' not in gone.text, "there is nothing to save"
    back = send(world.owner, place.asset(id), place.asset(id, "undelete"))
    assert back.status_code == 303, back.text
    assert "done=undelete" in back.headers["location"]
    assert world.api("/api/v1/activities?action=asset.undeleted")[0]["targets"][0]["id"] == id


@pytest.mark.parametrize("place", MADE_BY_HAND, ids=lambda place: place.kind)
def test_an_empty_name_is_refused_beside_the_field(world: World, place: object) -> None:
    assert isinstance(place, type(MADE_BY_HAND[0]))
    asked = parent_of(world, place.kind)
    query = f"?parent={asked['parent']}" if asked else ""
    answer = send(world.owner, f"{place.path}/new{query}", name=" ")
    assert answer.status_code == 422
    assert re.search(r'id="error-name">Must have 1 to 200', answer.text)


def test_a_name_that_is_taken_is_refused_and_what_was_filled_in_stays(world: World) -> None:
    make(world.owner, "connection", "Taken", provider="salesforce")
    answer = send(world.owner, "/connections/new", name="taken", provider="netsuite")
    assert answer.status_code == 409
    assert 'value="netsuite"' in answer.text
    assert "Is the name of another one here" in answer.text


# --- Recipes


def test_wrong_json_is_told_with_its_place_and_the_text_stays(world: World) -> None:
    id = make(world.owner, "recipe", "With code")
    answer = send(world.owner, f"/recipes/{id}", code='{"steps": [1, }')
    assert answer.status_code == 422
    assert "Is not valid JSON" in answer.text
    assert "line 1 column 15" in answer.text
    assert "{&#34;steps&#34;: [1, }" in answer.text
    assert "Must be a JSON object" in send(world.owner, f"/recipes/{id}", code="[1]").text
    assert "stands twice" in send(world.owner, f"/recipes/{id}", code='{"a":1,"a":2}').text


def test_a_form_that_is_out_of_date_overwrites_nothing(world: World) -> None:
    id = make(world.owner, "recipe", "Two at once")
    late = form_to(world.owner.get(f"/recipes/{id}"), f"/recipes/{id}")
    assert send(world.owner, f"/recipes/{id}", code='{"by": "first"}').status_code == 303
    answer = world.owner.http.post(late.action, data=late.with_(code='{"by": "second"}'))
    assert answer.status_code == 412
    assert "changed meanwhile" in answer.text
    assert "second" in answer.text, "what was filled in is kept on the page"
    assert "first" in world.owner.get(f"/recipes/{id}").text


def test_a_running_recipe_is_read_only_until_it_is_stopped(world: World) -> None:
    id = make(world.owner, "recipe", "Runs")
    page = send(world.owner, f"/recipes/{id}", f"/recipes/{id}/start")
    assert page.headers["location"] == f"/recipes/{id}?done=start-recipe"
    page = world.owner.get(f"/recipes/{id}")
    assert "changed only while it is stopped" in page.text
    assert 'name="revision"' not in page.text, "there is nothing to save"
    asked = world.owner.get(f"/recipes/{id}/delete")
    assert "only be deleted while it is stopped" in asked.text
    assert "Delete recipe</button>" not in asked.text
    assert world.owner.post(f"/recipes/{id}/start").status_code == 409
    assert send(world.owner, f"/recipes/{id}", f"/recipes/{id}/stop").status_code == 303


def test_versions_are_compared_and_an_earlier_one_is_restored(world: World) -> None:
    id = make(world.owner, "recipe", "History")
    for poll in ("5m", "1m"):
        send(world.owner, f"/recipes/{id}", code=f'{{"poll": "{poll}", "id": 1}}')
    page = world.owner.get(f"/recipes/{id}/versions?from=2&to=3")
    assert re.search(r"/code/poll.*<del>5m</del>.*<ins>1m</ins>", page.text, re.DOTALL)
    assert "5m" in world.owner.get(f"/recipes/{id}/versions?version=2").text
    restore = next(
        form for form in form_to_all(page.text, f"/recipes/{id}/restore") if 'value="2"' in form
    )
    assert "Restore version 2?" in restore
    answer = send(world.owner, f"/recipes/{id}/versions", f"/recipes/{id}/restore", version="2")
    assert "done=restored" in answer.headers["location"]
    assert "&#34;5m&#34;" in world.owner.get(f"/recipes/{id}").text
    assert "Version 4" in world.owner.get(f"/recipes/{id}").text


def form_to_all(text: str, action: str) -> list[str]:
    return re.findall(rf'<form[^>]*action="{re.escape(action)}".*?</form>', text, re.DOTALL)


def test_a_recipe_is_made_public_by_its_switch(world: World) -> None:
    id = make(world.owner, "recipe", "Shared")
    path = f"/recipes/{id}/set-access-scope"
    answer = send(world.owner, f"/recipes/{id}/settings", path)
    assert "done=public" in answer.headers["location"]
    page = world.owner.get(f"/recipes/{id}/settings")
    assert 'aria-checked="true"' in page.text
    assert "done=private" in send(world.owner, f"/recipes/{id}/settings", path).headers["location"]


def test_where_a_form_goes_afterwards_is_always_a_page_of_this_site(world: World) -> None:
    id = make(world.owner, "recipe", "Stays here")
    for back in (
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
    ):
        page = world.owner.http.get(f"/recipes/{id}/rename", params={"back": back})
        assert "evil" not in page.text
        answer = send(
            world.owner, f"/recipes/{id}/rename", name=f"Named {next(_numbers)}", back=back
        )
        assert answer.headers["location"] == f"/recipes/{id}?done=rename-recipe"


def test_a_folder_says_what_goes_with_it_and_takes_it_along(world: World) -> None:
    outer = make(world.owner, "folder", "Outer")
    inner = make(world.owner, "folder", "Inner", folder=outer)
    recipe = make(world.owner, "recipe", "In it", folder=inner)
    assert (
        "With it go 1 asset and 1 folder in it" in world.owner.get(f"/folders/{outer}/delete").text
    )
    page = world.owner.get(f"/recipes?folder={outer}")
    assert "No recipes in this folder yet" in page.text
    assert "Inner" in page.text
    moved = send(world.owner, f"/folders/{outer}/move", folder_id=inner)
    assert moved.status_code == 409
    assert "cannot be moved into itself" in moved.text
    assert send(world.owner, f"/folders/{outer}/delete").status_code == 303
    assert "Deleted" in world.owner.get(f"/recipes/{recipe}").text
    assert world.owner.get(f"/recipes?folder={outer}").status_code == 404


def test_search_and_state_find_recipes_in_a_folder_and_everywhere(world: World) -> None:
    folder = make(world.owner, "folder", "Searched")
    make(world.owner, "recipe", "Needle one", folder=folder)
    make(world.owner, "recipe", "Needle two")
    here = world.owner.get(f"/recipes?folder={folder}&q=needle").text
    assert "Needle one" in here
    assert "Needle two" not in here
    everywhere = world.owner.get("/recipes?in=all&q=NEEDLE").text
    assert "Needle one" in everywhere
    assert "Needle two" in everywhere
    assert "No recipe matches" in world.owner.get("/recipes?in=all&q=needle&state=running").text


# --- Secrets


def test_secrets_are_written_and_never_shown(world: World) -> None:
    id = make(
        world.owner,
        "connection",
        "Secretive",
        credentials__name=["client_id", "client_secret", ""],
        credentials__value=["top-secret-1", "top-secret-2", ""],
    )
    page = world.owner.get(f"/connections/{id}")
    assert "top-secret" not in page.text
    assert re.search(r"Credentials.*is-set.*Set", page.text, re.DOTALL)
    changed = send(world.owner, f"/connections/{id}", provider="salesforce")
    assert changed.status_code == 303, changed.text
    assert "is-set" in world.owner.get(f"/connections/{id}").text, "what is left empty is kept"
    send(world.owner, f"/connections/{id}", credentials__none=["1"])
    assert "is-set" not in world.owner.get(f"/connections/{id}").text


def test_a_secret_property_is_kept_unless_another_value_is_given(world: World) -> None:
    id = make(world.owner, "property", "token", value="hush-hush", secret="1")
    path = f"/tools/properties/{id}"
    assert "hush-hush" not in world.owner.get(path).text
    assert "hush-hush" not in world.owner.get("/tools/properties").text
    assert send(world.owner, path, description="For the shop").status_code == 303
    assert "Empty keeps the one that is set" in world.owner.get(path).text
    opened = send(world.owner, path, secret=[])
    assert opened.status_code == 422
    assert "Must be given again" in opened.text


def test_a_token_is_shown_once(world: World) -> None:
    customer = make(world.owner, "api_customer", "Globex")
    made = send(world.owner, f"/api-platform/access-profiles/new?parent={customer}", name="Live")
    found = re.search(r'id="fresh-key">(ap_[\w-]+)<', made.text)
    assert found, made.text
    profile = re.search(r"/api-platform/access-profiles/(\d+)", made.text)
    assert profile
    page = world.owner.get(f"/api-platform/access-profiles/{profile[1]}")
    assert found[1] not in page.text
    fresh = send(world.owner, f"/api-platform/access-profiles/{profile[1]}/refresh-token")
    again = re.search(r'id="fresh-key">(ap_[\w-]+)<', fresh.text)
    assert again
    assert again[1] != found[1]


def test_an_endpoint_has_a_switch_and_stands_in_its_collection(world: World) -> None:
    collection = make(world.owner, "api_collection", "Shop API")
    id = make(world.owner, "api_endpoint", "Get order", parent=collection, path="/orders")
    path = f"/api-platform/endpoints/{id}"
    assert "Get order" in world.owner.get(f"/api-platform/collections/{collection}").text
    assert 'role="switch" aria-checked="false"' in world.owner.get(path).text
    assert send(world.owner, path, f"{path}/activate").status_code == 303
    assert 'role="switch" aria-checked="true"' in world.owner.get(path).text
    wrong = send(world.owner, path, recipe_id=["999"])
    assert wrong.status_code == 422
    assert "not found" in wrong.text
