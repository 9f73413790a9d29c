"""The registry as files: exporting and syncing again has nothing to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.assets.desk import Desk, open_desk
from tests.assets.shelf import Shelf

from trailkeeper.assets.sync.export import export, texts
from trailkeeper.assets.sync.layout import STEM_MAX_BYTES, stem_of
from trailkeeper.errors import Conflict
from trailkeeper.installation import Installation

ODD_NAMES = [
    "a/b", "..", ".", ".hidden", "con:nul*?", 'q"<>|', "100%", "%2F", "trailing.", "trailing dot .",
    "x.yaml", "x.csv", "Ünïcödé", "🚀 launch", "é", "n" * 200, "ü" * 200, "~", "-dash", "a\\b",
    "null", "no", "007", "#", "- x", "key: value",
]  # fmt: skip


@pytest.fixture
def shelf(desk: Desk, tmp_path: Path) -> Shelf:
    return Shelf(desk, tmp_path / "files")


def exported(shelf: Shelf) -> Shelf:
    export(shelf.held(), shelf.root)
    return shelf


def filled(desk: Desk) -> Desk:
    """A workspace with an asset of every kind, and references between them."""
    home = desk.make("folder", "ERP", description="Ours")
    inner = desk.make("folder", "Orders", folder_id=home.id)
    connection = desk.make(
        "connection", "NetSuite", folder_id=home.id, provider="x", credentials={"token": "s3cr3t"}
    )
    desk.registry.transition(desk.by, "connection", connection.id, "connect")
    table = desk.make(
        "lookup_table",
        "SKUs",
        columns=[{"name": "a,b", "type": "string"}, {"name": "n", "type": "integer"}],
        rows=[["x\ny", "1"], ['"', ""], ["=1+1", "007"]],
    )
    desk.make("lookup_table", "Empty", columns=[{"name": "only"}], rows=[[""], ["x"]])
    desk.make("lookup_table", "No columns")
    recipe = desk.make(
        "recipe",
        "Sync",
        folder_id=inner.id,
        code={"text": "no", "deep": [{"on": True, "n": 1.5, "null": None, "1": []}]},
        uses=[
            {"kind": "connection", "id": connection.id},
            {"kind": "lookup_table", "id": table.id},
        ],
    )
    desk.registry.transition(desk.by, "recipe", recipe.id, "start")
    desk.registry.set_access_scope(desk.by, "recipe", recipe.id, public=True)
    desk.make("property", "Open", value="on")
    desk.make("property", "Closed", value="hunter2", secret=True)
    desk.make("property", "Closed and empty", secret=True)
    connector = desk.make("connector", "C", source="{\n  title: 'x'\n}\n")
    desk.registry.release(desk.by, "connector", connector.id)
    desk.make("message_template", "T", body="Line 1\n\n  Line 2 {{ x }}\n")
    desk.make("common_data_model", "M", schema={"type": "object"})
    desk.make("pubsub_topic", "a.b.c", schema={"type": "string"})
    collection = desk.make("api_collection", "Products", base_path="/p")
    desk.make("api_endpoint", "Get", parent_id=collection.id, recipe_id=recipe.id, path="/x")
    policy = desk.make("api_policy", "P", quota={"requests": 5, "per": "day"})
    customer = desk.make("api_customer", "Shop", email="a@example.com")
    desk.make(
        "access_profile",
        "Main",
        parent_id=customer.id,
        policy_id=policy.id,
        collection_ids=[collection.id],
    )
    desk.make("manifest", "All", folder_id=home.id, assets=[{"kind": "recipe", "id": recipe.id}])
    return desk


def test_what_is_exported_needs_no_sync(shelf: Shelf) -> None:
    filled(shelf.desk)
    plan = exported(shelf).plan()
    assert (plan.steps, plan.hand_made) == ([], [])
    assert shelf.sync() == []
    assert len(shelf.plan().unmanaged) == len(shelf.held().assets)


def test_what_is_exported_can_be_adopted_and_then_needs_no_sync(shelf: Shelf) -> None:
    filled(shelf.desk)
    exported(shelf)
    assert {tuple(verbs) for verbs in shelf.steps(adopt=True).values()} == {("adopt",)}
    assert shelf.sync(adopt=True) == []
    assert shelf.plan().unmanaged == []
    again = Shelf(shelf.desk, shelf.root.parent / "again")
    assert exported(again).plan().steps == []
    assert contents(again.root) == contents(shelf.root)


def test_no_secret_is_in_the_files(shelf: Shelf) -> None:
    filled(shelf.desk)
    text = str(contents(exported(shelf).root))
    assert "s3cr3t" not in text
    assert "hunter2" not in text
    assert "env: CONNECTION_NETSUITE_CREDENTIALS" in text
    assert "env: PROPERTY_CLOSED_VALUE" in text
    assert "PROPERTY_CLOSED_AND_EMPTY" not in text


def test_another_workspace_becomes_the_same_from_the_files(shelf: Shelf) -> None:
    filled(shelf.desk)
    exported(shelf)
    environ = {
        "CONNECTION_NETSUITE_CREDENTIALS": '{"token": "other"}',
        "PROPERTY_CLOSED_VALUE": "other",
    }
    other = Shelf(open_desk(shelf.desk.here), shelf.root, environ)
    other.sync()
    back = Shelf(other.desk, shelf.root.parent / "back")
    assert contents(exported(back).root) == contents(shelf.root)
    assert other.plan().steps == []


def test_assets_of_files_keep_their_names_in_the_files(shelf: Shelf) -> None:
    shelf.put("recipes/ERP/Sync", "key: my-key\ncode: {}").put("recipes/Other", "code: {a: 1}")
    shelf.sync()
    again = exported(Shelf(shelf.desk, shelf.root.parent / "again"))
    assert contents(again.root) == {
        "folders/ERP.yaml": "{}\n",
        "recipes/ERP/Sync.yaml": "key: my-key\n",
        "recipes/Other.yaml": "code:\n  a: 1\n",
    }
    one = shelf.there("recipes/Other")
    shelf.desk.registry.rename(shelf.desk.by, "recipe", one.id, "Renamed by hand")
    third = exported(Shelf(shelf.desk, shelf.root.parent / "third"))
    assert third.plan().steps == []
    assert third.sync() == []
    third.rename("recipes/Renamed by hand", "recipes/Renamed in files")
    assert third.sync() == ["recipe.renamed"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_name_has_a_file(shelf: Shelf, name: str) -> None:
    folder = shelf.desk.make("folder", name)
    shelf.desk.make("recipe", name, folder_id=folder.id, code={"a": name})
    collection = shelf.desk.make("api_collection", name)
    shelf.desk.make("api_endpoint", name, parent_id=collection.id)
    plan = exported(shelf).plan()
    assert (plan.steps, plan.hand_made) == ([], [])
    other = Shelf(open_desk(shelf.desk.here), shelf.root)
    other.sync()
    assert {one.name for one in other.held().assets.values()} == {name.strip()}


def test_names_that_look_alike_as_files_are_told_apart(shelf: Shelf) -> None:
    for name in ("a/b", "a%2Fb", "x" * 190 + "1", "x" * 190 + "2"):
        shelf.desk.make("recipe", name)
    assert exported(shelf).plan().steps == []
    assert len(contents(shelf.root)) == 4


@settings(
    max_examples=60, deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(name=st.text(min_size=1, max_size=200))
def test_files_of_names_are_safe_everywhere(name: str) -> None:
    stem = stem_of(name.encode("utf-8", "replace").decode())
    assert len(stem.encode()) <= STEM_MAX_BYTES
    assert not set(stem) & set('/\\:*?"<>|\0')
    assert not stem.startswith(".")
    assert stem not in ("", ".", "..")
    assert not stem.endswith((" ", "."))


@settings(
    max_examples=15, deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(
    code=st.dictionaries(
        st.text(max_size=10),
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=30),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
            ),
            max_leaves=10,
        ),
        max_size=4,
    ),
    text=st.text(max_size=200),
)
def test_any_content_comes_back(
    here: Installation, tmp_path: Path, code: dict[str, Any], text: str
) -> None:
    desk = open_desk(here)
    desk.make("recipe", "R", code=code)
    desk.make("connector", "C", source=text)
    root = tmp_path / str(desk.workspace)
    shelf = exported(Shelf(desk, root))
    assert (shelf.plan().steps, shelf.plan().hand_made) == ([], [])


def test_only_an_empty_folder_is_written_into(shelf: Shelf) -> None:
    shelf.desk.make("recipe", "R")
    (shelf.root / ".git").mkdir(parents=True)
    exported(shelf)
    with pytest.raises(Conflict, match="is not empty"):
        exported(shelf)


def test_an_asset_that_names_what_is_gone_can_be_exported(shelf: Shelf) -> None:
    used = shelf.desk.make("connection", "C")
    shelf.desk.make("recipe", "R", uses=[{"kind": "connection", "id": used.id}])
    shelf.desk.registry.delete(shelf.desk.by, "connection", used.id)
    assert exported(shelf).plan().steps == []
    assert used.id in dict(texts(shelf.held()))["recipes/R.yaml"]


def contents(root: Path) -> dict[str, str]:
    return {
        str(file.relative_to(root)): file.read_text("utf-8")
        for file in sorted(root.rglob("*"))
        if file.is_file()
    }
