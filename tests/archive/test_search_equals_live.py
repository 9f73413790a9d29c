"""The search of an archive finds what the search of the log finds, in the same order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.archive.filling import DAY_US, FIRST, acme, record, set_archive, written
from tests.contract.brute import Recorded, listed
from tests.contract.test_store_reader import (
    FILTERS,
    ORDERS,
    PHRASES,
    START,
    VALUES,
    make_activities,
)

from trailkeeper.activity import ActivityInput
from trailkeeper.archive.words import folded
from trailkeeper.installation import Installation
from trailkeeper.query.cursor import CursorError
from trailkeeper.query.filters import FIELDS, Field, Filter, Match, Words

DAYS = 4


@dataclass(repr=False)
class Both:
    """An installation whose whole log is archived, too; and the same as a list."""

    here: Installation
    workspace: int
    log: list[Recorded]
    own: int
    """How many activities Trailkeeper recorded itself, before the others."""

    def live(self, asked: Filter, order: str) -> list[int]:
        found = self.here.reader.page(self.workspace, asked, order=order, limit=1_000)
        return [one.seq for one in found.activities if self.is_of_the_list(one.seq)]

    def archived(self, asked: Filter, order: str, limits: list[int]) -> list[int]:
        """All pages, one after the other; the limits take turns."""
        seqs: list[int] = []
        cursor = None
        for turn in range(10_000):
            limit = limits[turn % len(limits)]
            page = self.here.archive_search.page(
                self.workspace, asked, order=order, limit=limit, cursor=cursor
            )
            seqs += [one.seq for one in page.activities]
            assert len(page.activities) <= limit
            cursor = page.next_cursor
            if cursor is None:
                return [seq for seq in seqs if self.is_of_the_list(seq)]
        raise AssertionError("the listing does not end")

    def is_of_the_list(self, seq: int) -> bool:
        return self.own <= seq < self.own + len(self.log)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("both")
    with acme(folder / "data", folder / "archive") as (installation, key):
        own = installation.reader.next_seq(key)
        log: list[Recorded] = []
        for number, fields in enumerate(make_activities()):
            sent = msgspec.convert(fields, ActivityInput)
            text = installation.recorder.prepare(key, sent).text
            log.append(Recorded(own + number, sent, text))
        each = len(log) // DAYS
        for day in range(DAYS):
            some = log[day * each : (day + 1) * each if day < DAYS - 1 else None]
            at = FIRST + day * DAY_US
            record(installation, key, at, [msgspec.to_builtins(one.sent) for one in some])
        set_archive(installation, "folder", {"folder": str(folder / "archive")})
        written(installation)
        yield Both(installation, key, log, own)


@given(FILTERS, ORDERS)
def test_any_filter_finds_the_same(both: Both, asked: Filter, order: str) -> None:
    found = both.archived(asked, order, [1_000])
    assert found == both.live(asked, order)
    assert found == listed(both.log, asked, order)


@given(FILTERS, ORDERS, st.lists(st.integers(20, 90), min_size=1, max_size=3))
def test_pages_of_any_size_show_each_once(
    both: Both, asked: Filter, order: str, limits: list[int]
) -> None:
    assert both.archived(asked, order, limits) == both.live(asked, order)


@pytest.mark.parametrize("field", FIELDS)
def test_each_value_of_each_field_by_itself(both: Both, field: Field) -> None:
    for value in VALUES[field]:
        for negated in (False, True):
            asked = Filter(matches=(Match(field=field, values=(value,), negated=negated),))
            assert both.archived(asked, "desc", [1_000]) == both.live(asked, "desc"), value


@pytest.mark.parametrize("phrase", [one for one in PHRASES if one != '"'])
def test_each_phrase_by_itself(both: Both, phrase: str) -> None:
    for prefix in (False, True):
        asked = Filter(words=(Words(text=phrase, prefix=prefix),))
        assert both.archived(asked, "asc", [1_000]) == both.live(asked, "asc")


def test_what_is_archived_is_the_activity_as_it_was(both: Both) -> None:
    live = both.here.reader.page(both.workspace, Filter(), limit=1_000).activities
    there = both.here.archive_search.page(both.workspace, Filter(), limit=1_000).activities
    known = {one.seq: one for one in live}
    assert len(there) == len(both.log) + both.own  # setting it up was recorded today
    assert all(known[one.seq] == one for one in there)
    seq = both.own + 7
    assert both.here.archive_search.get(both.workspace, seq) == known[seq]
    assert both.here.archive_search.get(both.workspace, 10**9) is None


@pytest.mark.parametrize("since", [-(10**17), START, 10**17])
def test_times_beyond_any_clock_are_only_wide_ranges(both: Both, since: int) -> None:
    for asked in (Filter(since=since), Filter(until=since)):
        assert both.archived(asked, "desc", [1_000]) == both.live(asked, "desc")


def test_a_cursor_is_good_for_its_own_listing_only(both: Both) -> None:
    search = both.here.archive_search
    cursor = search.page(both.workspace, Filter(), limit=5).next_cursor
    assert cursor
    for asked, order, one in (
        (Filter(since=1), "desc", cursor),
        (Filter(), "asc", cursor),
        (Filter(), "desc", cursor[:-1] + ("a" if cursor[-1] != "a" else "b")),
        (Filter(), "desc", both.here.reader.page(both.workspace, Filter(), limit=5).next_cursor),
    ):
        with pytest.raises(CursorError):
            search.page(both.workspace, asked, order=order, limit=5, cursor=one)


def test_a_page_whose_time_is_over_says_where_it_goes_on(both: Both) -> None:
    asked = Filter(words=(Words(text="wrong password"),))
    seqs: list[int] = []
    cursor, pages = None, 0
    while True:
        page = both.here.archive_search.page(
            both.workspace, asked, limit=50, cursor=cursor, budget_s=0
        )
        seqs += [one.seq for one in page.activities]
        pages += 1
        cursor = page.next_cursor
        assert pages < 50
        if cursor is None:
            break
        assert page.searched.files < page.searched.candidates
    assert pages > 1
    assert [seq for seq in seqs if both.is_of_the_list(seq)] == both.live(asked, "desc")


@given(st.text(max_size=60))
def test_words_are_those_of_the_live_search(text: str) -> None:
    import pysqlite3.dbapi2 as dbapi

    from trailkeeper.ledger.index import searchable
    from trailkeeper.ledger.sqlite.fresh import INDEX_COLUMNS

    database = dbapi.connect(":memory:")
    database.execute(f"CREATE VIRTUAL TABLE text USING fts5({INDEX_COLUMNS})")
    database.execute("CREATE VIRTUAL TABLE term USING fts5vocab(text, 'instance')")
    database.execute("INSERT INTO text (rowid, body) VALUES (1, ?)", (searchable(text),))
    terms = [row[0] for row in database.execute("SELECT term FROM term ORDER BY offset")]
    database.close()
    assert folded(text).split(" ")[1:-1] == terms
