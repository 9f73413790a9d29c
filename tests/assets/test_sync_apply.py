"""Plan and apply: the registry becomes what the files say, in one transaction, on record."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.assets.desk import Desk, open_desk
from tests.assets.shelf import Shelf

from trailkeeper.assets.records import plain
from trailkeeper.assets.replay import replay
from trailkeeper.assets.sync.problems import BadFiles, HandMade
from trailkeeper.errors import Conflict, Forbidden, PreconditionFailed


@pytest.fixture
def shelf(desk: Desk, tmp_path: Path) -> Shelf:
    return Shelf(desk, tmp_path / "files")


SYNC = "recipes/ERP/Sync product SKUs"


def project(shelf: Shelf) -> Shelf:
    """A small project that uses most of what files can say."""
    shelf.environ |= {"NS_TOKEN": "s3cr3t", "SHOP_KEY": "k3y"}
    shelf.put(
        SYNC,
        """
        key: sync-skus
        state: running
        public: true
        code: {steps: [{app: netsuite}, {app: shopify}]}
        uses: [connections/ERP/NetSuite, lookup-tables/SKU map]
        """,
    )
    shelf.put(
        "connections/ERP/NetSuite",
        "provider: netsuite\nstate: connected\ncredentials: {token: {env: NS_TOKEN}}",
    )
    shelf.put("lookup-tables/SKU map", "columns: [{name: erp}, {name: shop}]")
    shelf.put("lookup-tables/SKU map.csv", "erp,shop\n1,A\n2,B\n")
    shelf.put("folders/ERP", "description: All about the ERP")
    shelf.put("properties/shop key", "secret: true\nvalue: {env: SHOP_KEY}")
    shelf.put("connectors/Warehouse", "source: '{}'\nstate: released")
    shelf.put("api-collections/Products", "base_path: /products")
    shelf.put("api-endpoints/Products/Get", f"path: /x\nrecipe_id: {SYNC}\nstate: active")
    shelf.put("api-customers/Shop")
    shelf.put("api-policies/Standard", "rate: {requests: 60}")
    shelf.put(
        "api-access-profiles/Shop/Main",
        "collection_ids: [api-collections/Products]\npolicy_id: api-policies/Standard",
    )
    shelf.put("manifests/All", f"folder_id: folders/ERP\nassets: [{SYNC}]")
    shelf.put("topics/product.updated", "schema: {type: object}")
    return shelf


def test_a_project_is_made_and_a_second_run_has_nothing_to_do(shelf: Shelf) -> None:
    actions = project(shelf).sync()
    assert sorted(action for action in actions if not action.endswith(".created")) == [
        "api_endpoint.activated",
        "connection.connected",
        "connector.released",
        "recipe.access_scope_updated",
        "recipe.started",
    ]
    recipe = shelf.there(SYNC)
    assert (recipe.state, recipe.public, recipe.version) == ("running", True, 1)
    uses = [(use.kind, use.id) for use in recipe.content.uses]
    assert uses == [
        ("connection", shelf.there("connections/ERP/NetSuite").id),
        ("lookup_table", shelf.there("lookup-tables/SKU map").id),
    ]
    assert shelf.there("lookup-tables/SKU map").content.rows == [["1", "A"], ["2", "B"]]
    assert shelf.there("connections/ERP/NetSuite").secrets == ["credentials"]
    assert shelf.there("api-endpoints/Products/Get").content.recipe_id == recipe.id
    assert shelf.plan().steps == []
    assert shelf.sync() == []
    assert shelf.desk.new() == []


def test_each_record_has_the_commit_and_the_last_tells_of_the_whole(shelf: Shelf) -> None:
    project(shelf).carry_out(shelf.plan(), "4f2a91c")
    log = shelf.desk.new()
    assert {one.details["commit"] for one in log} == {"4f2a91c"}
    assert {one.actor.type for one in log} == {"system"}
    assert log[-1].action == "assets.synced"
    assert log[-1].details == {
        "commit": "4f2a91c", "created": 13, "updated": 0, "deleted": 0, "adopted": 0,
    }  # fmt: skip


def test_the_log_tells_what_a_sync_did(shelf: Shelf) -> None:
    project(shelf).sync()
    shelf.put(SYNC, "key: sync-skus\ncode: {b: [1, 2]}\npublic: true\nstate: stopped")
    shelf.rename(SYNC, "recipes/Moved/Renamed").drop("manifests/All")
    shelf.put("api-endpoints/Products/Get", "path: /y\nstate: active").sync()
    told = replay(shelf.desk.log())
    there = shelf.held().assets
    assert {id for id, one in told.items() if not one.deleted} == set(there)
    for id, asset in there.items():
        one = told[id]
        assert (one.name, one.state, one.version) == (asset.name, asset.state, asset.version)
        assert (one.folder_id, one.parent_id) == (asset.folder_id, asset.parent_id)
        assert (one.public, one.content) == (asset.public, plain(asset.content))


def test_the_token_of_a_new_access_profile_is_given_once(shelf: Shelf) -> None:
    tokens = project(shelf).carry_out(shelf.plan()).tokens
    assert list(tokens) == ["api-access-profiles/Shop/Main"]
    assert tokens["api-access-profiles/Shop/Main"].startswith("ap_")


def test_what_changed_is_updated_field_by_field(shelf: Shelf) -> None:
    project(shelf).sync()
    shelf.put("api-policies/Standard", "rate: {requests: 90}\ndescription: More")
    shelf.put("lookup-tables/SKU map.csv", "erp,shop\n1,A\n3,C\n")
    plan = shelf.plan()
    assert [step.path for step in plan.steps] == ["api-policies/Standard", "lookup-tables/SKU map"]
    changes = {change.field: (change.old, change.new) for change in plan.steps[0].changes}
    assert changes == {"/description": ("", "More"), "/rate/requests": (60, 90)}
    assert shelf.sync() == ["api_policy.updated", "lookup_table.updated"]


def test_a_field_that_is_left_out_is_as_it_is_by_default(shelf: Shelf) -> None:
    shelf.put("api-policies/P", "rate: {requests: 60}\ndescription: x").sync()
    shelf.put("api-policies/P", "rate: {requests: 60}")
    assert shelf.sync() == ["api_policy.updated"]
    assert shelf.there("api-policies/P").content.description == ""


def test_a_running_recipe_is_stopped_while_it_is_changed(shelf: Shelf) -> None:
    project(shelf).sync()
    shelf.put(SYNC, "key: sync-skus\ncode: {}\npublic: true")
    assert shelf.sync() == ["recipe.stopped", "recipe.updated", "recipe.started"]
    assert shelf.there(SYNC).state == "running"
    shelf.put(SYNC, "key: sync-skus\ncode: {a: 1}\npublic: true\nstate: stopped")
    assert shelf.sync() == ["recipe.stopped", "recipe.updated"]


def test_state_and_scope_that_a_file_does_not_name_are_left_alone(shelf: Shelf) -> None:
    shelf.put("recipes/R", "code: {}").sync()
    one = shelf.there("recipes/R")
    shelf.desk.registry.transition(shelf.desk.by, "recipe", one.id, "start")
    shelf.desk.registry.set_access_scope(shelf.desk.by, "recipe", one.id, public=True)
    assert shelf.sync() == []
    shelf.put("recipes/R", "code: {}\npublic: false\nstate: stopped")
    assert shelf.sync() == ["recipe.access_scope_updated", "recipe.stopped"]


def test_a_released_connector_is_released_again_if_the_file_says_so(shelf: Shelf) -> None:
    shelf.put("connectors/C", "source: a\nstate: released").sync()
    shelf.put("connectors/C", "source: b\nstate: released")
    assert shelf.sync() == ["connector.updated", "connector.released"]
    shelf.put("connectors/C", "source: c")
    assert shelf.sync() == ["connector.updated"]
    assert shelf.there("connectors/C").state == "draft"


def test_a_state_that_no_operation_leads_to_is_refused(shelf: Shelf) -> None:
    shelf.put("connectors/C", "source: a\nstate: released").sync()
    shelf.put("connectors/C", "source: a\nstate: draft")
    with pytest.raises(BadFiles, match=r"connectors/C\.yaml:2: /state cannot be made"):
        shelf.plan()


def test_a_file_with_a_key_is_renamed_and_moved(shelf: Shelf) -> None:
    project(shelf).sync()
    before = shelf.there(SYNC)
    shelf.rename(SYNC, "recipes/Shop/Sync SKUs")
    for name in ("api-endpoints/Products/Get", "manifests/All"):
        file = shelf.root / f"{name}.yaml"
        file.write_text(file.read_text().replace(SYNC, "recipes/Shop/Sync SKUs"))
    assert shelf.steps() == {
        "folders/Shop": ["create"],
        "recipes/Shop/Sync SKUs": ["rename", "move"],
    }
    assert shelf.sync() == ["folder.created", "recipe.renamed", "recipe.moved"]
    after = shelf.there("recipes/Shop/Sync SKUs")
    assert (after.id, after.state) == (before.id, "running")
    assert shelf.plan().steps == []


def test_the_description_of_a_folder_cannot_change(shelf: Shelf) -> None:
    shelf.put("folders/F", "description: x").sync()
    shelf.put("folders/F", "description: y")
    with pytest.raises(BadFiles, match="/description cannot be changed once a folder is there"):
        shelf.plan()


def test_a_file_without_a_key_that_gets_another_name_is_another_asset(shelf: Shelf) -> None:
    shelf.put("recipes/Old", "code: {}").sync()
    shelf.rename("recipes/Old", "recipes/New")
    assert shelf.steps() == {"recipes/New": ["create"], "recipes/Old": ["delete"]}


def test_what_was_renamed_by_hand_gets_the_name_of_its_file_again(shelf: Shelf) -> None:
    shelf.put("recipes/R", "code: {}").sync()
    one = shelf.there("recipes/R")
    shelf.desk.registry.rename(shelf.desk.by, "recipe", one.id, "Mine now")
    assert shelf.sync() == ["recipe.renamed"]
    assert shelf.there("recipes/R").id == one.id


def test_a_file_may_get_a_key_later(shelf: Shelf) -> None:
    shelf.put("recipes/R", "code: {}").sync()
    one = shelf.there("recipes/R")
    shelf.put("recipes/R", "key: r\ncode: {}")
    assert shelf.sync() == []
    shelf.rename("recipes/R", "recipes/S")
    assert shelf.sync() == ["recipe.renamed"]
    assert shelf.there("recipes/S").id == one.id


def test_names_may_follow_each_other(shelf: Shelf) -> None:
    shelf.put("recipes/A", "key: a\ncode: {n: 1}").put("recipes/B", "key: b\ncode: {n: 2}").sync()
    a = shelf.there("recipes/A").id
    shelf.rename("recipes/B", "recipes/C").rename("recipes/A", "recipes/B")
    assert shelf.sync() == ["recipe.renamed", "recipe.renamed"]
    assert shelf.there("recipes/B").id == a


def test_names_may_be_exchanged(shelf: Shelf) -> None:
    shelf.put("recipes/A", "key: a").put("recipes/B", "key: b\nstate: running").sync()
    a, b = shelf.there("recipes/A").id, shelf.there("recipes/B").id
    shelf.put("recipes/A", "key: b").put("recipes/B", "key: a")
    assert shelf.sync() == ["recipe.renamed"] * 3
    assert (shelf.there("recipes/A").id, shelf.there("recipes/B").id) == (b, a)
    assert shelf.there("recipes/A").state == "running"


def test_names_of_connections_may_be_exchanged(shelf: Shelf) -> None:
    shelf.put("connections/A", "key: a\nstate: connected")
    shelf.put("connections/B", "key: b\nstate: connected").sync()
    a = shelf.there("connections/A").id
    shelf.rename("connections/A", "connections/C").rename("connections/B", "connections/A")
    shelf.rename("connections/C", "connections/B")
    shelf.sync()
    assert shelf.there("connections/B").id == a
    assert {one.state for one in shelf.held().assets.values()} == {"connected"}
    assert shelf.plan().steps == []


def test_a_folder_takes_the_name_of_the_one_that_it_was_in(shelf: Shelf) -> None:
    shelf.put("folders/A", "key: outer").put("folders/A/B", "key: inner").sync()
    inner = shelf.there("folders/A/B").id
    shelf.drop("folders/A/B").put("folders/A", "key: inner").put("recipes/A/R").sync()
    assert shelf.there("folders/A").id == inner
    assert set(shelf.held().paths.values()) == {"folders/A", "recipes/A/R"}


def test_a_folder_goes_into_a_new_one_of_its_name(shelf: Shelf) -> None:
    shelf.put("folders/A", "key: old").sync()
    old = shelf.there("folders/A").id
    shelf.put("folders/A", "key: new").put("folders/A/A", "key: old").sync()
    assert shelf.there("folders/A/A").id == old
    assert shelf.plan().steps == []


def test_the_name_of_what_is_deleted_is_free(shelf: Shelf) -> None:
    shelf.put("recipes/A", "key: a").put("recipes/B", "key: b").sync()
    shelf.drop("recipes/B").rename("recipes/A", "recipes/B")
    assert shelf.sync() == ["recipe.deleted", "recipe.renamed"]


def test_a_name_and_a_place_at_once(shelf: Shelf) -> None:
    """Neither first the name nor first the place alone would always do."""
    shelf.put("recipes/X/a", "key: k").put("recipes/X/b", "key: l").put("recipes/Y/c").sync()
    shelf.rename("recipes/X/a", "recipes/Y/b")
    assert sorted(shelf.sync()) == ["recipe.moved", "recipe.renamed"]


def test_folders_are_renamed_moved_and_turned_inside_out(shelf: Shelf) -> None:
    shelf.put("folders/A", "key: a").put("folders/A/B", "key: b").put("recipes/A/B/R", "key: r")
    shelf.sync()
    ids = {key: shelf.there(path).id for key, path in (("a", "folders/A"), ("b", "folders/A/B"))}
    for name in ("recipes/A/B/R", "folders/A/B", "folders/A"):
        shelf.drop(name)
    shelf.put("folders/B", "key: b").put("folders/B/A2", "key: a").put("recipes/B/A2/R", "key: r")
    assert sorted(shelf.sync()) == [
        "folder.moved",
        "folder.moved",
        "folder.renamed",
        "recipe.moved",
    ]
    assert shelf.there("folders/B").id == ids["b"]
    assert shelf.there("folders/B/A2").id == ids["a"]
    assert shelf.plan().steps == []


def test_new_assets_may_name_each_other_in_a_circle(shelf: Shelf) -> None:
    shelf.put("recipes/A", "uses: [recipes/B]\nstate: running")
    shelf.put("recipes/B", "uses: [recipes/A]\nstate: running")
    actions = shelf.sync()
    assert actions.count("recipe.created") == 2
    assert actions.count("recipe.started") == 2
    a, b = shelf.there("recipes/A"), shelf.there("recipes/B")
    assert (a.content.uses[0].id, b.content.uses[0].id) == (b.id, a.id)
    assert shelf.plan().steps == []


def test_only_what_a_sync_made_is_deleted(shelf: Shelf) -> None:
    by_hand = shelf.desk.make("recipe", "Made by hand")
    project(shelf).sync()
    for file in list(shelf.root.rglob("*.*")):
        if "recipes/ERP" not in str(file) and "connections" not in str(file):
            file.unlink()
    shelf.put(SYNC, "key: sync-skus\ncode: {}").drop("connections/ERP/NetSuite")
    actions = shelf.sync()
    assert actions.count("api_endpoint.deleted") == 1
    assert "connection.disconnected" in actions
    assert "pubsub_topic.deleted" not in actions
    assert shelf.desk.get(by_hand).deleted_at is None
    plan = shelf.plan()
    assert plan.steps == []
    (note,) = plan.notes
    assert note.startswith("topics/product.updated has no file any more")
    assert [one.name for one in plan.unmanaged] == ["Made by hand"]


def test_a_folder_with_something_made_by_hand_in_it_is_left(shelf: Shelf) -> None:
    shelf.put("recipes/Outer/Inner/R").put("api-collections/C").put("api-endpoints/C/E").sync()
    inner, collection = shelf.there("folders/Outer/Inner"), shelf.there("api-collections/C")
    shelf.desk.make("recipe", "Mine", folder_id=inner.id)
    shelf.desk.make("api_endpoint", "Mine", parent_id=collection.id)
    shelf.drop("recipes/Outer/Inner/R").drop("api-collections/C").drop("api-endpoints/C/E")
    shelf.put("api-policies/P")
    assert shelf.steps() == {
        "api-endpoints/C/E": ["delete"],
        "api-policies/P": ["create"],
        "recipes/Outer/Inner/R": ["delete"],
    }
    assert len(shelf.plan().notes) == 3
    shelf.sync()
    assert shelf.steps() == {}


def test_what_was_made_by_hand_and_is_the_same_is_used_and_left_alone(shelf: Shelf) -> None:
    folder = shelf.desk.make("folder", "ERP", description="Ours")
    shelf.desk.make("recipe", "R", code={"a": 1})
    shelf.put("recipes/R", "code: {a: 1}").put("recipes/ERP/New", "uses: [recipes/R]")
    assert shelf.steps() == {"recipes/ERP/New": ["create"]}
    shelf.sync()
    assert shelf.there("recipes/ERP/New").folder_id == folder.id
    for name in ("recipes/R", "recipes/ERP/New"):
        shelf.drop(name)
    shelf.put("api-policies/P")
    assert shelf.steps()["recipes/ERP/New"] == ["delete"]
    assert "recipes/R" not in shelf.steps()


def test_what_was_made_by_hand_and_differs_is_taken_over_only_when_asked(shelf: Shelf) -> None:
    one = shelf.desk.make("recipe", "R", code={"a": 1})
    same = shelf.desk.make("api_policy", "P")
    shelf.put("recipes/R", "code: {a: 2}").put("recipes/New").put("api-policies/P")
    plan = shelf.plan()
    assert plan.hand_made == ["recipes/R"]
    shelf.desk.new()
    with pytest.raises(HandMade, match="recipes/R"):
        shelf.carry_out(plan)
    assert shelf.desk.new() == []
    assert shelf.steps(adopt=True) == {
        "api-policies/P": ["adopt"],
        "recipes/New": ["create"],
        "recipes/R": ["adopt", "update"],
    }
    assert sorted(shelf.sync(adopt=True)) == ["recipe.created", "recipe.updated"]
    assert shelf.there("recipes/R").id == one.id
    assert shelf.there("api-policies/P").id == same.id
    assert shelf.steps() == {}
    shelf.drop("recipes/R")
    assert shelf.steps() == {"recipes/R": ["delete"]}


def test_an_asset_that_no_file_has_can_be_named_by_its_path(shelf: Shelf) -> None:
    folder = shelf.desk.make("folder", "ERP")
    there = shelf.desk.make("connection", "By hand", folder_id=folder.id)
    shelf.put("recipes/R", "uses: [connections/ERP/By hand]").sync()
    assert shelf.there("recipes/R").content.uses[0].id == there.id
    shelf.put("recipes/R", "uses: [connections/ERP/Gone, recipes/Nope]")
    with pytest.raises(BadFiles) as refused:
        shelf.plan()
    assert [str(problem) for problem in refused.value.problems] == [
        "recipes/R.yaml:1: /uses/0 names 'connections/ERP/Gone', which is neither a file nor there",
        "recipes/R.yaml:1: /uses/1 names 'recipes/Nope', which is neither a file nor there",
    ]


def test_a_file_cannot_name_what_goes_away(shelf: Shelf) -> None:
    shelf.put("recipes/R", "uses: [recipes/S]").put("recipes/S").sync()
    shelf.drop("recipes/S")
    with pytest.raises(BadFiles, match="'recipes/S', which is neither"):
        shelf.plan()


def test_a_connection_is_not_moved_unnoticed(shelf: Shelf) -> None:
    shelf.put("connections/A/C", "key: c").sync()
    shelf.rename("connections/A/C", "connections/B/C")
    with pytest.raises(BadFiles, match="would move a connection, which cannot be"):
        shelf.plan()


def test_a_key_of_another_kind_is_another_asset(shelf: Shelf) -> None:
    shelf.put("recipes/R", "key: x").sync()
    shelf.drop("recipes/R").put("api-policies/R", "key: x")
    assert sorted(shelf.sync()) == ["api_policy.created", "recipe.deleted"]
    assert shelf.plan().steps == []


def test_what_was_deleted_by_hand_is_made_again(shelf: Shelf) -> None:
    shelf.put("recipes/R", "key: r").sync()
    one = shelf.there("recipes/R")
    shelf.desk.registry.delete(shelf.desk.by, "recipe", one.id)
    assert shelf.sync() == ["recipe.created"]
    assert shelf.there("recipes/R").id != one.id
    assert shelf.plan().steps == []


# --- Secrets


def test_secrets_are_compared_and_never_shown(shelf: Shelf) -> None:
    project(shelf).sync()
    shelf.environ["NS_TOKEN"] = "an0ther"
    plan = shelf.plan()
    (step,) = plan.steps
    assert [(one.field, one.old, one.new) for one in step.changes] == [
        ("/credentials", "(secret)", "(secret)")
    ]
    assert shelf.sync() == ["connection.disconnected", "connection.updated", "connection.connected"]
    kept = shelf.held().secrets[shelf.there("connections/ERP/NetSuite").id]
    assert kept["credentials"] == {"token": "an0ther"}
    log = str(shelf.desk.log())
    assert "an0ther" not in log
    assert "s3cr3t" not in log


def test_without_its_variable_a_secret_is_left_as_it_is(shelf: Shelf) -> None:
    project(shelf).sync()
    shelf.environ.clear()
    plan = shelf.plan()
    assert plan.steps == []
    assert len(plan.notes) == 2
    shelf.put("properties/shop key", "secret: true\ndescription: x\nvalue: {env: SHOP_KEY}")
    assert shelf.sync() == ["property.updated"]
    assert shelf.held().secrets[shelf.there("properties/shop key").id] == {"value": "k3y"}


def test_without_its_variable_nothing_new_is_made(shelf: Shelf) -> None:
    shelf.put("properties/P", "secret: true\nvalue: {env: NOT_THERE}").put("recipes/R")
    plan = shelf.plan()
    assert [str(one) for one in plan.unset] == [
        "properties/P.yaml:2: /value needs the environment variable NOT_THERE, which is not set"
    ]
    with pytest.raises(BadFiles):
        shelf.carry_out(plan)
    assert shelf.desk.new() == []


def test_a_secret_of_many_parts_may_come_from_one_variable(shelf: Shelf) -> None:
    shelf.environ["ALL"] = '{"user": "u", "password": "p4ss"}'
    shelf.put("connections/C", "credentials: {env: ALL}").sync()
    kept = shelf.held().secrets[shelf.there("connections/C").id]
    assert kept["credentials"] == {"user": "u", "password": "p4ss"}
    shelf.environ["ALL"] = "p4ss-no-json"
    with pytest.raises(BadFiles) as refused:
        shelf.plan()
    assert "must hold a JSON object" in str(refused.value)
    assert "p4ss" not in str(refused.value)


def test_a_secret_that_no_file_names_is_left_alone(shelf: Shelf) -> None:
    shelf.put("connections/C", "provider: x").sync()
    one = shelf.there("connections/C")
    shelf.desk.registry.update(
        shelf.desk.by, "connection", one.id, content={"credentials": {"a": "b"}}
    )
    assert shelf.plan().steps == []
    shelf.put("connections/C", "provider: x\ncredentials: {}")
    assert shelf.sync() == ["connection.updated"]
    assert shelf.there("connections/C").secrets == []
    assert shelf.plan().steps == []


def test_a_property_becomes_secret_and_open_again(shelf: Shelf) -> None:
    shelf.environ["V"] = "v"
    shelf.put("properties/P", "value: open").sync()
    shelf.put("properties/P", "secret: true\nvalue: {env: V}")
    assert shelf.sync() == ["property.updated"]
    assert shelf.there("properties/P").content.value == ""
    assert shelf.plan().steps == []
    shelf.put("properties/P", "value: open again")
    assert shelf.sync() == ["property.updated"]
    assert shelf.there("properties/P").content.value == "open again"
    assert shelf.plan().steps == []


# --- All or nothing


def test_a_change_since_the_plan_makes_all_of_it_fail(shelf: Shelf) -> None:
    project(shelf).sync()
    shelf.put("recipes/New").put("api-policies/Standard", "rate: {requests: 1}")
    plan = shelf.plan()
    one = shelf.there("api-policies/Standard")
    shelf.desk.registry.update(shelf.desk.by, one.kind, one.id, content={"description": "by hand"})
    shelf.desk.new()
    with pytest.raises(PreconditionFailed, match="api-policies/Standard was changed since"):
        shelf.carry_out(plan)
    assert shelf.desk.new() == []
    assert "recipes/New" not in shelf.held().by_path()


def test_a_deletion_since_the_plan_makes_all_of_it_fail(shelf: Shelf) -> None:
    shelf.put("recipes/R").sync()
    shelf.put("recipes/R", "code: {a: 1}").put("recipes/New")
    plan = shelf.plan()
    shelf.desk.registry.delete(shelf.desk.by, "recipe", shelf.there("recipes/R").id)
    with pytest.raises(PreconditionFailed):
        shelf.carry_out(plan)
    assert "recipes/New" not in shelf.held().by_path()


def test_a_name_that_was_taken_since_makes_all_of_it_fail(shelf: Shelf) -> None:
    shelf.put("recipes/A").put("recipes/B")
    plan = shelf.plan()
    shelf.desk.make("recipe", "b")
    shelf.desk.new()
    with pytest.raises(Conflict, match="already"):
        shelf.carry_out(plan)
    assert shelf.desk.new() == []
    assert list(shelf.held().marks) == []


def test_what_others_need_is_not_deleted(shelf: Shelf) -> None:
    shelf.put("api-policies/P").put("recipes/R").sync()
    policy = shelf.there("api-policies/P")
    shelf.desk.make("access_profile", "By hand", policy_id=policy.id)
    shelf.drop("api-policies/P").put("recipes/New")
    with pytest.raises(Conflict, match="in use by"):
        shelf.sync()
    assert "recipes/New" not in shelf.held().by_path()


def test_who_may_not_do_it_may_not_sync_it(shelf: Shelf) -> None:
    shelf.put("recipes/R").put("connections/C")
    plan = shelf.plan()
    shelf.desk.new()
    shelf.desk.by = shelf.desk.holding("recipes.edit")
    with pytest.raises(Forbidden):
        shelf.carry_out(plan)
    assert [one.action for one in shelf.desk.new()] == ["access.denied"]
    with pytest.raises(KeyError):
        shelf.there("recipes/R")


def test_a_plan_with_wrong_files_is_not_made(shelf: Shelf) -> None:
    shelf.put("recipes/A", "uses: [recipes/B]\nstat: x").put("recipes/B", "code: [").put(
        "recipes/C", "uses: [recipes/B, recipes/D]"
    )
    with pytest.raises(BadFiles) as refused:
        shelf.plan()
    assert [(one.file, one.line, one.field) for one in refused.value.problems] == [
        ("recipes/A.yaml", 2, "/stat"),
        ("recipes/B.yaml", 2, ""),
        ("recipes/C.yaml", 1, "/uses/1"),
    ]


def test_two_workspaces_may_be_of_the_same_files(shelf: Shelf) -> None:
    project(shelf).sync()
    other = Shelf(open_desk(shelf.desk.here), shelf.root, shelf.environ)
    assert len(other.sync()) > 13
    assert other.plan().steps == []
    assert shelf.plan().steps == []
