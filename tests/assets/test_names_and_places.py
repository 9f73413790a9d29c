"""What an asset is called and where it lives."""

from __future__ import annotations

from typing import Any

import pytest
from tests.assets.desk import Desk, changes_in, targets_in

from trailkeeper.assets import rules, work
from trailkeeper.assets.asset import ALL, HOME
from trailkeeper.assets.kinds import KINDS
from trailkeeper.errors import Conflict, InvalidInput, NotFound


@pytest.mark.parametrize("kind", [one for one in KINDS if one != "package"])
def test_a_name_is_enough_and_its_creation_is_recorded(desk: Desk, kind: str) -> None:
    made = desk.make(kind, "Näme (1)")
    record = desk.log()[-1]
    assert record.action == KINDS[kind].operations["create"].action
    assert targets_in(record) == [(kind, "Näme (1)")]
    assert record.details.get("state") == (KINDS[kind].states or [None])[0] == made.state
    assert (made.version, made.revision, made.public) == (1, 1, False)
    assert desk.registry.find(desk.workspace, made.id) == made


def test_ids_are_one_series_of_numbers_over_all_kinds(desk: Desk) -> None:
    made = [desk.make(kind) for kind in ("folder", "recipe", "property")]
    assert [one.id for one in made] == ["10001", "10002", "10003"]


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x00", "a\u202eb", "x" * 201])
def test_a_name_that_cannot_be_read_is_refused(desk: Desk, name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        desk.registry.create(desk.by, "folder", name)
    assert refused.value.errors[0].pointer == "/name"
    assert desk.new() == []


@pytest.mark.parametrize("again", ["Straße", "STRASSE", " straße ", "stras\u0073e"])
def test_a_name_is_there_once_in_a_place_whatever_its_case(desk: Desk, again: str) -> None:
    desk.make("recipe", "Straße")
    with pytest.raises(Conflict) as refused:
        desk.make("recipe", again)
    assert refused.value.errors[0].pointer == "/name"
    desk.make("connection", again)
    desk.make("recipe", again, folder_id=desk.make("folder").id)


def test_a_name_comes_free_when_its_owner_is_renamed_moved_or_deleted(desk: Desk) -> None:
    first = desk.make("recipe", "One")
    desk.registry.rename(desk.by, "recipe", first.id, "Two")
    second = desk.make("recipe", "One")
    desk.registry.move(desk.by, "recipe", second.id, desk.make("folder").id)
    third = desk.make("recipe", "One")
    desk.registry.delete(desk.by, "recipe", third.id)
    desk.make("recipe", "one")
    with pytest.raises(Conflict):
        desk.registry.rename(desk.by, "recipe", first.id, "ONE")
    with pytest.raises(Conflict):
        desk.registry.move(desk.by, "recipe", second.id, None)


def test_renaming_is_a_version_with_the_name_before(desk: Desk) -> None:
    made = desk.make("recipe", "Sync SKUs")
    desk.new()
    renamed = desk.registry.rename(desk.by, "recipe", made.id, " Sync product SKUs ")
    assert (renamed.name, renamed.version, renamed.revision) == ("Sync product SKUs", 2, 2)
    record = desk.the_new_one()
    assert record.details == {"previous_name": "Sync SKUs", "version": 2}
    assert changes_in(record) == [("/name", "Sync SKUs", "Sync product SKUs")]
    assert desk.registry.rename(desk.by, "recipe", made.id, "Sync product SKUs") == renamed
    assert desk.new() == []


def test_a_moved_recipe_names_both_folders(desk: Desk) -> None:
    erp = desk.make("folder", "ERP")
    shop = desk.make("folder", "Shop", folder_id=erp.id)
    recipe = desk.make("recipe", "Sync")
    desk.new()
    moved = desk.registry.move(desk.by, "recipe", recipe.id, shop.id)
    assert (moved.folder_id, moved.version, moved.revision) == (shop.id, 1, 2)
    record = desk.the_new_one()
    assert targets_in(record) == [("recipe", "Sync"), ("folder", "Shop"), ("folder", "Home")]
    assert record.details == {
        "path": "Home/ERP/Shop",
        "previous_path": "Home",
        "folder_id": shop.id,
    }
    desk.registry.move(desk.by, "recipe", recipe.id, HOME)
    record = desk.the_new_one()
    assert [target.id for target in record.targets] == [recipe.id, HOME, shop.id]
    assert record.details["previous_folder_id"] == shop.id
    assert "folder_id" not in record.details
    assert desk.registry.move(desk.by, "recipe", recipe.id, None).revision == 3
    assert desk.new() == []


def test_a_folder_moves_with_all_that_is_in_it(desk: Desk) -> None:
    a, b = desk.make("folder", "A"), desk.make("folder", "B")
    inner = desk.make("folder", "Inner", folder_id=a.id)
    recipe = desk.make("recipe", folder_id=inner.id)
    desk.new()
    desk.registry.move(desk.by, "folder", inner.id, b.id)
    record = desk.the_new_one()
    assert record.details["path"] == "Home/B/Inner"
    assert record.details["previous_path"] == "Home/A/Inner"
    assert desk.get(recipe).folder_id == inner.id
    path = desk.registry.path_of(desk.workspace, inner.id)
    assert [one.name for one in path] == ["B", "Inner"]


def test_a_folder_never_comes_into_itself(desk: Desk) -> None:
    outer = desk.make("folder", "Outer")
    inner = desk.make("folder", "Inner", folder_id=outer.id)
    for into in (outer, inner):
        with pytest.raises(Conflict) as refused:
            desk.registry.move(desk.by, "folder", outer.id, into.id)
        assert refused.value.errors[0].pointer == "/folder_id"
    assert desk.get(outer).folder_id is None


def test_folders_are_nested_to_a_depth(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "FOLDER_DEPTH_MAX", 3)
    a = desk.make("folder", "A")
    b = desk.make("folder", "B", folder_id=a.id)
    c = desk.make("folder", "C", folder_id=b.id)
    with pytest.raises(Conflict, match="at most 3 deep"):
        desk.make("folder", folder_id=c.id)
    other = desk.make("folder", "Other")
    desk.make("folder", folder_id=other.id)
    with pytest.raises(Conflict, match="at most 3 deep"):
        desk.registry.move(desk.by, "folder", other.id, b.id)
    desk.registry.move(desk.by, "folder", other.id, a.id)
    desk.make("recipe", folder_id=c.id)


@pytest.mark.parametrize("id", ["77777", "", "x' OR 1=1", "deleted", "recipe"])
def test_a_folder_that_is_not_there_is_an_error_of_the_field(desk: Desk, id: str) -> None:
    if id == "deleted":
        id = desk.make("folder").id
        desk.registry.delete(desk.by, "folder", id)
    if id == "recipe":
        id = desk.make("recipe").id
    recipe = desk.make("recipe")
    desk.new()

    def move(**_: Any) -> object:
        return desk.registry.move(desk.by, "recipe", recipe.id, id)

    def copy(**_: Any) -> object:
        return desk.registry.copy(desk.by, "recipe", recipe.id, folder_id=id)

    def create(**_: Any) -> object:
        return desk.make("recipe", folder_id=id)

    for attempt in (move, copy, create):
        with pytest.raises(InvalidInput) as refused:
            attempt()
        assert refused.value.errors[0].pointer == "/folder_id"
    assert desk.new() == []


def test_a_parent_is_needed_and_must_be_of_its_kind(desk: Desk) -> None:
    customer = desk.make("api_customer")
    for parent in (None, customer.id, "77777"):
        with pytest.raises(InvalidInput) as refused:
            desk.registry.create(desk.by, "api_endpoint", "E", parent_id=parent)
        assert refused.value.errors[0].pointer == "/parent_id"
    collection = desk.make("api_collection", "Products")
    endpoint = desk.make("api_endpoint", "List", parent_id=collection.id)
    assert endpoint.parent_id == collection.id
    record = desk.log()[-1]
    assert record.details["collection"] == "Products"
    assert record.details["parent_id"] == collection.id


def test_what_belongs_to_another_workspace_is_not_there(desk: Desk, here: Any) -> None:
    from tests.assets.desk import open_desk

    other = open_desk(here)
    folder = other.make("folder")
    recipe = other.make("recipe", folder_id=folder.id)
    for _ in range(3):
        desk.make("property")
    for attempt in (
        lambda: desk.registry.get(desk.workspace, "recipe", recipe.id),
        lambda: desk.registry.transition(desk.by, "recipe", recipe.id, "start"),
        lambda: desk.registry.delete(desk.by, "recipe", recipe.id),
        lambda: desk.registry.versions(desk.workspace, "recipe", recipe.id),
        lambda: desk.registry.page(desk.workspace, "recipe", folder=folder.id),
    ):
        with pytest.raises(NotFound):
            attempt()
    with pytest.raises(InvalidInput):
        desk.make("recipe", folder_id=folder.id)
    assert other.get(recipe) == recipe


def test_a_workspace_has_only_so_many_assets(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "ASSETS_MAX", 2)
    first = desk.make("recipe")
    desk.make("recipe")
    with pytest.raises(Conflict, match="at most 2 assets"):
        desk.make("recipe")
    with pytest.raises(Conflict):
        desk.registry.copy(desk.by, "recipe", first.id)
    desk.registry.delete(desk.by, "recipe", first.id)
    desk.make("recipe")
    with pytest.raises(Conflict):
        desk.registry.undelete(desk.by, "recipe", first.id)


# --- Lists


def test_a_listing_is_paged_by_name_and_by_id(desk: Desk) -> None:
    names = ["b", "A", "ä", "C", "a2", "Z"]
    made = [desk.make("recipe", name) for name in names]
    for order, expected in (
        ("name", ["A", "a2", "b", "C", "Z", "ä"]),
        ("id", [one.name for one in made]),
    ):
        found: list[str] = []
        after = None
        while True:
            page = desk.registry.page(
                desk.workspace,
                "recipe",
                after=after,
                limit=2,
                order=order,  # type: ignore[arg-type]
            )
            found += [one.name for one in page.assets]
            if (after := page.next) is None:
                break
            assert len(page.assets) == 2
        assert found == expected


def test_a_listing_is_of_a_folder_a_state_a_part_of_the_name_or_the_deleted(desk: Desk) -> None:
    folder = desk.make("folder")
    inside = desk.make("recipe", "100% Inside_it", folder_id=folder.id)
    outside = desk.make("recipe", "Outside")
    gone = desk.make("recipe", "Gone", folder_id=folder.id)
    desk.registry.delete(desk.by, "recipe", gone.id)
    desk.registry.transition(desk.by, "recipe", outside.id, "start")

    def names(**asked: Any) -> list[str]:
        return [one.name for one in desk.registry.page(desk.workspace, "recipe", **asked).assets]

    assert names() == names(folder=ALL) == [inside.name, outside.name]
    assert names(folder=folder.id) == [inside.name]
    assert names(folder=None) == names(folder=HOME) == [outside.name]
    assert names(q="SIDE") == [inside.name, outside.name]
    assert names(q="%") == names(q="e_i") == [inside.name]
    assert names(q="'") == []
    assert names(state="running") == [outside.name]
    assert names(deleted=True) == ["Gone"]
    assert names(deleted=True, folder=folder.id) == ["Gone"]


def test_a_page_of_much_content_ends_earlier(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trailkeeper.assets.reads.PAGE_MAX_BYTES", 2_500)
    for number in range(3):
        desk.make("recipe", f"R{number}", description="x" * 1_000)
    first = desk.registry.page(desk.workspace, "recipe")
    second = desk.registry.page(desk.workspace, "recipe", after=first.next)
    assert [one.name for one in first.assets] == ["R0", "R1"]
    assert [one.name for one in second.assets] == ["R2"]
    assert second.next is None
    monkeypatch.setattr("trailkeeper.assets.reads.PAGE_MAX_BYTES", 1)
    assert len(desk.registry.page(desk.workspace, "recipe").assets) == 1


def test_the_tree_of_folders_counts_what_is_in_each(desk: Desk) -> None:
    erp = desk.make("folder", "ERP")
    shop = desk.make("folder", "Shop", folder_id=erp.id)
    desk.make("recipe", folder_id=erp.id)
    desk.make("connection", folder_id=erp.id)
    gone = desk.make("recipe", folder_id=erp.id)
    desk.registry.delete(desk.by, "recipe", gone.id)
    assert [
        (one.id, one.parent_id, one.count) for one in desk.registry.folders(desk.workspace)
    ] == [
        (erp.id, None, 2),
        (shop.id, erp.id, 0),
    ]
    of_recipes = desk.registry.folders(desk.workspace, "recipe")
    assert [one.count for one in of_recipes] == [1, 0]
