"""The index in memory over the fresh rows follows them, whatever became of them in between."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from trailkeeper.ledger.sqlite.fresh import FreshIndex

WORDS = ("red", "green", "blue")
rows = st.dictionaries(st.integers(-5, 5), st.sampled_from(WORDS), min_size=1, max_size=6)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(rows, st.sampled_from(WORDS), st.integers(-6, 6), st.integers(-6, 6))))
def test_it_finds_what_is_there_now(asked: list[tuple[dict[int, str], str, int, int]]) -> None:
    index = FreshIndex()
    for there, word, low, high in asked:
        wanted = [key for key, body in there.items() if body == word and low <= key < high]
        assert sorted(index.matching(list(there.items()), word, low, high)) == sorted(wanted)
    index.close()


def test_it_starts_anew_after_it_was_closed() -> None:
    index = FreshIndex()
    assert index.matching([(1, "red")], "red", 0, 9) == [1]
    index.close()
    assert index.matching([(1, "red"), (2, "red")], "red", 0, 9) == [1, 2]
    index.close()
