"""Deleting, what goes with it, what it is refused for, and bringing back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from tests.assets.desk import Desk

from trailkeeper.assets import changes
from trailkeeper.errors import Conflict, Forbidden, NotFound


def test_a_deleted_asset_is_gone_but_keeps_its_name_and_last_version(desk: Desk) -> None:
    folder = desk.make("folder", "ERP")
    recipe = desk.make("recipe", "Sync", folder_id=folder.id, code={"a": 1})
    desk.new()
    assert [one.id for one in desk.registry.delete(desk.by, "recipe", recipe.id)] == [recipe.id]
    record = desk.the_new_one()
    assert record.details == {"folder_id": folder.id, "folder": "Home/ERP"}
    with pytest.raises(NotFound):
        desk.registry.get(desk.workspace, "recipe", recipe.id)
    gone = desk.registry.find(desk.workspace, recipe.id)
    assert gone
    assert (gone.name, gone.content.code) == ("Sync", {"a": 1})
    assert gone.deleted_at
    for attempt in (
        lambda: desk.registry.delete(desk.by, "recipe", recipe.id),
        lambda: desk.registry.rename(desk.by, "recipe", recipe.id, "X"),
        lambda: desk.registry.transition(desk.by, "recipe", recipe.id, "start"),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert desk.new() == []


def test_a_folder_with_something_in_it_is_deleted_only_with_all_of_it(desk: Desk) -> None:
    outer = desk.make("folder", "Outer")
    inner = desk.make("folder", "Inner", folder_id=outer.id)
    recipe = desk.make("recipe", "R", folder_id=inner.id)
    connection = desk.make("connection", "C", folder_id=outer.id)
    desk.new()
    with pytest.raises(Conflict, match="is not empty"):
        desk.registry.delete(desk.by, "folder", outer.id)
    gone = desk.registry.delete(desk.by, "folder", outer.id, recursive=True)
    assert [one.id for one in gone] == [recipe.id, inner.id, connection.id, outer.id]
    records = desk.new()
    assert [(one.action, one.targets[0].name) for one in records] == [
        ("recipe.deleted", "R"),
        ("folder.deleted", "Inner"),
        ("connection.deleted", "C"),
        ("folder.deleted", "Outer"),
    ]
    assert records[0].details["folder"] == "Home/Outer/Inner"
    assert records[1].details["path"] == "Home/Outer/Inner"
    assert desk.registry.folders(desk.workspace) == []


def test_a_folder_is_not_deleted_with_something_that_runs_in_it(desk: Desk) -> None:
    outer = desk.make("folder")
    inner = desk.make("folder", folder_id=outer.id)
    idle = desk.make("recipe", folder_id=outer.id)
    recipe = desk.make("recipe", folder_id=inner.id)
    desk.registry.transition(desk.by, "recipe", recipe.id, "start")
    desk.new()
    with pytest.raises(Conflict, match="is running"):
        desk.registry.delete(desk.by, "folder", outer.id, recursive=True)
    assert desk.new() == []
    assert desk.get(idle).deleted_at is None


def test_only_so_many_are_deleted_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "DELETED_MAX", 2)
    folder = desk.make("folder")
    made = [desk.make("recipe", folder_id=folder.id) for _ in range(3)]
    with pytest.raises(Conflict, match="At most 2 assets"):
        desk.registry.delete(desk.by, "folder", folder.id, recursive=True)
    desk.registry.delete(desk.by, "recipe", made[0].id)
    assert len(desk.registry.delete(desk.by, "folder", folder.id, recursive=True)) == 3


def test_nobody_deletes_with_a_folder_what_they_may_not_delete_by_itself(desk: Desk) -> None:
    folder = desk.make("folder")
    connection = desk.make("connection", folder_id=folder.id)
    recipe = desk.make("recipe", folder_id=folder.id)
    desk.new()
    robin = desk.holding("recipes.view", "recipes.edit")
    with pytest.raises(Forbidden, match=r"`connections\.edit`"):
        desk.registry.delete(robin, "folder", folder.id, recursive=True)
    denial = desk.the_new_one()
    assert (denial.action, denial.outcome, denial.actor.name) == (
        "access.denied", "failure", "Robin",
    )  # fmt: skip
    assert desk.get(recipe).deleted_at is None
    assert desk.get(connection).deleted_at is None


def test_a_collection_takes_its_endpoints_with_it(desk: Desk) -> None:
    collection = desk.make("api_collection", "Shop")
    endpoints = [desk.make("api_endpoint", parent_id=collection.id) for _ in range(2)]
    desk.new()
    desk.registry.delete(desk.by, "api_collection", collection.id)
    records = desk.new()
    assert [one.action for one in records] == [
        "api_endpoint.deleted", "api_endpoint.deleted", "api_collection.deleted",
    ]  # fmt: skip
    assert {one.details.get("collection") for one in records[:2]} == {"Shop"}
    with pytest.raises(Conflict, match="belongs to what is deleted"):
        desk.registry.undelete(desk.by, "api_endpoint", endpoints[0].id)
    desk.registry.undelete(desk.by, "api_collection", collection.id)
    back = desk.registry.undelete(desk.by, "api_endpoint", endpoints[0].id)
    assert back.parent_id == collection.id


def test_a_policy_that_a_profile_has_stays(desk: Desk) -> None:
    policy = desk.make("api_policy")
    profile = desk.make("access_profile", "Reads", policy_id=policy.id)
    with pytest.raises(Conflict, match="in use by Access profile 'Reads'"):
        desk.registry.delete(desk.by, "api_policy", policy.id)
    desk.registry.delete(desk.by, "access_profile", profile.id)
    desk.registry.delete(desk.by, "api_policy", policy.id)
    with pytest.raises(Conflict, match="which is deleted"):
        desk.registry.undelete(desk.by, "access_profile", profile.id)
    desk.registry.undelete(desk.by, "api_policy", policy.id)
    desk.registry.undelete(desk.by, "access_profile", profile.id)


def test_a_recipe_that_an_active_endpoint_calls_stays(desk: Desk) -> None:
    folder = desk.make("folder")
    recipe = desk.make("recipe", folder_id=folder.id)
    endpoint = desk.make("api_endpoint", "List", recipe_id=recipe.id)
    desk.registry.transition(desk.by, "api_endpoint", endpoint.id, "activate")
    for kind, id in (("recipe", recipe.id), ("folder", folder.id)):
        with pytest.raises(Conflict, match="in use by API endpoint 'List'"):
            desk.registry.delete(desk.by, kind, id, recursive=True)
    desk.registry.transition(desk.by, "api_endpoint", endpoint.id, "deactivate")
    desk.registry.delete(desk.by, "folder", folder.id, recursive=True)
    with pytest.raises(Conflict, match="which is deleted"):
        desk.registry.transition(desk.by, "api_endpoint", endpoint.id, "activate")


def test_what_recipes_use_may_be_deleted(desk: Desk) -> None:
    connection = desk.make("connection")
    desk.make("recipe", uses=[{"kind": "connection", "id": connection.id}])
    desk.registry.delete(desk.by, "connection", connection.id)


# --- Bringing back


def test_an_asset_comes_back_where_it_was(desk: Desk) -> None:
    folder = desk.make("folder", "ERP")
    recipe = desk.make("recipe", folder_id=folder.id, code={"a": 1})
    desk.registry.delete(desk.by, "recipe", recipe.id)
    desk.new()
    back = desk.registry.undelete(desk.by, "recipe", recipe.id)
    assert (back.folder_id, back.content, back.version, back.deleted_at) == (
        folder.id, recipe.content, 1, None,
    )  # fmt: skip
    record = desk.the_new_one()
    assert record.action == "asset.undeleted"
    assert record.details == {
        "kind": "recipe",
        "state": "stopped",
        "folder_id": folder.id,
        "folder": "Home/ERP",
    }
    with pytest.raises(Conflict, match="is not deleted"):
        desk.registry.undelete(desk.by, "recipe", recipe.id)


def test_it_comes_back_to_the_root_if_its_folder_is_gone(desk: Desk) -> None:
    folder = desk.make("folder")
    recipe = desk.make("recipe", folder_id=folder.id)
    desk.registry.delete(desk.by, "folder", folder.id, recursive=True)
    assert desk.registry.undelete(desk.by, "recipe", recipe.id).folder_id is None
    assert desk.registry.undelete(desk.by, "folder", folder.id).id == folder.id


def test_it_does_not_come_back_in_the_way_of_another(desk: Desk) -> None:
    recipe = desk.make("recipe", "Sync")
    desk.registry.delete(desk.by, "recipe", recipe.id)
    desk.make("recipe", "SYNC")
    desk.new()
    with pytest.raises(Conflict, match="here already"):
        desk.registry.undelete(desk.by, "recipe", recipe.id)
    assert desk.new() == []


def test_it_comes_back_for_thirty_days(desk: Desk) -> None:
    recipe, other = desk.make("recipe"), desk.make("recipe")
    for one in (recipe, other):
        desk.registry.delete(desk.by, "recipe", one.id)
    now = datetime.now(UTC)
    with time_machine.travel(now + timedelta(days=29, hours=23), tick=False):
        desk.registry.undelete(desk.by, "recipe", recipe.id)
    with (
        time_machine.travel(now + timedelta(days=30, minutes=1), tick=False),
        pytest.raises(Conflict, match="more than 30 days ago"),
    ):
        desk.registry.undelete(desk.by, "recipe", other.id)
