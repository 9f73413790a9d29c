"""Counts over time and by value: always what a count of each single activity gives."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import Table, select, text
from tests.contract.brute import Recorded, holds
from tests.contract.stores import BACKENDS, OF_SQLITE, Store, open_store, receipt, sent
from tests.contract.test_store_reader import ACTORS, ADDRESSES, TARGETS, WORDS, matches

from trailkeeper.activity import from_us, to_us
from trailkeeper.errors import IdConflict
from trailkeeper.ledger import counts, facets, schema
from trailkeeper.ledger.facets import FACETS, FacetName
from trailkeeper.ledger.index import address_of
from trailkeeper.ledger.keys import first_key
from trailkeeper.ledger.writer import Transaction
from trailkeeper.query.buckets import AUTO, AUTO_MAX, INTERVALS
from trailkeeper.query.filters import FIELDS, Filter, Match
from trailkeeper.query.params import ParamError

ZONES = ["UTC", "Europe/Paris", "Asia/Kolkata", "America/St_Johns", "Australia/Lord_Howe"]
FIRST = to_us(datetime(2026, 3, 27, tzinfo=UTC))
DAYS = 5
ACTIVITIES = 240
"""Spread over five days in which the clocks of Paris and Lord Howe change or are about to."""

FIELD_OF = {"target_type": "type", "environment": "env"}
UTC_ZONE = ZoneInfo("UTC")


def make_activities() -> Iterator[dict[str, Any]]:
    random_ = random.Random(11)
    span = DAYS * 86_400 * 1_000_000
    for _ in range(ACTIVITIES):
        at = FIRST + random_.randrange(span)
        if random_.random() < 0.3:
            at -= at % 3_600_000_000
        yield {
            "action": random_.choice(
                ["recipe.stopped", "recipe.started", "user.logged_in", "acme.synced"]
            ),
            "occurred_at": from_us(at),
            "actor": random_.choice(ACTORS),
            "targets": random_.sample(TARGETS, random_.choice([1, 1, 2])),
            "outcome": random_.choice(["success", "success", "failure"]),
            "environment": random_.choice(["prod", "test"]),
            "context": random_.choice(
                [{}, {"ip_address": random_.choice(ADDRESSES), "source": "n8n"}]
            ),
        }


class Filled:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.log: list[Recorded] = []
        recorder = store.here.recorder
        for fields in make_activities():
            one = sent(**fields)
            prepared = recorder.prepare(store.acme, one)
            seq = receipt(store.append(prepared)[0]).seq
            self.log.append(Recorded(seq, one, prepared.text))
            if seq % 3 == 0:
                store.writer.append(store.other, [recorder.prepare(store.other, one)])

    def found(self, asked: Filter) -> list[Recorded]:
        known = {entity for one in self.log for entity in (*one.actors, *one.targets)}
        return [one for one in self.log if holds(one, asked, known)]


@pytest.fixture(scope="module", params=BACKENDS)
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Filled]:
    with open_store(request.param, tmp_path_factory.mktemp("store") / "data") as store:
        yield Filled(store)


SPAN_US = DAYS * 86_400_000_000
TIMES = (
    st.none()
    | st.integers(FIRST - 10_000_000, FIRST + SPAN_US)
    | st.integers(-1, DAYS * 24).map(lambda hour: FIRST + hour * 3_600_000_000)
)
OF_HOURS = st.sampled_from(["action", "category", "outcome"]).flatmap(matches)
OF_ALL = st.sampled_from(FIELDS).flatmap(matches)
FILTERS = st.builds(
    Filter,
    matches=st.lists(OF_HOURS, max_size=2).map(tuple)
    | st.lists(OF_ALL, min_size=1, max_size=2).map(tuple),
    words=st.just(()) | st.just(()) | st.lists(WORDS, max_size=1).map(tuple),
    since=TIMES,
    until=TIMES,
)


@given(FILTERS, st.sampled_from([AUTO, "hour", "day", "week", "month"]), st.sampled_from(ZONES))
def test_the_buckets_hold_what_matches(
    filled: Filled, asked: Filter, interval: str, zone: str
) -> None:
    if interval == "hour" and asked.until is None:
        asked = replace(asked, until=FIRST + SPAN_US)
    found = filled.store.reader.histogram(filled.store.acme, asked, interval, ZoneInfo(zone))
    expected = filled.found(asked)
    assert found.exact
    assert found.total == len(expected)
    assert sum(one.failures for one in found.buckets) == sum(
        one.sent.outcome == "failure" for one in expected
    )
    for bucket in found.buckets:
        inside = [one for one in expected if bucket.start <= one.at < bucket.end]
        assert bucket.count == len(inside)
        assert bucket.failures == sum(one.sent.outcome == "failure" for one in inside)


@given(FILTERS)
def test_each_facet_counts_the_values_that_could_be_added(filled: Filled, asked: Filter) -> None:
    store = filled.store
    found = store.reader.facets(store.acme, asked, limit=50)
    assert found.total == len(filled.found(asked))
    assert found.exact
    assert list(found.values) == list(FACETS)
    for name, values in found.values.items():
        others = tuple(
            match
            for match in asked.matches
            if match.negated or match.field != FIELD_OF.get(name, name)
        )
        matching = filled.found(
            Filter(matches=others, words=asked.words, since=asked.since, until=asked.until)
        )
        expected = Counter(value for one in matching if (value := value_of(name, one)))
        assert {one.value: one.count for one in values} == expected, name
        assert [one.count for one in values] == sorted(expected.values(), reverse=True)


def value_of(name: FacetName, one: Recorded) -> str | None:
    sent, context = one.sent, one.sent.context
    target = sent.targets[0]
    address = address_of((context and context.ip_address) or "")
    return {
        "actor": f"{sent.actor.type}:{sent.actor.id}",
        "action": sent.action,
        "target_type": target.type,
        "target": f"{target.type}:{target.id}",
        "ip": str(address) if address else None,
        "outcome": sent.outcome,
        "environment": sent.environment,
        "source": context and context.source,
    }[name]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("interval", INTERVALS)
def test_buckets_follow_each_other_and_the_days_of_the_zone(
    filled: Filled, interval: str, zone: str
) -> None:
    until = FIRST + (SPAN_US if interval != "minute" else 10 * 3_600_000_000)
    asked = Filter(since=FIRST, until=until)
    found = filled.store.reader.histogram(filled.store.acme, asked, interval, ZoneInfo(zone))
    assert (found.since, found.until) == (FIRST, until)
    for before, after in zip(found.buckets, found.buckets[1:], strict=False):
        assert before.end == after.start
    assert found.buckets[0].start <= FIRST < found.buckets[0].end
    assert found.buckets[-1].start < until <= found.buckets[-1].end
    for bucket in found.buckets:
        local = from_us(bucket.start).astimezone(ZoneInfo(zone))
        assert local.second == 0
        if interval not in ("minute", "hour"):
            assert (local.hour, local.minute) == (0, 0)
        if interval == "week":
            assert local.weekday() == 0
        if interval == "month":
            assert local.day == 1


def test_the_day_on_which_clocks_go_forward_is_an_hour_shorter(filled: Filled) -> None:
    asked = Filter(since=FIRST, until=FIRST + SPAN_US)
    found = filled.store.reader.histogram(filled.store.acme, asked, "day", ZoneInfo("Europe/Paris"))
    lengths = [(one.end - one.start) // 3_600_000_000 for one in found.buckets]
    assert lengths == [24, 24, 23, 24, 24, 24]


@pytest.mark.parametrize(
    ("span", "interval"),
    [
        (timedelta(minutes=5), "minute"),
        (timedelta(hours=1), "minute"),
        (timedelta(hours=24), "hour"),
        (timedelta(days=7), "day"),
        (timedelta(days=30), "day"),
        (timedelta(days=365), "week"),
        (timedelta(days=365 * 9), "month"),
    ],
)
def test_the_interval_that_fits_gives_few_bars(
    filled: Filled, span: timedelta, interval: str
) -> None:
    until = FIRST + SPAN_US
    asked = Filter(since=until - span // timedelta(microseconds=1), until=until)
    found = filled.store.reader.histogram(filled.store.acme, asked, AUTO, UTC_ZONE)
    assert found.interval == interval
    assert len(found.buckets) <= AUTO_MAX


def test_a_range_that_began_long_before_the_log_is_shown_from_its_first_activity(
    filled: Filled,
) -> None:
    asked = Filter(since=-(10**17), until=FIRST + SPAN_US)
    found = filled.store.reader.histogram(filled.store.acme, asked, AUTO, UTC_ZONE)
    assert found.total == ACTIVITIES
    assert found.since == min(one.at for one in filled.log)
    assert found.interval == "month"
    assert len(found.buckets) == 1


def test_too_many_buckets_are_refused(filled: Filled) -> None:
    reader, acme = filled.store.reader, filled.store.acme
    for since, interval in ((FIRST, "minute"), (0, "hour"), (0, "minute"), (0, "week")):
        with pytest.raises(ParamError, match="at most 1,000") as raised:
            reader.histogram(acme, Filter(since=since), interval, UTC_ZONE)
        assert raised.value.param == "interval"


@pytest.mark.parametrize(
    "asked",
    [
        Filter(since=10**17),
        Filter(until=-5),
        Filter(until=FIRST - 1),
        Filter(since=5, until=5),
    ],
)
def test_a_range_in_which_nothing_can_be_has_no_buckets(filled: Filled, asked: Filter) -> None:
    found = filled.store.reader.histogram(filled.store.acme, asked, AUTO, UTC_ZONE)
    assert (found.buckets, found.total, found.since, found.until) == ([], 0, None, None)


def test_an_empty_log_has_no_buckets_and_no_values(store: Store) -> None:
    found = store.reader.histogram(store.acme, Filter(), AUTO, UTC_ZONE)
    assert (found.buckets, found.total, found.exact) == ([], 0, True)
    values = store.reader.facets(store.acme, Filter())
    assert (values.total, values.exact) == (0, True)
    assert not any(values.values.values())


def test_past_the_limit_the_newest_are_counted_and_that_is_said(filled: Filled) -> None:
    store = filled.store
    asked = Filter(matches=(Match(field="env", values=("prod",)),))
    expected = sorted(one.at for one in filled.found(asked))
    with patch.object(counts, "KEYS_MAX", 20):
        found = store.reader.histogram(store.acme, asked, "hour", UTC_ZONE)
    assert not found.exact
    assert found.total == 20
    for bucket in found.buckets:
        newest = [at for at in expected[-20:] if bucket.start <= at < bucket.end]
        assert bucket.count == len(newest)
    with patch.object(facets, "SAMPLE_MAX", 20):
        values = store.reader.facets(store.acme, asked)
    assert values.total == len(expected)
    assert not values.exact
    assert set(values.sampled) == set(FACETS)
    assert sum(one.count for one in values.values["outcome"]) == 20


def test_the_whole_log_is_counted_by_hours_whatever_the_limits(filled: Filled) -> None:
    store = filled.store
    with patch.object(counts, "KEYS_MAX", 1), patch.object(facets, "SAMPLE_MAX", 1):
        found = store.reader.histogram(store.acme, Filter(), "day", UTC_ZONE)
        values = store.reader.facets(store.acme, Filter(), ["action", "outcome", "actor"])
    assert found.exact
    assert found.total == ACTIVITIES
    assert values.sampled == ["actor"]
    assert sum(one.count for one in values.values["action"]) == ACTIVITIES


def hours(store: Store) -> dict[tuple[Any, ...], int]:
    """The counts by hour. Those by day must say the same."""
    by_hour = kept(store, schema.activity_hour)
    by_day = Counter[tuple[Any, ...]]()
    for (workspace, hour, *cell), count in by_hour.items():
        by_day[workspace, hour // 24, *cell] += count
    assert kept(store, schema.activity_day) == by_day
    return by_hour


def kept(store: Store, table: Table) -> dict[tuple[Any, ...], int]:
    with store.reading() as connection:
        return {(*row[:4],): row.count for row in connection.execute(select(table))}


def hours_of_rows(store: Store) -> dict[tuple[Any, ...], int]:
    failure = '"outcome":"failure"'
    says_failure = (
        f"position('{failure}' IN convert_from(public, 'UTF8')) > 0"
        if store.url
        else f"instr(CAST(public AS TEXT), '{failure}') > 0"
    )
    # A colon before a word would be a parameter.
    says_failure = says_failure.replace(':"', '\\:"')
    counted = text(
        "SELECT workspace, key / 3686400000000, action,"
        f" {says_failure}, count(*)"
        " FROM activity GROUP BY 1, 2, 3, 4"
    )
    with store.reading() as connection:
        return {(*row[:4],): row[4] for row in connection.execute(counted)}


@OF_SQLITE
def test_the_counts_of_an_older_database_are_made_of_its_activities(store: Store) -> None:
    Filled(store)
    before = hours(store)
    versions = "trailkeeper.ledger.migrations.versions"
    _, fill = import_module(f"{versions}.0013_activity_hour").STATEMENTS
    days = import_module(f"{versions}.0019_activity_day").FILL

    def work(transaction: Transaction) -> None:
        transaction.connection.execute(text("DELETE FROM activity_hour"))
        transaction.connection.execute(text("DELETE FROM activity_day"))
        transaction.connection.exec_driver_sql(fill)
        transaction.connection.exec_driver_sql(days)

    store.writer.run(work)
    assert before == hours(store) == hours_of_rows(store)


def test_what_is_sent_again_is_not_counted_again(store: Store) -> None:
    one = store.prepare(id="one")
    store.append(one, one)
    store.append(one)
    (refused,) = store.append(store.prepare(id="one", action="recipe.started"))
    assert isinstance(refused, IdConflict)
    assert sum(hours(store).values()) == 1


def test_what_was_rolled_back_is_not_counted(store: Store) -> None:
    store.record(id="before")

    def fail(transaction: Transaction) -> None:
        transaction.record(store.acme, store.prepare(id="never"))
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        store.writer.run(fail)
    assert sum(hours(store).values()) == 1
    store.record(id="after")
    assert hours(store) == hours_of_rows(store)
    assert store.reader.histogram(store.acme, Filter(), AUTO, UTC_ZONE).total == 2


def test_what_is_removed_is_not_counted_any_more(store: Store) -> None:
    filled = Filled(store)
    assert hours(store) == hours_of_rows(store)

    def work(transaction: Transaction) -> None:
        transaction.move_index()
        transaction.remove(
            store.acme,
            after_key=-1,
            before_key=first_key(FIRST + SPAN_US // 2),
            before_seq=ACTIVITIES,
            holds=[Filter(matches=(Match(field="actor", values=("user:1",)),))],
            limit=10_000,
        )

    store.writer.run(work)
    assert hours(store) == hours_of_rows(store)
    assert all(hours(store).values())
    left = store.reader.page(store.acme, Filter(), limit=1_000).activities
    assert 0 < len(left) < len(filled.log)
    assert store.reader.histogram(store.acme, Filter(), "day", UTC_ZONE).total == len(left)
