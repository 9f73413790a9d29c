"""Cutting what is too long: it fits, it is marked, and what is short stays."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trailkeeper.activity import Change
from trailkeeper.errors import InvalidActivity
from trailkeeper.ledger.cut import CUT, START_CHARACTERS, cut_to_fit
from trailkeeper.ledger.parties import PersonalParty
from trailkeeper.ledger.personal import Personal

encode = msgspec.json.Encoder(order="deterministic").encode


def personal(details: dict[str, Any] | None = None, *changes: Change) -> Personal:
    party = PersonalParty(name="Robin")
    return Personal(
        actor=party, targets=[party], details=details or None, changes=list(changes) or None
    )


VALUES = st.one_of(
    st.integers(),
    st.text(max_size=20),
    st.sampled_from(["x", "é", "\x01", '"', "😀"]).flatmap(
        lambda one: st.integers(0, 3_000).map(lambda times: one * times)
    ),
    st.lists(st.text('"a', min_size=40, max_size=60), max_size=30),
    st.dictionaries(st.text("ab", max_size=3), st.just("v" * 300), max_size=5),
)
CHANGES = st.builds(Change, field=st.just("f"), old=VALUES, new=VALUES)
PERSONAL = st.builds(
    personal, st.none() | st.dictionaries(st.text("abc", max_size=4), VALUES, max_size=8)
) | st.builds(
    lambda details, changes: personal(details, *changes),
    st.dictionaries(st.text("abc", max_size=4), VALUES, max_size=8),
    st.lists(CHANGES, max_size=8),
)


@given(PERSONAL, st.integers(300, 12_000))
def test_the_result_fits_the_room_and_is_never_longer_than_before(one: Personal, room: int) -> None:
    before = encode(one)
    cut, body = cut_to_fit(one, room, encode)
    assert len(body) <= room
    assert len(body) <= len(before)
    assert body == encode(cut)
    assert encode(one) == before


@given(PERSONAL)
def test_what_fits_is_left_as_it_is(one: Personal) -> None:
    assert cut_to_fit(one, len(encode(one)), encode) == (one, encode(one))


@given(PERSONAL, st.integers(300, 12_000))
def test_each_mark_tells_the_size_and_the_start_of_what_was_there(one: Personal, room: int) -> None:
    cut, _ = cut_to_fit(one, room, encode)
    for key, value in (cut.details or {}).items():
        if value != (one.details or {}).get(key) and key != CUT:
            was = (one.details or {})[key]
            text = was if isinstance(was, str) else encode(was).decode()
            mark = {"original_bytes": len(encode(was)), "start": text[:START_CHARACTERS]}
            assert value == {CUT: mark}


def test_the_longest_value_is_cut_first_and_the_small_ones_stay() -> None:
    one = personal(
        {"long": "x" * 5_000, "longer": "y" * 9_000, "small": "kept", "number": 7},
        Change(field="name", old="a", new="b"),
    )
    cut, _ = cut_to_fit(one, 6_000, encode)
    assert cut.details == {
        "long": "x" * 5_000,
        "longer": {CUT: {"original_bytes": 9_002, "start": "y" * START_CHARACTERS}},
        "small": "kept",
        "number": 7,
    }
    assert cut.changes == one.changes


def test_each_side_of_a_change_is_cut_by_itself() -> None:
    one = personal(None, Change(field="code", old="x" * 9_000, new="short"))
    cut, _ = cut_to_fit(one, 2_000, encode)
    assert cut.changes == [
        Change(
            field="code",
            old={CUT: {"original_bytes": 9_002, "start": "x" * START_CHARACTERS}},
            new="short",
        )
    ]


def test_too_many_small_details_are_replaced_by_their_number() -> None:
    details = {str(number): "x" * 100 for number in range(100)}
    cut, _ = cut_to_fit(personal(details, Change(field="f", new=1)), 5_000, encode)
    assert cut.details == {CUT: {"original_bytes": len(encode(details)), "keys": 100}}
    assert cut.changes == [Change(field="f", new=1)]


def test_too_many_small_changes_are_replaced_by_their_number_and_details_stay() -> None:
    changes = [Change(field=f"f{number}", old=1, new="x" * 50) for number in range(100)]
    cut, _ = cut_to_fit(personal({"note": "kept"}, *changes), 5_000, encode)
    assert cut.changes == [
        Change(field=CUT, new={"original_bytes": len(encode(changes)), "changes": 100})
    ]
    assert cut.details == {"note": "kept"}


def test_many_long_details_and_many_changes_fit_all_the_same() -> None:
    details = {str(number): "x" * 600 for number in range(100)}
    changes = [Change(field=f"f{number}", new="y" * 400) for number in range(100)]
    for room in (1_000, 30_000, 40_000, 60_000):
        _, body = cut_to_fit(personal(details, *changes), room, encode)
        assert len(body) <= room


def test_what_must_not_be_cut_is_refused_when_it_is_too_long() -> None:
    named = PersonalParty(name="x" * 1_000)
    one = Personal(actor=named, targets=[named] * 10, details={"a": "b"})
    with pytest.raises(InvalidActivity, match="longer than 64 KiB"):
        cut_to_fit(one, 5_000, encode)
