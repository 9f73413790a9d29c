"""The table of kinds: whole, consistent with itself, and with the catalogue."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from trailkeeper.assets.kind import Kind
from trailkeeper.assets.kinds import BY_PATH, KINDS
from trailkeeper.assets.reference import main, page
from trailkeeper.catalogue import catalogue
from trailkeeper.identity.privileges import PRIVILEGES

PAGE = Path(__file__).parents[2] / "docs/reference/assets.md"
ALL = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
PATHS = [
    *("folders", "recipes", "connections", "manifests", "packages", "connectors"),
    *("common-data-models", "lookup-tables", "message-templates", "properties", "topics"),
    *("api-collections", "api-endpoints", "api-customers", "api-access-profiles", "api-policies"),
]


def test_every_action_of_the_other_fifteen_categories_is_recorded_by_an_operation() -> None:
    documented = [
        spec.action
        for category in catalogue().categories
        if not category.own and category.name not in ("Account", "Team")
        for spec in category.actions
    ]
    assert len(documented) == 59
    recorded = {one.action for kind in KINDS.values() for one in kind.operations.values()}
    assert recorded == {*documented, "asset.undeleted"}


def test_the_paths_are_the_promised_ones() -> None:
    assert list(BY_PATH) == PATHS


@ALL
def test_what_it_records_is_about_its_kind(kind: Kind) -> None:
    for operation in kind.operations.values():
        spec = catalogue().get(operation.action)
        assert spec
        assert spec.target_type in (kind.name, "package", "asset")
    assert kind.icon


@ALL
def test_its_operations_ask_for_privileges_that_there_are_and_name_its_states(kind: Kind) -> None:
    assert {kind.view, kind.edit} <= set(PRIVILEGES)
    for operation in kind.operations.values():
        assert operation.privilege in PRIVILEGES
        assert set(operation.from_states) <= set(kind.states)
        assert operation.to_state is None or operation.to_state in kind.states


@ALL
def test_a_name_is_enough_and_every_field_it_names_is_in_its_content(kind: Kind) -> None:
    fields = set(kind.content.__struct_fields__)
    assert kind.content() == msgspec.convert({}, kind.content)
    assert {*kind.secret_fields, *kind.managed, *kind.told} <= fields
    assert {one.field for one in kind.references} <= fields
    assert {one.kind for one in kind.references} <= set(KINDS)
    assert (kind.parent_kind is not None) == (kind.place == "parent")
    # What the flat form of an asset says itself.
    assert not fields & {"id", "kind", "name", "state", "version", "revision", "public", "token"}


def test_the_reference_page_is_what_the_table_says() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `make docs`"


def test_check_tells_of_a_page_that_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "assets.md"
    assert main(["--check", str(made)]) == 1
    assert "run `make docs`" in capsys.readouterr().err
    assert main([str(made)]) == 0
    assert main(["--check", str(made)]) == 0
    assert main([]) == 0
    assert capsys.readouterr().out == made.read_text("utf-8")
