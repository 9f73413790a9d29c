"""Starting, connecting, activating: what a state allows, and that each change is recorded once."""

from __future__ import annotations

import pytest
from tests.assets.desk import Desk, changes_in

from trailkeeper.assets.kinds import KINDS
from trailkeeper.errors import Conflict, NotFound

TRANSITIONS = [
    (kind.name, operation.name)
    for kind in KINDS.values()
    for operation in kind.operations.values()
    if operation.from_states and operation.to_state
]


@pytest.mark.parametrize(("kind", "operation"), TRANSITIONS)
def test_a_transition_changes_the_state_once_and_is_recorded(
    desk: Desk, kind: str, operation: str
) -> None:
    does = KINDS[kind].operations[operation]
    made = desk.make(kind)
    if made.state not in does.from_states:
        (first,) = [
            one
            for one in KINDS[kind].operations.values()
            if one.from_states == (made.state,) and one.to_state
        ]
        desk.registry.transition(desk.by, kind, made.id, first.name)
    desk.new()
    changed = desk.registry.transition(desk.by, kind, made.id, operation)
    assert changed.state == does.to_state
    record = desk.the_new_one()
    assert record.action == does.action
    assert changes_in(record)[0] == ("/state", does.from_states[0], does.to_state)
    with pytest.raises(Conflict):
        desk.registry.transition(desk.by, kind, made.id, operation)
    assert desk.new() == []
    assert desk.get(made) == changed


def test_the_reason_for_a_stop_is_recorded(desk: Desk) -> None:
    recipe = desk.make("recipe")
    desk.registry.transition(desk.by, "recipe", recipe.id, "start", reason="no place for it")
    assert "stop_reason" not in desk.log()[-1].details
    desk.registry.transition(desk.by, "recipe", recipe.id, "stop", reason=" Too many errors ")
    assert desk.log()[-1].details == {"stop_reason": "Too many errors"}


def test_a_running_recipe_is_neither_updated_nor_deleted_but_renamed_and_moved(
    desk: Desk,
) -> None:
    recipe = desk.make("recipe")
    desk.registry.transition(desk.by, "recipe", recipe.id, "start")
    desk.new()
    with pytest.raises(Conflict, match="must be stopped"):
        desk.registry.update(desk.by, "recipe", recipe.id, content={"description": "x"})
    with pytest.raises(Conflict):
        desk.registry.update(desk.by, "recipe", recipe.id, name="X", content={"description": "x"})
    with pytest.raises(Conflict):
        desk.registry.restore(desk.by, "recipe", recipe.id, 1)
    with pytest.raises(Conflict):
        desk.registry.delete(desk.by, "recipe", recipe.id)
    assert desk.new() == []
    desk.registry.rename(desk.by, "recipe", recipe.id, "Renamed")
    desk.registry.move(desk.by, "recipe", recipe.id, desk.make("folder").id)
    copy = desk.registry.copy(desk.by, "recipe", recipe.id)
    assert copy.state == "stopped"


def test_a_connected_connection_is_neither_updated_nor_deleted(desk: Desk) -> None:
    connection = desk.make("connection", provider="salesforce", identity="robin@example.com")
    told = {"provider": "salesforce", "identity": "robin@example.com"}
    assert desk.log()[-1].details["authorized"] is False
    desk.registry.transition(desk.by, "connection", connection.id, "connect")
    assert desk.log()[-1].details == {**told, "authorized": True}
    with pytest.raises(Conflict):
        desk.registry.update(desk.by, "connection", connection.id, content={"identity": "x"})
    with pytest.raises(Conflict):
        desk.registry.delete(desk.by, "connection", connection.id)
    desk.registry.transition(desk.by, "connection", connection.id, "disconnect")
    assert desk.log()[-1].details == {**told, "authorized": False}
    desk.registry.delete(desk.by, "connection", connection.id)


def test_a_release_is_of_the_latest_version_and_an_update_a_draft_again(desk: Desk) -> None:
    connector = desk.make("connector", source="one")
    desk.registry.update(desk.by, "connector", connector.id, content={"source": "two"})
    released = desk.registry.release(desk.by, "connector", connector.id)
    assert (released.state, released.version, released.content.released_version) == (
        "released", 2, 2,
    )  # fmt: skip
    assert desk.log()[-1].details == {"version": 2}
    draft = desk.registry.update(desk.by, "connector", connector.id, content={"source": "three"})
    assert (draft.state, draft.version, draft.content.released_version) == ("draft", 3, 2)
    assert ("/state", "released", "draft") in changes_in(desk.log()[-1])
    back = desk.registry.restore(desk.by, "connector", connector.id, 1)
    assert (back.content.source, back.content.released_version) == ("one", 2)


def test_who_may_see_a_recipe_is_recorded_when_it_changes(desk: Desk) -> None:
    recipe = desk.make("recipe")
    desk.new()
    assert desk.registry.set_access_scope(desk.by, "recipe", recipe.id, True).public
    record = desk.the_new_one()
    assert (record.details, changes_in(record)) == ({"public": True}, [("/public", False, True)])
    desk.registry.set_access_scope(desk.by, "recipe", recipe.id, True)
    assert desk.new() == []


def test_what_is_not_an_operation_of_the_kind_is_not_there(desk: Desk) -> None:
    recipe, topic, folder = desk.make("recipe"), desk.make("pubsub_topic"), desk.make("folder")
    connection = desk.make("connection")
    for attempt in (
        lambda: desk.registry.transition(desk.by, "recipe", recipe.id, "connect"),
        lambda: desk.registry.transition(desk.by, "recipe", recipe.id, "update"),
        lambda: desk.registry.transition(desk.by, "recipe", recipe.id, "rename"),
        lambda: desk.registry.delete(desk.by, "pubsub_topic", topic.id),
        lambda: desk.registry.copy(desk.by, "folder", folder.id),
        lambda: desk.registry.move(desk.by, "connection", connection.id, folder.id),
        lambda: desk.registry.create(desk.by, "package", "By hand"),
    ):
        with pytest.raises(NotFound, match=r"is not an operation of|does not take"):
            attempt()
