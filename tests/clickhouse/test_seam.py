"""The seam between the database and ClickHouse: nobody who reads can tell where it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.clickhouse.copied import Copied, open_copied
from tests.contract.brute import Recorded, listed
from tests.contract.stores import receipt, sent

from trailkeeper.activity import from_us
from trailkeeper.clickhouse.connection import Connection
from trailkeeper.errors import StoreUnavailable
from trailkeeper.installation import Installation, InstallationError, opened
from trailkeeper.ledger.reader import Reader
from trailkeeper.query.filters import Filter, Match, Words

START = 1_780_000_000_000_000
TICK_US = 7 * 3_600_000_000
TICKS = 10
"""So few different microseconds, over three days, that most are shared."""

NUMBERS = count()
ACTORS = ["1", "2"]
TEXTS = ["so it was", "it was so", "was"]
FILTERS = [
    Filter(),
    Filter(words=(Words(text="it was"),)),
    Filter(words=(Words(text="so", negated=True),)),
    Filter(matches=(Match(field="actor", values=("user:1",)),)),
    Filter(since=START + 3 * TICK_US, until=START + 8 * TICK_US),
]

Step = tuple[str, list[int]]
RECORD = st.tuples(st.just("record"), st.lists(st.integers(0, TICKS - 1), min_size=1, max_size=12))
MOVE = st.tuples(st.just("move"), st.lists(st.integers(0, TICKS + 1), min_size=1, max_size=1))
STEPS = st.lists(RECORD | MOVE, min_size=1, max_size=8)


@dataclass
class Log:
    """A new workspace of the store, and what was recorded there."""

    store: Copied
    log: list[Recorded]
    other: Installation | None = None
    """Another opening, which takes turns: nobody remembers which keys were used."""

    def do(self, step: Step) -> None:
        what, ticks = step
        store = self.store
        if what == "record":
            for tick in ticks:
                one = sent(
                    occurred_at=from_us(START + tick * TICK_US),
                    actor={"type": "user", "id": ACTORS[tick % 2]},
                    reason=TEXTS[(tick + len(self.log)) % 3],
                )
                prepared = store.here.recorder.prepare(store.acme, one)
                writer = self.other.writer if self.other and len(self.log) % 2 else store.writer
                seq = receipt(writer.append(store.acme, [prepared])[0]).seq
                self.log.append(Recorded(seq, one, prepared.text))
        else:
            store.copy()
            moved = store.clickhouse.move(store.acme, START + ticks[0] * TICK_US + 1)
            assert moved.differs is None


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copied]:
    with open_copied(tmp_path_factory.mktemp("store") / "data") as made:
        yield made


def a_log(store: Copied, steps: list[Step], other: Installation | None = None) -> Log:
    store.acme = store.workspace(f"W {next(NUMBERS)}")
    log = Log(store, [], other)
    for step in steps:
        log.do(step)
    return log


@pytest.fixture(scope="module")
def other(one: Copied) -> Installation:
    return one.another()


@settings(max_examples=40)
@given(
    STEPS,
    st.lists(st.none() | RECORD | MOVE, max_size=6),
    st.sampled_from(FILTERS),
    st.sampled_from(["desc", "asc"]),
    st.lists(st.integers(1, 9), min_size=1, max_size=3),
)
def test_pages_show_each_activity_once_wherever_the_seam_goes(
    one: Copied,
    other: Installation,
    steps: list[Step],
    meanwhile: list[Step | None],
    asked: Filter,
    order: str,
    limits: list[int],
) -> None:
    log = a_log(one, steps, other)
    expected = listed(log.log, asked, order)
    shown: list[int] = []
    cursor = None
    for turn in range(1_000):
        page = one.here.reader.page(
            one.acme, asked, order=order, limit=limits[turn % len(limits)], cursor=cursor
        )
        shown += [activity.seq for activity in page.activities]
        cursor = page.next_cursor
        if cursor is None:
            break
        if turn < len(meanwhile) and (step := meanwhile[turn]):
            log.do(step)
    assert len(set(shown)) == len(shown)
    # What came meanwhile may be there or not.
    assert [seq for seq in shown if seq in set(expected)] == expected
    assert shown == [seq for seq in listed(log.log, asked, order) if seq in set(shown)]


@settings(max_examples=25)
@given(STEPS, st.sampled_from(FILTERS), st.integers(0, 40), st.integers(1, 40))
def test_whatever_is_read_is_the_same_as_without_a_seam(
    one: Copied, steps: list[Step], asked: Filter, first: int, size: int
) -> None:
    log = a_log(one, steps)
    reader, key = one.here.reader, one.acme
    everything = list(range(len(log.log)))
    assert [found.seq for found in reader.after(key, first, size)] == everything[first:][:size]
    matching = set(listed(log.log, asked, "asc"))
    between = reader.between(key, first, first + size, asked)
    assert [found.seq for found in between] == sorted(matching & set(range(first, first + size)))
    histogram = reader.histogram(key, asked, "hour", ZoneInfo("UTC"))
    assert sum(bucket.count for bucket in histogram.buckets) == len(matching)
    facets = reader.facets(key, asked, ["outcome", "actor"])
    assert facets.total == len(matching)
    assert sum(value.count for value in facets.values["outcome"]) == len(matching)
    for found in reader.after(key, 0, 5):
        assert reader.get(key, found.id) == found
        assert reader.known_ids(key, [found.id]) == {found.id}
        assert reader.seq_at(key, reader.recorded_at(key, found.seq) or 0) <= found.seq


@pytest.mark.parametrize("order", ["desc", "asc"])
@pytest.mark.parametrize("limit", [1, 2, 10])
def test_keys_that_are_used_again_keep_the_order_of_recording(
    one: Copied, other: Installation, order: str, limit: int
) -> None:
    log = a_log(one, [("record", [4, 4, 4]), ("move", [9]), ("record", [3])], other)
    log.do(("record", [4, 4, 5]))
    keys = {row.key for row in one.rows()}
    (gone,) = one.there.query(
        "SELECT groupArray(key) FROM activity WHERE workspace = {w:UInt32}", {"w": one.acme}
    ).result_rows[0]
    assert keys & set(gone)
    for _ in range(2):
        shown: list[int] = []
        cursor = None
        for _turn in range(20):
            page = one.here.reader.page(one.acme, Filter(), order=order, limit=limit, cursor=cursor)
            shown += [activity.seq for activity in page.activities]
            if (cursor := page.next_cursor) is None:
                break
        assert shown == listed(log.log, Filter(), order)
        log.do(("move", [9]))


def test_what_comes_late_is_found_before_and_after_it_is_copied(one: Copied) -> None:
    log = a_log(one, [("record", [0, 1, 2]), ("move", [2])])
    log.do(("record", [0, 1]))
    for _ in range(2):
        for order in ("desc", "asc"):
            page = one.here.reader.page(one.acme, Filter(), order=order)
            assert [a.seq for a in page.activities] == listed(log.log, Filter(), order)
        one.copy()
    log.do(("move", [9]))
    assert len(one.seqs()) == 0
    page = one.here.reader.page(one.acme, Filter())
    assert [a.seq for a in page.activities] == listed(log.log, Filter(), "desc")


def test_a_cursor_from_before_clickhouse_goes_on(one: Copied) -> None:
    log = a_log(one, [("record", [0, 1, 1, 2, 3])])
    plain = Reader(one.here.engine, one.here.secret)
    page = plain.page(one.acme, Filter(), limit=2)
    log.do(("move", [9]))
    rest = one.here.reader.page(one.acme, Filter(), cursor=page.next_cursor)
    seqs = [a.seq for a in (*page.activities, *rest.activities)]
    assert seqs == listed(log.log, Filter(), "desc")


def test_a_page_of_the_hot_window_does_not_ask_clickhouse(one: Copied) -> None:
    a_log(one, [("record", [0, 1, 2, 3, 4, 5, 6, 7]), ("move", [3])])
    with patch.object(Connection, "rows", _down):
        page = one.here.reader.page(one.acme, Filter(), limit=3)
        assert [a.seq for a in page.activities] == [7, 6, 5]
        since = Filter(since=START + 5 * TICK_US)
        assert len(one.here.reader.page(one.acme, since).activities) == 3
        with pytest.raises(StoreUnavailable, match="ClickHouse"):
            one.here.reader.page(one.acme, Filter())


def _down(*_: object) -> None:
    raise StoreUnavailable("ClickHouse does not answer")


def test_another_workspace_is_never_seen(one: Copied) -> None:
    first = a_log(one, [("record", [0, 1]), ("move", [9])])
    id = one.here.reader.after(one.acme, 0, 1)[0].id
    a_log(one, [("record", [5]), ("move", [9])])
    assert len(one.here.reader.page(one.acme, Filter()).activities) == 1
    assert one.here.reader.get(one.acme, id) is None
    assert len(first.log) == 2


def test_an_installation_does_not_open_without_the_clickhouse_that_has_its_past(
    tmp_path: Path,
) -> None:
    with open_copied(tmp_path / "data") as store:
        log = Log(store, [])
        log.do(("record", [0]))
        log.do(("move", [9]))
        with (
            patch.dict("os.environ", {"TRAILKEEPER_CLICKHOUSE_URL": ""}),
            pytest.raises(InstallationError, match="clickhouse_url"),
            opened(store.data),
        ):
            pass
