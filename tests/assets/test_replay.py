"""What the log alone tells of the assets."""

from __future__ import annotations

from msgspec.structs import replace
from tests.assets.desk import Desk

from trailkeeper.activity import Context, Target
from trailkeeper.assets.records import plain
from trailkeeper.assets.replay import replay


def test_a_secret_property_is_rebuilt_without_its_value(desk: Desk) -> None:
    made = desk.make("property", value="hunter2", secret=True)
    other = desk.make("property", value="open")
    desk.registry.update(desk.by, "property", other.id, content={"secret": True})
    third = desk.make("property", value="hunter2", secret=True)
    desk.registry.update(desk.by, "property", third.id, content={"secret": False, "value": "shown"})
    fourth = desk.make("property", value="hunter2", secret=True)
    desk.registry.update(desk.by, "property", fourth.id, content={"secret": False, "value": ""})
    rebuilt = replay(desk.log())
    for one in (made, other, third, fourth):
        assert rebuilt[one.id].content == plain(desk.get(one).content)
        assert rebuilt[one.id].exact


def test_what_was_cut_is_said_to_be_inexact_until_it_is_told_whole(desk: Desk) -> None:
    recipe = desk.make("recipe", code={"text": "x" * 100_000}, description="Kept")
    assert replay(desk.log())[recipe.id].exact is False
    desk.registry.update(desk.by, "recipe", recipe.id, content={"code": {"a": 1}})
    rebuilt = replay(desk.log())[recipe.id]
    assert (rebuilt.name, rebuilt.version, rebuilt.exact) == (recipe.name, 2, False)


def test_changes_within_something_redacted_are_passed_over(desk: Desk) -> None:
    recipe = desk.make("recipe", code={"tokens": {"a": 1}, "b": 1})
    desk.registry.update(
        desk.by, "recipe", recipe.id, content={"code": {"tokens": {"a": 2}, "b": 2}}
    )
    rebuilt = replay(desk.log())[recipe.id]
    assert rebuilt.content["code"] == {"tokens": "[redacted]", "b": 2}
    assert rebuilt.exact


def test_what_others_report_of_an_asset_does_not_change_it(desk: Desk) -> None:
    recipe = desk.make("recipe")
    started = desk.registry.transition(desk.by, "recipe", recipe.id, "start")
    log = desk.log()
    stopped = replace(log[-1], action="recipe.stopped", context=Context(source="engine"))
    failed = replace(log[-1], action="recipe.deleted", outcome="failure")
    rebuilt = replay([*log, stopped, failed])[recipe.id]
    assert rebuilt.state == started.state
    assert rebuilt.deleted is False
    unknown = replace(log[-1], targets=[Target(type="recipe", id="not ours")])
    assert "not ours" not in replay([*log, unknown])


def test_tokens_and_packages_are_rebuilt_too(desk: Desk) -> None:
    profile = desk.make("access_profile", policy_id=desk.make("api_policy").id)
    desk.registry.refresh_token(desk.by, "access_profile", profile.id)
    made = desk.registry.apply(
        desk.by,
        lambda changes: (
            changes.create(
                "package",
                "shop.zip",
                content={"file_name": "shop.zip", "size": 5, "direction": "import"},
                operation="import",
                details={"folder_path": "Home/Shop"},
            ).asset
        ),
    )
    record = desk.log()[-1]
    assert record.action == "package.imported"
    assert record.details["file_name"] == "shop.zip"
    rebuilt = replay(desk.log())
    assert rebuilt[made.id].content == plain(made.content)
    assert rebuilt[profile.id].content == plain(profile.content)
    assert rebuilt[profile.id].parent_id == profile.parent_id
