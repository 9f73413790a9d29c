"""What is made from the table is what the table says."""

from pathlib import Path

import pytest

from trailkeeper.catalogue import catalogue
from trailkeeper.catalogue.reference import ICONS, icons, main, page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "activities.md"
REMEDY = "run `python -m trailkeeper.catalogue.reference docs/reference/activities.md`"


def test_the_reference_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == page(catalogue()), REMEDY


def test_the_list_of_icons_is_up_to_date_and_has_every_icon() -> None:
    listed = ICONS.read_text("utf-8")
    assert listed == icons(catalogue()), REMEDY
    names = listed.split()
    assert names == sorted(set(names))
    assert {catalogue().icon_of(spec.action) for spec in catalogue().actions} <= set(names)
    assert {category.icon for category in catalogue().categories} <= set(names)


def test_the_page_names_its_source_and_has_a_row_for_each_action() -> None:
    text = page(catalogue())
    assert 'Workato\'s\ndocumentation page "Activity audit log" of 2019' in text
    for spec in catalogue().actions:
        assert f"\n| `{spec.action}` | {spec.label}" in text


def test_every_row_has_as_many_cells_as_the_head() -> None:
    rows = [line for line in page(catalogue()).splitlines() if line.startswith("|")]
    assert {row.replace("\\|", "").count("|") for row in rows} == {8}


def test_check_tells_of_a_page_that_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = tmp_path / "activities.md"
    stale.write_text("old")
    assert main(["--check", str(PAGE)]) == 0
    assert main(["--check", str(stale)]) == 1
    assert main(["--check"]) == 2
    message = capsys.readouterr().err
    assert f"{stale} is not what activities.toml says" in message


def test_without_a_path_the_page_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out == page(catalogue())


def test_the_command_writes_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trailkeeper.catalogue.reference.ICONS", tmp_path / "icons.txt")
    assert main([str(tmp_path / "new" / "activities.md")]) == 0
    assert (tmp_path / "new" / "activities.md").read_text("utf-8") == page(catalogue())
    assert (tmp_path / "icons.txt").read_text("utf-8") == icons(catalogue())
