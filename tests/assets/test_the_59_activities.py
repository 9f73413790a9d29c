"""Each activity of assets, done over HTTP and found through the API and on the Audit page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.account.world import World, open_world
from tests.assets.deeds import PAGE, Deed, deeds, make, page
from tests.conftest import Site

from trailkeeper.assets.kinds import KINDS
from trailkeeper.catalogue import catalogue

LOG = "/api/v1/activities"
DEEDS = deeds()
EACH = pytest.mark.parametrize("deed", DEEDS, ids=lambda one: one.name)


@pytest.fixture(scope="module")
def world(shared_site: Site) -> Iterator[World]:
    made = open_world(shared_site)
    yield made
    made.close()


@pytest.fixture(scope="module")
def http(shared_site: Site) -> Iterator[httpx.Client]:
    with shared_site.http() as made:
        yield made


@pytest.fixture(scope="module")
def reader(shared_site: Site) -> Iterator[httpx.Client]:
    """Who may read the log, and nothing else."""
    with shared_site.http(shared_site.new_token("activities:read", name="reader")) as made:
        yield made


def found(http: httpx.Client, **asked: str) -> list[dict[str, Any]]:
    return http.get(LOG, params={**asked, "limit": "1000"}).raise_for_status().json()["data"]


def test_there_is_one_for_each_of_the_59() -> None:
    wanted = [
        spec.action
        for category in catalogue().categories
        if not category.own and category.name not in ("Account", "Team")
        for spec in category.actions
    ]
    assert len(wanted) == 59
    assert sorted(deed.action for deed in DEEDS) == sorted(wanted)


@EACH
def test_done_by_its_call_it_is_in_the_log_once(
    deed: Deed, http: httpx.Client, world: World
) -> None:
    expected = deed.do(http)
    target = f"{expected.type}:{expected.id}"
    of_it = [
        one
        for one in found(http, action=deed.action, target=target)
        if one["targets"][0]["id"] == expected.id
    ]
    assert len(of_it) == 1
    activity = of_it[0]
    assert activity["actor"]["type"] == "api_client"
    assert activity["actor"]["name"] == "tests"
    assert [one["name"] for one in activity["targets"]][: len(expected.targets)] == expected.targets
    assert activity["outcome"] == "success"
    assert activity["context"]["source"] == "trailkeeper"
    assert activity["context"]["ip_address"] == "127.0.0.1"
    details = activity.get("details") or {}
    assert {name: details.get(name) for name in expected.details} == expected.details
    fields = [change["field"] for change in activity.get("changes") or []]
    assert set(expected.changes) <= set(fields)

    shown = world.owner.get(f"/audit?open={activity['id']}&action={deed.action}")
    assert shown.status_code == 200
    text = unescape(re.sub(r"<[^>]+>", "", shown.text))
    assert expected.targets[0] in text
    assert catalogue().label_of(deed.action) in text


@EACH
def test_refused_it_is_not_recorded_as_done(
    deed: Deed, http: httpx.Client, reader: httpx.Client
) -> None:
    kind = KINDS["folder"] if deed.operation in ("create", "import") else deed.kind
    id = "" if kind.name == "package" else make(http, kind)["id"]
    method, _, path = deed.call.partition(" ")
    before = len(found(http, action=deed.action))
    refused = reader.request(method, path.replace("{id}", id), json={"name": "x"})
    assert refused.status_code == 403, refused.text
    assert len(found(http, action=deed.action)) == before
    denied = found(http, action="access.denied")
    assert denied[0]["actor"]["name"] == "reader"


def test_the_page_is_up_to_date() -> None:
    assert (Path(__file__).parents[2] / PAGE).read_text() == page(), "run `make docs`"
