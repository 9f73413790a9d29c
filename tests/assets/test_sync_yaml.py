"""YAML for the sync: what is read is what JSON could say, and what is written reads back."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from trailkeeper.assets.sync.yaml_text import DEPTH_MAX, YamlProblem, read, write

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["no", "on", "~", "null", "true", "007", "1e3", "1_000", "0x1f", "1:30", "2020-01-01", ".inf",
     "- a", "a: b", "#x", " a ", "a\nb", "\n", "\na\n\n", "  x\n y", "a\tb", "a\r\nb", "=", "<<"]
)  # fmt: skip
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None, database=None)
@given(st.dictionaries(texts, values, max_size=5))
def test_what_is_written_reads_back(value: dict[str, Any]) -> None:
    assert read(write(value)).value == value


@settings(max_examples=100, deadline=None, database=None)
@given(st.dictionaries(texts, texts, max_size=5))
def test_other_readers_take_the_texts_for_texts_too(value: dict[str, str]) -> None:
    assert list(yaml.safe_load(write(value)).values()) == list(value.values())


def test_plain_values_are_what_json_would_have_them_be() -> None:
    found = read("a: no\nb: 007\nc: 12\nd: -1.5e3\ne: true\nf:\ng: 1:30\nh: 0x1f\n1: x").value
    assert found == {
        "a": "no", "b": "007", "c": 12, "d": -1500.0, "e": True, "f": None, "g": "1:30",
        "h": "0x1f", "1": "x",
    }  # fmt: skip


def test_every_field_has_a_line() -> None:
    document = read("a: 1\n\nb:\n  - x: 1\n  - y/z: 2\n")
    assert document.lines["/b/1/y~1z"] == 5
    assert document.line_of("/b/0/x/deeper") == 4
    assert document.line_of("/nowhere") == 1


@pytest.mark.parametrize(
    ("text", "line", "field", "told"),
    [
        ("a: 1\nb: 2\na: 3", 3, "/a", "stands twice; the first is in line 1"),
        ("a:\n  x: {p: 1, p: 2}", 2, "/a/x/p", "stands twice"),
        ("a: &x [1]\nb: *x", 1, "/a", "anchor"),
        ("b: *x", 1, "/b", "alias"),
        ("a: !!python/object/apply:os.system [id]", 1, "/a", "tag"),
        ("a: !include other.yaml", 1, "/a", "tag"),
        ("a: 1\n---\nb: 2", 2, "", "second document"),
        ("- 1", 1, "", "must hold fields"),
        ("just text", 1, "", "must hold fields"),
        ("", 1, "", "must hold fields"),
        ("a: [1\nb: 2", 2, "", "is no YAML"),
        ("a: 'x", 1, "", "is no YAML"),
        ("a: \x07", 1, "", "is no YAML"),
        ("? [a]\n: 1", 1, "", "a key that is no text"),
        ("a: 99999999999999999999", 1, "/a", "too many digits"),
        ("a: 1e999", 1, "/a", "too large"),
    ],
)
def test_what_is_refused_says_where(text: str, line: int, field: str, told: str) -> None:
    with pytest.raises(YamlProblem) as refused:
        read(text)
    assert (refused.value.line, refused.value.field) == (line, field)
    assert told in refused.value.detail


@pytest.mark.parametrize(
    "bomb",
    [
        "a: " + "[" * 100_000,
        "a: " + "{a: " * 100_000,
        "\n".join(f"{' ' * n}a:" for n in range(1_000)),
        "a: &a [x]\n" + "\n".join(f"b{n}: [*a, *a, *a]" for n in range(1_000)),
    ],
)
def test_bombs_do_not_go_off(bomb: str) -> None:
    start = time.monotonic()
    with pytest.raises(YamlProblem):
        read(bomb)
    assert time.monotonic() - start < 2


def test_as_deep_as_is_allowed() -> None:
    assert read("a: " + "[" * (DEPTH_MAX - 1) + "]" * (DEPTH_MAX - 1)).value
    with pytest.raises(YamlProblem, match="nested deeper"):
        read("a: " + "[" * DEPTH_MAX + "]" * DEPTH_MAX)


def test_no_number_that_json_has_not_comes_out() -> None:
    found = read("a: .nan\nb: .inf\nc: NaN").value
    assert found == {"a": ".nan", "b": ".inf", "c": "NaN"}
    assert not any(isinstance(one, float) and math.isnan(one) for one in found.values())
