"""The reference pages say what the code does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from trailkeeper.errors import BASE, PROBLEMS, Problem
from trailkeeper.query.filters import FIELDS, MATCHES_MAX, VALUES_MAX
from trailkeeper.query.language import QUERY_MAX, QueryError, parse
from trailkeeper.settings import Settings

PAGES = Path(__file__).parents[2] / "docs" / "reference"
SETTINGS = (PAGES / "settings.md").read_text("utf-8")
PROBLEM_PAGE = (PAGES / "problems.md").read_text("utf-8")
LANGUAGE = (PAGES / "query-language.md").read_text("utf-8")

FENCED = re.findall(r"^```query\n(.*?)^```$", LANGUAGE, re.DOTALL | re.MULTILINE)
IN_TABLE = re.findall(r"^\| `(\w+)` \|(?: `(\w+)`)? .* \| `([^`]+)` \|$", LANGUAGE, re.MULTILINE)
EXAMPLES = [line for block in FENCED for line in block.splitlines()]


def test_every_setting_is_on_the_page_and_nothing_else() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", SETTINGS, re.MULTILINE)
    assert rows == list(Settings.__struct_fields__)


def test_every_default_on_the_page_is_the_real_one() -> None:
    shown = dict(re.findall(r"^\| `(\w+)` \|[^|]*\| `?(.*?)`? \|", SETTINGS, re.MULTILINE))
    real = msgspec.to_builtins(Settings())
    assert shown == {name: str(value) if value else "empty" for name, value in real.items()}


def test_the_example_file_of_settings_can_be_used_and_has_every_setting() -> None:
    (text,) = re.findall(r"^```toml\n(.*?)^```$", SETTINGS, re.DOTALL | re.MULTILINE)
    values = tomllib.loads(text)
    assert msgspec.convert(values, Settings)
    assert list(values) == list(Settings.__struct_fields__)


@pytest.mark.parametrize("kind", PROBLEMS, ids=lambda kind: kind.slug)
def test_every_problem_is_on_the_page_with_its_status_and_title(kind: type[Problem]) -> None:
    assert f'\n## {kind.slug}\n\n{kind.status}, "{kind.title}".' in PROBLEM_PAGE


def test_no_problem_is_on_the_page_that_does_not_exist() -> None:
    headings = re.findall(r"^## (.*)$", PROBLEM_PAGE, re.MULTILINE)
    assert sorted(headings) == sorted(kind.slug for kind in PROBLEMS)
    assert f"start with `{BASE}`" in PROBLEM_PAGE


@pytest.mark.parametrize("query", EXAMPLES)
def test_every_example_query_can_be_read(query: str) -> None:
    assert not parse(query).is_empty


@pytest.mark.parametrize(("name", "alias", "example"), IN_TABLE)
def test_every_qualifiers_example_is_of_that_qualifier(name: str, alias: str, example: str) -> None:
    assert example.startswith(f"{name}:")
    assert not parse(example).is_empty
    if alias:
        assert parse(f"{alias}{example.removeprefix(name)}") == parse(example)


def test_every_qualifier_is_on_the_page() -> None:
    assert [name for name, _, _ in IN_TABLE] == [*FIELDS, "after", "before"]
    with pytest.raises(QueryError, match="known:") as raised:
        parse("nonsense:x")
    known = str(raised.value).partition("known: ")[2].partition(")")[0].split(", ")
    aliases = {alias for _, alias, _ in IN_TABLE if alias}
    assert set(known) == {*(name for name, _, _ in IN_TABLE), *aliases}


def test_the_limits_on_the_page_are_the_real_ones() -> None:
    assert f"at most {QUERY_MAX:,} characters and {MATCHES_MAX} terms" in LANGUAGE
    assert f"at most {VALUES_MAX} values" in LANGUAGE
