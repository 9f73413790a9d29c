"""Retention: what is old goes, what is held or not delivered stays, and what went is on record."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import update
from tests.contract.stores import sent
from tests.retention.kept import Kept

from trailkeeper.activity import from_us, now_us, rfc3339
from trailkeeper.errors import InvalidInput, NotFound
from trailkeeper.ledger.append import Receipt
from trailkeeper.ledger.schema import follower
from trailkeeper.query.filters import Filter
from trailkeeper.retention.rules import DAY_US


def test_what_is_older_than_a_year_goes_and_that_is_recorded(kept: Kept) -> None:
    for number, age in enumerate((800, 366, 364, 1)):
        kept.record(age, id=f"n-{number}")
    assert kept.sweep() == 2
    assert kept.ids() == ["n-2", "n-3"]
    (told,) = kept.all("action:retention.activities_removed")
    assert (told.details["count"], told.details["first_seq"], told.details["last_seq"]) == (2, 0, 1)
    assert told.actor.type == "system"
    assert kept.sweep() == 0
    assert len(kept.all("action:retention.activities_removed")) == 1


def test_a_removed_activity_is_found_in_no_way_any_more(kept: Kept) -> None:
    kept.record(400, id="gone", actor={"type": "user", "id": "9", "name": "Zoe Zanzibar"})
    kept.record(1)
    kept.sweep()
    reader = kept.store.reader
    assert reader.get(kept.store.acme, "gone") is None
    assert kept.all("zanzibar") == []
    assert reader.choices(kept.store.acme, "actor", "zanzibar") == []
    assert next(one.id for one in reader.after(kept.store.acme, 0, 10)) != "gone"


def test_an_id_belongs_to_one_activity_for_ever(kept: Kept) -> None:
    first = kept.record(400, id="once", details={"note": "x"})
    at = rfc3339(now_us() - 400 * DAY_US)
    prepared = kept.store.prepare(id="twice", occurred_at=at)
    kept.store.append(prepared)
    kept.sweep()
    (again,) = kept.store.append(prepared)
    assert isinstance(again, Receipt)
    assert again.already_there
    assert again.seq == first.seq + 1
    (other,) = kept.store.append(kept.store.prepare(id="once"))
    assert "other content" in str(other)
    next_seq = kept.record(1, id="new").seq
    assert next_seq == first.seq + 3  # the sweep's own record stands between


def test_the_sequence_goes_on_without_a_gap_at_its_end(kept: Kept) -> None:
    kept.record(400)
    last = kept.record(400)
    kept.sweep()
    assert [one.seq for one in kept.all()] == [last.seq + 1]
    assert kept.record(0).seq == last.seq + 2


def test_what_a_hold_matches_stays_until_it_is_released(kept: Kept) -> None:
    kept.record(500, id="theirs", actor={"type": "user", "id": "1", "name": "Ada"})
    kept.record(500, id="asset", targets=[{"type": "recipe", "id": "77", "name": "Held"}])
    kept.record(500, id="nobody", actor={"type": "user", "id": "2", "name": "Bob"})
    holds = kept.store.here.holds
    one = holds.place(kept.by, "Case 4711", "actor:user:1", "a court asked")
    holds.place(kept.by, "Recipe 77", "target:recipe:77", "")
    assert kept.sweep() == 1
    assert kept.ids() == ["theirs", "asset"]
    holds.release(kept.by, one.id)
    assert kept.sweep() == 1
    assert kept.ids() == ["asset"]
    placed = kept.all("action:legal_hold.*")
    assert [one.action for one in placed] == ["legal_hold.placed"] * 2 + ["legal_hold.released"]


def test_a_hold_by_time_and_one_on_everything(kept: Kept) -> None:
    kept.record(500, id="old")
    kept.record(600, id="older")
    day = rfc3339(now_us() - 550 * DAY_US)[:10]
    kept.store.here.holds.place(kept.by, "Before", f"before:{day}", "")
    assert kept.sweep() == 1
    assert kept.ids() == ["older"]
    kept.store.here.holds.place(kept.by, "All", "", "")
    kept.record(700, id="oldest")
    assert kept.sweep() == 0


def test_a_longer_time_is_good_at_once_and_a_shorter_one_after_a_week(kept: Kept) -> None:
    rules = kept.store.here.retention
    kept.record(500, id="a")
    kept.record(100, id="b")
    assert rules.set_days(kept.by, 1_000).days == 1_000
    assert kept.sweep() == 0
    shorter = rules.set_days(kept.by, 30)
    assert (shorter.days, shorter.next_days) == (1_000, 30)
    assert kept.sweep() == 0
    assert rules.preview(kept.store.acme, 30).count == 2
    with time_machine.travel(from_us(now_us()) + timedelta(days=8)):
        assert kept.sweep() == 2
        assert rules.get(kept.store.acme).days == 30
    assert rules.set_days(kept.by, None).days is None
    recorded = kept.all("action:retention.updated")
    assert [one.details.get("days") for one in recorded] == [1_000, 30, None]


def test_for_ever_means_for_ever(kept: Kept) -> None:
    kept.store.here.retention.set_days(kept.by, None)
    kept.record(9_000, id="ancient")
    assert kept.sweep() == 0
    assert kept.ids() == ["ancient"]


def test_what_a_stream_has_not_delivered_stays_and_a_mail_says_so(kept: Kept) -> None:
    first = kept.record(400, id="delivered")
    kept.record(400, id="not yet")
    kept.follow("activities", first.seq + 1)
    assert kept.sweep() == 1
    assert kept.ids() == ["not yet"]
    assert len(kept.told) == 1
    rules = kept.store.here.retention
    rules.let_undelivered_go(kept.by, True)
    assert kept.sweep() == 0  # not before a week is over
    with time_machine.travel(from_us(now_us()) + timedelta(days=8)):
        assert kept.sweep() >= 1
    assert "not yet" not in kept.ids()


def test_a_stream_that_is_turned_off_holds_nothing_up(kept: Kept) -> None:
    kept.record(400, id="old")
    kept.follow("activities", 0)
    off = update(follower).values(state="paused", pause_reason="turned off")
    kept.store.writer.run(lambda transaction: transaction.connection.execute(off) and None)
    assert kept.sweep() == 1


def test_another_workspace_keeps_its_own(kept: Kept) -> None:
    kept.record(400)
    old = sent(occurred_at=rfc3339(now_us() - 400 * DAY_US))
    there = kept.store.here.recorder.prepare(kept.store.other, old)
    kept.store.writer.append(kept.store.other, [there])
    assert kept.sweep() == 1
    assert len(kept.store.reader.page(kept.store.other, Filter()).activities) == 1


def test_nonsense_is_refused(kept: Kept) -> None:
    rules, holds = kept.store.here.retention, kept.store.here.holds
    for days in (0, -1, 1_000_000):
        with pytest.raises(InvalidInput):
            rules.set_days(kept.by, days)
    for query in ("colour:red", "after:soon"):
        with pytest.raises(InvalidInput):
            holds.place(kept.by, "x", query, "")
    with pytest.raises(NotFound):
        holds.release(kept.by, "none")
