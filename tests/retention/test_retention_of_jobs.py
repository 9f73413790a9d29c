"""Retention of jobs: old ones go with their steps, but for holds and what streams wait for."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import time_machine
from sqlalchemy import func, select, update
from tests.contract.stores import receipt
from tests.jobs.support import job, step
from tests.retention.kept import Kept

from trailkeeper.activity import from_us, now_us, rfc3339
from trailkeeper.jobs.history import Jobs
from trailkeeper.jobs.keep import Kept as KeptJob
from trailkeeper.jobs.listing import JobFilter
from trailkeeper.ledger.schema import follower, job_lines
from trailkeeper.retention import steps
from trailkeeper.retention.rules import DAY_US
from trailkeeper.retention.steps import Removed

RECORDED = "action:retention.jobs_removed"


def jobs_of(kept: Kept) -> Jobs:
    return kept.store.here.jobs


def put(kept: Kept, id: str, days_ago: float, **changed: Any) -> KeptJob:
    """Take a job in that began so many days ago."""
    at = rfc3339(now_us() - int(days_ago * DAY_US))
    body = job(id, **{"started_at": at, "completed_at": at, **changed})
    new = jobs_of(kept).prepare(msgspec.json.encode(body))
    (outcome,) = jobs_of(kept).take(kept.store.acme, [new])
    assert isinstance(outcome, KeptJob), outcome
    return outcome


def ids(kept: Kept, workspace: int = 0) -> set[str]:
    page = jobs_of(kept).page(workspace or kept.store.acme, JobFilter(), limit=1_000)
    return {one.id for one in page.jobs}


def hold(kept: Kept, query: str) -> str:
    return kept.store.here.holds.place(kept.by, "Case", query, "").id


def lines(kept: Kept) -> int:
    with kept.store.here.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(job_lines)).scalar_one()


# --- What goes


def test_jobs_that_began_more_than_a_year_ago_go_with_their_steps(kept: Kept) -> None:
    put(kept, "old", 366, lines=[step(), step(1)])
    put(kept, "new", 364, lines=[step()])
    assert kept.sweep_all().jobs.count == 1
    assert ids(kept) == {"new"}
    assert lines(kept) == 1


@pytest.mark.parametrize("status", ["pending", "started", "unknown", "failed", "canceled"])
def test_a_job_in_any_state_goes_when_it_is_old_enough(kept: Kept, status: str) -> None:
    ended = {} if status in ("failed", "canceled") else {"completed_at": None}
    put(kept, "old", 366, status=status, **ended)
    put(kept, "new", 364, status=status, **ended)
    assert kept.sweep_all().jobs.count == 1
    assert ids(kept) == {"new"}


def test_what_went_is_recorded_with_its_number_and_range(kept: Kept) -> None:
    for number, age in enumerate((800, 500, 366, 10)):
        put(kept, f"j-{number}", age)
    removed = kept.sweep_all().jobs
    (told,) = kept.all(RECORDED)
    assert told.details["count"] == removed.count == 3
    assert removed.first is not None
    assert removed.last is not None
    assert told.details["first_at"] == rfc3339(removed.first)
    assert told.details["last_at"] == rfc3339(removed.last)
    assert (removed.last - removed.first) // DAY_US == 434
    assert told.details["last_at"] < told.details["before"]
    assert told.actor.type == "system"
    kept.sweep_all()
    assert len(kept.all(RECORDED)) == 1


def test_many_jobs_go_in_many_steps(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "STEP_FIRST", 3)
    monkeypatch.setattr(steps, "STEP_LEAST", 3)
    monkeypatch.setattr(steps, "STEP_MOST", 3)
    for number in range(20):
        put(kept, f"j-{number}", 400, status="failed" if number % 2 else "succeeded")
    put(kept, "new", 1)
    assert kept.sweep_all().jobs.count == 20
    assert ids(kept) == {"new"}


def test_a_step_does_not_take_more_than_its_bytes(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "STEP_BYTES", 1)
    for number in range(5):
        put(kept, f"j-{number}", 400, lines=[step()])
    assert kept.sweep_all().jobs.count == 5
    assert lines(kept) == 0


def test_a_removed_job_that_is_sent_again_is_a_new_one(kept: Kept) -> None:
    first = put(kept, "again", 400)
    kept.sweep_all()
    second = put(kept, "again", 400)
    assert (first.seq, second.seq, second.became) == (0, 1, "created")


def test_another_workspace_keeps_its_jobs(kept: Kept) -> None:
    body = msgspec.json.encode(job("theirs", started_at=rfc3339(now_us() - 400 * DAY_US)))
    jobs_of(kept).take(kept.store.other, [jobs_of(kept).prepare(body)])
    put(kept, "mine", 400)
    assert kept.sweep_all().jobs.count == 1
    assert ids(kept, kept.store.other) == {"theirs"}


def test_for_ever_means_jobs_too(kept: Kept) -> None:
    kept.store.here.retention.set_days(kept.by, None)
    put(kept, "ancient", 9_000)
    assert kept.sweep_all().jobs == Removed()
    assert ids(kept) == {"ancient"}


def test_a_preview_counts_jobs_and_what_a_shorter_time_removes_after_a_week(kept: Kept) -> None:
    put(kept, "a", 100)
    put(kept, "b", 50, status="started", completed_at=None)
    put(kept, "c", 10)
    rules = kept.store.here.retention
    assert rules.preview(kept.store.acme, 30).jobs == 2
    assert rules.preview(kept.store.acme, 30).count == 0
    assert rules.preview(kept.store.acme, None).is_empty
    rules.set_days(kept.by, 30)
    assert kept.sweep_all().jobs.count == 0
    with time_machine.travel(from_us(now_us()) + timedelta(days=8)):
        assert kept.sweep_all().jobs.count == 2
    assert ids(kept) == {"c"}


# --- What is held


@pytest.mark.parametrize(
    ("query", "stay"),
    [
        ("", {"a", "b"}),
        ("target:recipe:42", {"a"}),
        ("target:42", {"a"}),
        ('target:"Sync orders"', {"b"}),
        ("target:recipe:41", set[str]()),
        ("type:recipe", {"a", "b"}),
        ("-target:recipe:42", {"b"}),
        ("outcome:failure", {"b"}),
        ("outcome:success", {"a"}),
        ("actor:user:7", set[str]()),
        ("action:recipe.*", set[str]()),
        ("target:recipe:42 actor:user:7", set[str]()),
        ("target:recipe:42,recipe:43", {"a", "b"}),
        ("PAYROLL", {"b"}),
        ('"café payroll"', {"b"}),
        ("orders", {"b"}),
        ("-payroll", {"a", "b"}),
    ],
)
def test_a_hold_keeps_the_jobs_that_it_means(kept: Kept, query: str, stay: set[str]) -> None:
    put(kept, "a", 400, flow_id=42)
    failed = {"status": "failed", "error": "The payroll of the Café is late"}
    put(kept, "b", 400, flow_id=43, recipe_name="Sync orders", **failed)
    id = hold(kept, query)
    swept = kept.sweep_all().jobs
    assert ids(kept) == stay
    assert (swept.count, swept.kept) == (2 - len(stay), len(stay))
    kept.store.here.holds.release(kept.by, id)
    assert kept.sweep_all().jobs.count == len(stay)


def test_a_hold_by_time_goes_by_when_a_job_began(kept: Kept) -> None:
    put(kept, "older", 600)
    put(kept, "old", 500)
    day = rfc3339(now_us() - 550 * DAY_US)[:10]
    hold(kept, f"before:{day}")
    assert kept.sweep_all().jobs.count == 1
    assert ids(kept) == {"older"}
    hold(kept, f"after:{day}")
    put(kept, "old", 500)
    assert kept.sweep_all().jobs.count == 0


# --- What streams wait for


def test_what_a_stream_has_not_delivered_stays_and_a_mail_says_so(kept: Kept) -> None:
    put(kept, "delivered", 400)
    put(kept, "running", 400, status="started", completed_at=None)
    put(kept, "waiting", 400)
    kept.follow("jobs", 1)
    swept = kept.sweep_all().jobs
    assert (swept.count, swept.kept) == (2, 1)
    assert ids(kept) == {"waiting"}
    assert kept.told == ["Jobs come of age that a stream has not delivered"]
    rules = kept.store.here.retention
    rules.let_undelivered_go(kept.by, True)
    assert kept.sweep_all().jobs.count == 0  # not before a week is over
    with time_machine.travel(from_us(now_us()) + timedelta(days=8)):
        assert kept.sweep_all().jobs.count == 1


def test_the_mail_comes_a_week_ahead(kept: Kept) -> None:
    put(kept, "soon", 360)
    kept.follow("jobs", 0)
    assert kept.sweep_all().jobs == Removed()
    assert len(kept.told) == 1


def test_a_stream_of_jobs_holds_up_no_activity_and_the_other_way_round(kept: Kept) -> None:
    put(kept, "old", 400)
    kept.record(400, id="old")
    kept.follow("activities", 0)
    swept = kept.sweep_all()
    assert (swept.activities.count, swept.jobs.count) == (0, 1)
    kept.store.writer.run(
        lambda transaction: (
            transaction.connection.execute(update(follower).values(log="jobs")).rowcount
        )
    )
    put(kept, "more", 400)
    swept = kept.sweep_all()
    assert (swept.activities.count, swept.jobs.count) == (1, 0)


@pytest.mark.parametrize("reason", ["turned off", "job history is not included"])
def test_a_stream_that_does_not_want_jobs_holds_nothing_up(kept: Kept, reason: str) -> None:
    put(kept, "old", 400)
    kept.follow("jobs", 0)
    paused = update(follower).values(state="paused", pause_reason=reason)
    kept.store.writer.run(lambda transaction: transaction.connection.execute(paused).rowcount)
    assert kept.sweep_all().jobs.count == 1


# --- What goes on meanwhile


def test_recording_and_taking_jobs_goes_on_while_jobs_are_removed(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "STEP_MOST", 10)
    for number in range(300):
        put(kept, f"old-{number}", 400)
    sweeping = threading.Thread(target=kept.sweep_all)
    sweeping.start()
    for number in range(30):
        put(kept, f"new-{number}", 1)
        receipt(kept.store.append(kept.store.prepare(id=f"new-{number}"))[0])
    sweeping.join(60)
    assert not sweeping.is_alive()
    assert ids(kept) == {f"new-{number}" for number in range(30)}
    assert len(kept.ids()) == 30
    (told,) = kept.all(RECORDED)
    assert told.details["count"] == 300
