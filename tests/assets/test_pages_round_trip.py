"""A form shows all of an asset's content, so that sending it unchanged changes nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from tests.account.world import World, open_world
from tests.assets.page_forms import send
from tests.conftest import Site

from trailkeeper.assets.kinds import KINDS
from trailkeeper.assets.records import plain
from trailkeeper.installation import opened
from trailkeeper.web.assets.fields import fields_of
from trailkeeper.web.assets.forms import names_in
from trailkeeper.web.assets.places import PLACES

_numbers = itertools.count(1)
TEXT = 'Two\nlines, <b>"quoted"</b> & a tab\t, é \u202e\u200b 🎉 {{ x }}'
DEEP = {"a": [{"b": {"c": [1, 2.5, None, True, "\u202e\u0007"]}}], "é": {}, "": [], "big": 2**60}
CONTENT: dict[str, dict[str, Any]] = {
    "recipe": {"code": DEEP, "uses": [{"kind": "connection", "id": "$connection"}]},
    "connection": {
        "provider": "salesforce",
        "identity": "a@b.example",
        "settings": DEEP,
        "credentials": {"token": "x"},
    },
    "manifest": {"folder_id": "$folder", "assets": [{"kind": "recipe", "id": "$recipe"}]},
    "connector": {"source": "\n  leading blank line\n\ttabs\n\n"},
    "common_data_model": {"schema": {"type": "object", "properties": {"a": {"const": DEEP}}}},
    "lookup_table": {
        "columns": [{"name": "A"}, {"name": "B", "type": "date"}],
        "rows": [["x", "2026-01-02"], ["", ""]],
    },
    "message_template": {
        "subject": "Hello {{ name }}",
        "body": "\n\nBody\n  {% if a %}x{% endif %}\n",
    },
    "property": {"value": TEXT},
    "pubsub_topic": {"schema": {"type": "object", "title": "é"}},
    "api_collection": {"api_version": "v1", "base_path": "/shop"},
    "api_endpoint": {"method": "DELETE", "path": "/orders/{id}", "recipe_id": "$recipe"},
    "api_customer": {"email": "api@globex.example"},
    "access_profile": {"collection_ids": ["$api_collection"], "policy_id": "$api_policy"},
    "api_policy": {
        "rate": {"requests": 60, "per": "second"},
        "quota": {"requests": 10**12, "per": "week"},
    },
}


@pytest.fixture(scope="module")
def world(shared_site: Site) -> Iterator[World]:
    made = open_world(shared_site)
    yield made
    made.close()


def full(world: World, kind: str) -> str:
    """An asset of the kind with something in every field; made beside the server."""
    with opened(world.site.data) as here:
        by = here.workspaces.by_operator("Acme")

        def make(kind: str) -> str:
            above = KINDS[kind].parent_kind
            content = {"description": TEXT, **CONTENT.get(kind, {})} if kind != "folder" else {}
            made = here.registry.create(
                by,
                kind,
                f"Full {kind} {next(_numbers)}",
                parent_id=make(above) if above else None,
                content=filled(content),
            )
            return made.asset.id

        def filled(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: filled(one) for name, one in value.items()}
            if isinstance(value, list):
                return [filled(one) for one in value]
            return make(value[1:]) if isinstance(value, str) and value[:1] == "$" else value

        return make(kind)


def content_of(world: World, kind: str, id: str) -> dict[str, Any]:
    with opened(world.site.data) as here:
        workspace = here.workspaces.find("Acme")
        return plain(here.registry.get(workspace, kind, id).content)


@pytest.mark.parametrize("kind", list(CONTENT))
def test_a_form_that_is_sent_as_it_is_keeps_all_of_the_content(world: World, kind: str) -> None:
    place, id = PLACES[kind], full(world, kind)
    before = content_of(world, kind, id)
    for tab in place.forms or [place.edits]:
        answer = send(world.owner, place.asset(id, tab) if tab else place.asset(id))
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"].endswith(f"done=same-{kind}"), tab
    assert content_of(world, kind, id) == before


@pytest.mark.parametrize("kind", list(CONTENT))
def test_every_field_stands_on_a_form_of_its_kind(kind: str) -> None:
    place = PLACES[kind]
    on_forms = {name for tab in place.forms or [place.edits] for name in names_in(place, tab)}
    elsewhere = {"rows"} if kind == "lookup_table" else set()
    assert on_forms | elsewhere == set(fields_of(kind))
