"""Cursors: they come back as they were, and nobody can make or change one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trailkeeper.query.cursor import CURSOR_MAX, CursorError, make_cursor, read_cursor
from trailkeeper.query.filters import Filter, Match

KEY = b"k" * 32
ASKED = Filter(matches=(Match(field="actor", values=("7",)),), within=3_600)
POSITIONS = st.integers(-(1 << 63), (1 << 63) - 1)


def cursor_at(position: int) -> str:
    return make_cursor(KEY, 1, ASKED, "desc", position)


@given(POSITIONS)
def test_a_cursor_holds_its_position_in_url_safe_text(position: int) -> None:
    cursor = cursor_at(position)
    assert read_cursor(KEY, 1, ASKED, "desc", cursor) == position
    assert len(cursor) <= CURSOR_MAX
    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(POSITIONS, st.data())
def test_a_cursor_with_any_character_changed_is_refused(position: int, data: st.DataObject) -> None:
    cursor = cursor_at(position)
    at = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.characters().filter(lambda one: one != cursor[at]))
    with pytest.raises(CursorError):
        read_cursor(KEY, 1, ASKED, "desc", cursor[:at] + other + cursor[at + 1 :])


@given(POSITIONS, st.data())
def test_a_cursor_that_is_cut_or_lengthened_is_refused(position: int, data: st.DataObject) -> None:
    cursor = cursor_at(position)
    at = data.draw(st.integers(0, len(cursor)))
    more = data.draw(st.text(min_size=1, max_size=5))
    for wrong in (cursor[:at] + more + cursor[at:], cursor[:at] + cursor[at + 1 :] or "x"):
        if wrong != cursor:
            with pytest.raises(CursorError):
                read_cursor(KEY, 1, ASKED, "desc", wrong)


@given(st.text(max_size=250))
def test_no_text_from_outside_is_a_cursor(text: str) -> None:
    with pytest.raises(CursorError):
        read_cursor(KEY, 1, ASKED, "desc", text)


def test_a_cursor_is_for_one_workspace_filter_and_order_only() -> None:
    cursor = cursor_at(5)
    for workspace, asked, order in ((2, ASKED, "desc"), (1, Filter(), "desc"), (1, ASKED, "asc")):
        with pytest.raises(CursorError, match="another filter or order"):
            read_cursor(KEY, workspace, asked, order, cursor)


def test_a_cursor_of_another_installation_is_refused() -> None:
    with pytest.raises(CursorError, match="start again"):
        read_cursor(b"other" * 8, 1, ASKED, "desc", cursor_at(5))
