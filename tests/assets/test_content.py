"""What assets hold: checked, versioned, compared."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET
from tests.assets.desk import Desk, changes_in, targets_in

from trailkeeper.assets.content import CONTENT_MAX_BYTES, ROWS_MAX
from trailkeeper.errors import Conflict, InvalidInput, NotFound, PreconditionFailed

WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("recipe", {"code": []}, "/code"),
    ("recipe", {"nonsense": 1}, "/nonsense"),
    ("recipe", {"uses": [{"kind": "recipe"}]}, "/uses/0/id"),
    ("recipe", {"code": {"big": "x" * CONTENT_MAX_BYTES}}, ""),
    ("property", {"value": 5}, "/value"),
    ("connector", {"released_version": 1}, "/released_version"),
    ("common_data_model", {"schema": {"type": "nonsense"}}, "/schema"),
    ("common_data_model", {"schema": {"$ref": "https://example.com/x"}}, "/schema"),
    ("pubsub_topic", {"schema": {"properties": {"a": {"pattern": "("}}}}, "/schema"),
    ("lookup_table", {"rows": [["x"]]}, "/rows/0"),
    ("lookup_table", {"columns": [{"name": "a"}, {"name": "A"}]}, "/columns/1/name"),
    ("lookup_table", {"columns": [{"name": "a", "type": "money"}]}, "/columns/0/type"),
    (
        "lookup_table",
        {"columns": [{"name": "n", "type": "integer"}], "rows": [["1"], ["one"]]},
        "/rows/1/0",
    ),
    (
        "lookup_table",
        {"columns": [{"name": "d", "type": "date"}], "rows": [["2026-02-30"]]},
        "/rows/0/0",
    ),
    ("lookup_table", {"rows": [[]] * (ROWS_MAX + 1)}, "/rows"),
    ("message_template", {"body": "{% for x in %}"}, "/body"),
    ("api_policy", {"rate": {"requests": 0}}, "/rate/requests"),
    ("api_policy", {"quota": {"requests": 5, "per": "year"}}, "/quota/per"),
    ("api_customer", {"email": "nobody"}, "/email"),
    ("api_collection", {"base_path": "shop"}, "/base_path"),
    ("manifest", {"folder_id": "77777"}, "/folder_id"),
]


@pytest.mark.parametrize(("kind", "content", "pointer"), WRONG)
def test_content_that_is_wrong_points_at_the_field(
    desk: Desk, kind: str, content: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        desk.make(kind, **content)
    assert refused.value.errors[0].pointer == pointer
    made = desk.make(kind)
    with pytest.raises(InvalidInput) as refused:
        desk.registry.update(desk.by, kind, made.id, content=content)
    assert refused.value.errors[0].pointer == pointer
    assert desk.get(made) == made


def test_content_is_nested_to_a_depth_that_the_log_can_tell(desk: Desk) -> None:
    def nested(levels: int) -> Any:
        value: Any = 1
        for _ in range(levels):
            value = {"a": [value]}
        return value

    desk.make("recipe", code=nested(14))
    with pytest.raises(InvalidInput, match="nested deeper") as refused:
        desk.make("recipe", code=nested(15))
    assert refused.value.errors[0].pointer == "/code"
    with pytest.raises(InvalidInput, match="nested deeper"):
        desk.make("recipe", code=nested(5_000))


def test_an_update_replaces_the_fields_it_gives_and_tells_what_changed(desk: Desk) -> None:
    steps = [{"as": "a", "in": {"x": 1}}, {"as": "b"}]
    recipe = desk.make("recipe", description="Old", code={"steps": steps})
    desk.new()
    changed = desk.registry.update(
        desk.by,
        "recipe",
        recipe.id,
        content={"code": {"steps": [{"as": "new"}, {"as": "a", "in": {"x": 2}}]}},
    )
    assert (changed.version, changed.revision, changed.content.description) == (2, 2, "Old")
    record = desk.the_new_one()
    assert record.details == {"version": 2}
    assert changes_in(record) == [
        ("/code/steps/0", UNSET, {"as": "new"}),
        ("/code/steps/1/in/x", 1, 2),
        ("/code/steps/2", {"as": "b"}, UNSET),
    ]


def test_an_update_that_changes_nothing_is_none(desk: Desk) -> None:
    recipe = desk.make("recipe", code={"a": 1})
    desk.new()
    for given in ({"code": {"a": 1}}, {}, {"description": ""}):
        assert desk.registry.update(desk.by, "recipe", recipe.id, content=given) == recipe
    assert desk.registry.update(desk.by, "recipe", recipe.id, name=recipe.name) == recipe
    assert desk.new() == []


def test_a_name_and_content_together_are_a_rename_and_an_update(desk: Desk) -> None:
    recipe = desk.make("recipe")
    desk.new()
    desk.registry.update(desk.by, "recipe", recipe.id, name="New", content={"description": "x"})
    assert [one.action for one in desk.new()] == ["recipe.renamed", "recipe.updated"]


def test_a_kind_that_cannot_be_renamed_has_its_name_updated(desk: Desk) -> None:
    topic = desk.make("pubsub_topic", "Orders")
    desk.registry.update(desk.by, "pubsub_topic", topic.id, name="All orders")
    record = desk.log()[-1]
    assert (record.action, changes_in(record)) == (
        "pubsub_topic.updated",
        [("/name", "Orders", "All orders")],
    )


def test_a_folder_keeps_what_was_said_of_it(desk: Desk) -> None:
    folder = desk.make("folder", description="All of it")
    with pytest.raises(InvalidInput) as refused:
        desk.registry.update(desk.by, "folder", folder.id, content={"description": "x"})
    assert refused.value.errors[0].pointer == "/description"
    assert desk.registry.update(desk.by, "folder", folder.id, name="X").name == "X"


def test_every_version_is_kept_with_its_author(desk: Desk) -> None:
    recipe = desk.make("recipe", "One", code={"v": 1})
    desk.registry.update(desk.by, "recipe", recipe.id, content={"code": {"v": 2}})
    desk.registry.rename(desk.by, "recipe", recipe.id, "Two")
    desk.registry.transition(desk.by, "recipe", recipe.id, "start")
    desk.registry.transition(desk.by, "recipe", recipe.id, "stop")
    versions = desk.registry.versions(desk.workspace, "recipe", recipe.id)
    assert [(one.version, one.name, one.author_name) for one in versions] == [
        (3, "Two", "Command line"),
        (2, "One", "Command line"),
        (1, "One", "Command line"),
    ]
    assert desk.registry.version(desk.workspace, "recipe", recipe.id, 1).content.code == {"v": 1}
    older = desk.registry.versions(desk.workspace, "recipe", recipe.id, before=3, limit=1)
    assert [one.version for one in older] == [2]
    for number in (0, 4):
        with pytest.raises(NotFound):
            desk.registry.version(desk.workspace, "recipe", recipe.id, number)
    desk.registry.delete(desk.by, "recipe", recipe.id)
    assert len(desk.registry.versions(desk.workspace, "recipe", recipe.id)) == 3


def test_an_old_version_comes_back_as_a_new_one(desk: Desk) -> None:
    recipe = desk.make("recipe", "One", code={"v": 1})
    desk.registry.update(desk.by, "recipe", recipe.id, name="Two", content={"code": {"v": 2}})
    desk.new()
    back = desk.registry.restore(desk.by, "recipe", recipe.id, 1)
    assert (back.name, back.content.code, back.version) == ("One", {"v": 1}, 4)
    record = desk.the_new_one()
    assert record.action == "recipe.updated"
    assert record.details == {"version": 4, "restored_version": 1}
    assert desk.registry.restore(desk.by, "recipe", recipe.id, 1) == back
    assert desk.new() == []
    with pytest.raises(NotFound):
        desk.registry.restore(desk.by, "recipe", recipe.id, 9)


def test_a_version_that_names_what_is_deleted_does_not_come_back(desk: Desk) -> None:
    policy = desk.make("api_policy")
    profile = desk.make("access_profile", policy_id=policy.id)
    desk.registry.update(desk.by, "access_profile", profile.id, content={"policy_id": None})
    desk.registry.delete(desk.by, "api_policy", policy.id)
    with pytest.raises(Conflict, match="does not fit any more"):
        desk.registry.restore(desk.by, "access_profile", profile.id, 1)


def test_a_change_of_what_is_not_the_newest_is_refused(desk: Desk) -> None:
    recipe = desk.make("recipe")
    desk.registry.rename(desk.by, "recipe", recipe.id, "Renamed", revision=1)
    desk.new()
    old = {"revision": 1}
    for attempt in (
        lambda: desk.registry.update(desk.by, "recipe", recipe.id, name="X", **old),
        lambda: desk.registry.rename(desk.by, "recipe", recipe.id, "X", **old),
        lambda: desk.registry.move(desk.by, "recipe", recipe.id, None, **old),
        lambda: desk.registry.copy(desk.by, "recipe", recipe.id, **old),
        lambda: desk.registry.transition(desk.by, "recipe", recipe.id, "start", **old),
        lambda: desk.registry.set_access_scope(desk.by, "recipe", recipe.id, True, **old),
        lambda: desk.registry.restore(desk.by, "recipe", recipe.id, 1, **old),
        lambda: desk.registry.delete(desk.by, "recipe", recipe.id, **old),
    ):
        with pytest.raises(PreconditionFailed, match="revision 2"):
            attempt()
    assert desk.new() == []
    desk.registry.delete(desk.by, "recipe", recipe.id, revision=2)
    with pytest.raises(PreconditionFailed):
        desk.registry.undelete(desk.by, "recipe", recipe.id, revision=2)
    desk.registry.undelete(desk.by, "recipe", recipe.id, revision=3)


def test_a_copy_names_its_original(desk: Desk) -> None:
    folder = desk.make("folder", "ERP")
    original = desk.make("recipe", "Sync", folder_id=folder.id, code={"a": 1})
    desk.registry.set_access_scope(desk.by, "recipe", original.id, True)
    desk.new()
    copy = desk.registry.copy(desk.by, "recipe", original.id)
    assert (copy.name, copy.folder_id, copy.version, copy.public) == (
        "Sync (copy)", folder.id, 1, False,
    )  # fmt: skip
    record = desk.the_new_one()
    assert record.action == "recipe.copied"
    assert targets_in(record) == [("recipe", "Sync (copy)"), ("recipe", "Sync")]
    assert record.details == {
        "parent_id": original.id,
        "source_name": "Sync",
        "content": {"code": {"a": 1}},
        "state": "stopped",
        "folder_id": folder.id,
        "folder": "Home/ERP",
    }
    assert desk.registry.copy(desk.by, "recipe", original.id).name == "Sync (copy 2)"
    elsewhere = desk.registry.copy(desk.by, "recipe", original.id, name="Sync", folder_id=None)
    assert (elsewhere.name, elsewhere.folder_id) == ("Sync", None)
    long = desk.make("recipe", "x" * 200)
    assert len(desk.registry.copy(desk.by, "recipe", long.id).name) == 200


def test_what_is_referred_to_must_be_there_when_it_is_given(desk: Desk) -> None:
    recipe, policy = desk.make("recipe"), desk.make("api_policy")
    endpoint = desk.make("api_endpoint", recipe_id=recipe.id)
    for wrong in (policy.id, "77777"):
        with pytest.raises(InvalidInput) as refused:
            desk.registry.update(desk.by, "api_endpoint", endpoint.id, content={"recipe_id": wrong})
        assert refused.value.errors[0].pointer == "/recipe_id"
    with pytest.raises(InvalidInput) as refused:
        desk.make("access_profile", collection_ids=["77777"])
    assert refused.value.errors[0].pointer == "/collection_ids"
    desk.registry.delete(desk.by, "recipe", recipe.id)
    changed = desk.registry.update(
        desk.by, "api_endpoint", endpoint.id, content={"path": "/orders"}
    )
    assert changed.content.recipe_id == recipe.id


def test_content_longer_than_an_activity_is_named_by_its_hash(desk: Desk) -> None:
    import hashlib

    import msgspec

    recipe = desk.make("recipe", code={"text": "x" * 100_000})
    record = desk.log()[-1]
    assert "$cut" in record.details["content"]
    kept = msgspec.json.encode(desk.get(recipe).content)
    assert record.details["content_sha256"] == hashlib.sha256(kept).hexdigest()
    desk.registry.update(desk.by, "recipe", recipe.id, content={"code": {"text": "y" * 100_000}})
    assert "content_sha256" in desk.log()[-1].details
    desk.registry.update(desk.by, "recipe", recipe.id, content={"code": {"text": "short"}})
    assert len(desk.registry.versions(desk.workspace, "recipe", recipe.id)) == 3
