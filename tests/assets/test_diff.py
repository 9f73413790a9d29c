"""What changed between two values, and the way back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from trailkeeper.activity import Change
from trailkeeper.assets.diff import CHANGES_MAX, POINTER_MAX, DiffError, apply, diff

scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([1.0, 0.5, "", "a", "b"])
keys = st.sampled_from(["a", "b/c", "~", "", "id", "uuid", "0", "é" * 200])
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=25,
)
documents = st.dictionaries(keys, json_values, max_size=4)


def told(old: Any, new: Any) -> list[tuple[str, Any, Any]]:
    return [(one.field, one.old, one.new) for one in diff(old, new)]


def json_of(value: Any) -> str:
    """A text that tells 1, 1.0 and true apart, and does not mind the order of keys."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key!r}:{json_of(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(json_of, value)) + "]"
    return repr(value)


@given(documents, documents)
@settings(deadline=None)
def test_the_changes_make_the_new_of_the_old(old: Any, new: Any) -> None:
    changes = diff(old, new)
    assert json_of(apply(old, changes)) == json_of(new)
    assert bool(changes) == (json_of(old) != json_of(new))
    assert all(1 <= len(one.field) <= POINTER_MAX or one.field == "/" for one in changes)


@given(st.lists(st.integers(0, 6), max_size=12), st.lists(st.integers(0, 6), max_size=12))
@settings(deadline=None)
def test_lists_of_values_that_repeat(old: list[int], new: list[int]) -> None:
    assert apply({"a": old}, diff({"a": old}, {"a": new})) == {"a": new}


def test_a_value_that_is_replaced_has_both_sides() -> None:
    assert told({"a": {"b": 1}}, {"a": {"b": 2}}) == [("/a/b", 1, 2)]


def test_one_that_is_new_has_only_the_new_and_one_that_is_gone_only_the_old() -> None:
    assert told({"a": {}}, {"a": {"b": None}}) == [("/a/b", UNSET, None)]
    assert told({"a": {"b": None}}, {"a": {}}) == [("/a/b", None, UNSET)]


def test_numbers_and_truth_are_told_apart() -> None:
    assert told({"a": 1}, {"a": True}) == [("/a", 1, True)]
    assert told({"a": 1}, {"a": 1.0}) == [("/a", 1, 1.0)]


def test_an_item_inserted_in_front_is_one_change() -> None:
    steps = [{"do": number} for number in range(50)]
    assert told({"steps": steps}, {"steps": [{"do": "new"}, *steps]}) == [
        ("/steps/0", UNSET, {"do": "new"})
    ]


def test_an_item_that_is_known_by_its_id_is_changed_inside_while_others_move() -> None:
    old = {"steps": [{"uuid": "a", "in": 1}, {"uuid": "b", "in": 2}]}
    new = {"steps": [{"uuid": "x", "in": 0}, {"uuid": "a", "in": 1.5}, {"uuid": "b", "in": 3}]}
    assert told(old, new) == [
        ("/steps/0", UNSET, {"uuid": "x", "in": 0}),
        ("/steps/1/in", 1, 1.5),
        ("/steps/2/in", 2, 3),
    ]


def test_keys_with_slashes_and_tildes_are_escaped() -> None:
    assert told({"a": {"b/c~": 1}}, {"a": {"b/c~": 2}}) == [("/a/b~1c~0", 1, 2)]


def test_a_pointer_that_is_too_long_is_told_of_what_holds_it() -> None:
    long = "k" * 300
    assert told({"a": {long: 1}}, {"a": {long: 2}}) == [("/a", {long: 1}, {long: 2})]


def test_very_many_changes_are_told_as_whole_fields() -> None:
    old = {"small": {"x": 1}, "rows": [[str(number)] for number in range(2_000)]}
    new = {"small": {"x": 2}, "rows": [[f"{number}!"] for number in range(2_000)]}
    changes = diff(old, new)
    assert len(changes) <= CHANGES_MAX
    assert [one.field for one in changes] == ["/small/x", "/rows"]
    assert apply(old, changes) == new


def test_long_lists_of_equal_items_are_compared_quickly() -> None:
    old = {"rows": [["same"]] * 9_000 + [["end"]]}
    new = {"rows": [["start"]] + [["same"]] * 9_500}
    assert apply(old, diff(old, new)) == new


@pytest.mark.parametrize(
    "field", ["/none/x", "/none", "/list/7", "/list/-1", "/list/x", "/text/0", "/list/0/x"]
)
def test_a_change_that_does_not_fit_is_refused(field: str) -> None:
    value = {"list": [1], "text": "abc"}
    with pytest.raises(DiffError, match="there is no"):
        apply(value, [Change(field=field, old=1, new=2)])
    assert value == {"list": [1], "text": "abc"}
