"""What there is to follow: activities and finished jobs, each with places of its own."""

from __future__ import annotations

import json

import pytest
from tests.conftest import wait_for
from tests.followers.conftest import KIND, Receiver, World
from tests.jobs.support import job, step

from trailkeeper.followers import places
from trailkeeper.followers.activities import ActivitySource
from trailkeeper.followers.presence import FilePresence
from trailkeeper.followers.runner import Runner
from trailkeeper.installation import FOLLOWERS_LOCK
from trailkeeper.jobs import lines, source
from trailkeeper.jobs.body import LINES_TOO_LONG
from trailkeeper.jobs.source import JobSource


def finish(world: World, *sent: object) -> None:
    jobs = world.store.here.jobs
    jobs.take(world.store.acme, [jobs.prepare(json.dumps(one).encode()) for one in sent])


def follow_jobs(world: World, *, steps: bool = False) -> Receiver:
    """A follower of jobs, with the id of the one that follows activities."""
    receiver = world.owner.receivers["jobs"] = Receiver(wants=steps)
    world.owner.store.change(
        lambda transaction: places.make(
            transaction, world.store.acme, KIND, "jobs", "jobs", cursor=0, log="jobs"
        )
    )
    return receiver


def run(world: World) -> Runner:
    here = world.store.here
    sources = {"activities": ActivitySource(here.reader), "jobs": JobSource(here.engine)}
    runner = Runner(
        world.places, sources, {KIND: world.owner}, FilePresence(here.data / FOLLOWERS_LOCK)
    )
    here.writer.listen(runner.committed)
    runner.start()
    world.stack.callback(runner.close)
    return runner


def due(world: World) -> list[str]:
    return [one.id for one in world.places.due(1 << 62)]


def test_a_follower_is_due_when_its_own_log_has_more(world: World) -> None:
    world.follower()
    follow_jobs(world)
    assert due(world) == []
    world.record(1)
    assert due(world) == ["one"]
    finish(world, job(1, status="running"))
    assert due(world) == ["one"]
    finish(world, job(1))
    assert due(world) == ["one", "jobs"]


def test_each_gets_what_stands_in_its_log_and_one_that_hangs_holds_up_nobody(world: World) -> None:
    activities, jobs = world.follower(), follow_jobs(world)
    jobs.gate.clear()
    run(world)
    finish(world, *(job(number) for number in range(12)))
    world.record(3)
    wait_for(lambda: activities.seqs == [0, 1, 2])
    assert jobs.seqs == []
    jobs.gate.set()
    wait_for(lambda: jobs.seqs == list(range(12)))
    wait_for(lambda: world.place("jobs").cursor == 12)
    assert world.place("jobs").cursor == 12
    assert world.place().cursor == 3


def test_a_batch_of_jobs_ends_where_memory_would(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "BATCH_BYTES", 4_000)
    jobs, acme = JobSource(world.store.here.engine), world.store.acme
    long = [step(output={"text": "x" * 2_500})]
    finish(world, job(0), job(1, lines=long), job(2), job(3, lines=long), job(4, title="y" * 4_000))
    assert jobs.end_of_batch(acme, 0, 5, True) == 3
    assert jobs.end_of_batch(acme, 3, 5, True) == 4
    assert jobs.end_of_batch(acme, 4, 5, True) == 5  # one at least
    assert jobs.end_of_batch(acme, 0, 4, False) == 4

    receiver = follow_jobs(world, steps=True)
    run(world)
    wait_for(lambda: receiver.seqs == list(range(5)))
    assert len(receiver.batches) > 1
    assert receiver.batches[-1].items[0].lines is None


def test_steps_come_to_those_who_want_them(world: World) -> None:
    finish(world, job(0, lines=[step()]))
    jobs = JobSource(world.store.here.engine)
    (one,) = jobs.between(world.store.acme, 0, 1, True)
    assert json.loads(one.lines or b"") == [step()]
    (one,) = jobs.between(world.store.acme, 0, 1, False)
    assert one.lines is None


def test_steps_beyond_the_limit_are_a_note(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LINES_MAX_BYTES", 300)
    finish(world, job(0, lines=[step(number) for number in range(5)]), job(1, lines=[step()]))
    long, short = JobSource(world.store.here.engine).between(world.store.acme, 0, 2, True)
    assert json.loads(long.lines or b"") == LINES_TOO_LONG
    assert json.loads(short.lines or b"") == [step()]


def test_no_batch_is_begun_with_what_was_changed_meanwhile(world: World) -> None:
    world.follower()
    world.record(1)
    place = world.place()
    assert world.places.take_lease(place.key, "me", 30)
    world.owner.store.change(lambda transaction: places.reopen(transaction, place))
    assert not world.places.begin(place, "me", 1)
    again = world.place()
    assert world.places.begin(again, "me", 1)
    world.owner.store.change(lambda transaction: places.reopen(transaction, again))
    assert world.places.advance(again, "me", 1, None)  # it was done all the same


def test_a_change_of_what_it_does_counts_at_once(world: World) -> None:
    before = world.follower()
    run(world)
    world.record(1)
    wait_for(lambda: before.seqs == [0])
    wait_for(lambda: world.place().cursor == 1)
    after = world.owner.receivers["one"] = Receiver()
    place = world.place()
    world.owner.store.change(lambda transaction: places.reopen(transaction, place))
    world.record(1)
    wait_for(lambda: after.seqs == [1])
    assert before.seqs == [0]
