"""Each account and team activity, done on its page and found on the Audit page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from tests.account.deeds import DEEDS, Deed, Expected
from tests.account.world import World, open_world
from tests.conftest import Site

from trailkeeper.catalogue import catalogue

FAILING = [one for one in DEEDS if one.fail]


@pytest.fixture(scope="module")
def world(shared_site: Site) -> Iterator[World]:
    made = open_world(shared_site)
    yield made
    made.close()


def test_every_activity_of_account_and_team_is_done_by_somebody() -> None:
    wanted = {spec.action for spec in catalogue().actions if spec.category in ("Account", "Team")}
    assert len(wanted) == 29
    assert {one.action for one in DEEDS} == wanted


@pytest.mark.parametrize("deed", DEEDS, ids=lambda one: one.name)
def test_done_on_its_page_it_is_found_on_the_audit_page(deed: Deed, world: World) -> None:
    before = {one["id"] for one in world.found(deed.action)}
    expected = deed.do(world)
    new = [one for one in world.found(deed.action) if one["id"] not in before]
    found: dict[str, Any] = _the_one(new, expected)
    assert found["actor"]["name"] == expected.actor
    assert found["targets"][0]["name"] == expected.target
    assert found["targets"][0]["type"] == expected.target_type
    assert found["outcome"] == expected.outcome
    assert expected.details.items() <= (found.get("details") or {}).items()
    changes = [(one["field"], one["old"], one["new"]) for one in found.get("changes") or []]
    assert len(changes) >= len(expected.changes)
    for have, wanted in zip(changes, expected.changes, strict=False):
        assert all(w is ... or h == w for h, w in zip(have, wanted, strict=True)), changes
    assert found["context"]["ip_address"] == "127.0.0.1"
    assert found["context"]["source"] == "trailkeeper"

    page = world.owner.get(f"/audit?open={found['id']}&action={deed.action}")
    assert page.status_code == 200
    text = unescape(re.sub(r"<[^>]+>", "", page.text))
    assert expected.actor in text
    assert catalogue().label_of(deed.action).split()[0] in text


@pytest.mark.parametrize("deed", FAILING, ids=lambda one: one.name)
def test_what_is_refused_is_not_recorded_as_done(deed: Deed, world: World) -> None:
    assert deed.fail
    before = _succeeded(world, deed.action)
    deed.fail(world)
    new = [one for one in _succeeded(world, deed.action) if one not in before]
    assert not new


def _succeeded(world: World, action: str) -> list[object]:
    return [one["id"] for one in world.found(action) if one["outcome"] == "success"]


def _the_one(new: list[dict[str, Any]], expected: Expected) -> dict[str, Any]:
    fitting = [
        one
        for one in new
        if one["actor"]["name"] == expected.actor and one["targets"][0]["name"] == expected.target
    ]
    assert fitting, f"none was recorded by {expected.actor} for {expected.target}: {new}"
    return fitting[0]
