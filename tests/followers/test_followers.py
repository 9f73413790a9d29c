"""Followers: every activity once and in order when all is well, at least once after trouble."""

from __future__ import annotations

import pytest
from tests.conftest import wait_for
from tests.followers.conftest import World, failing

from trailkeeper.followers import backoff, places
from trailkeeper.followers.backoff import MOST_S, delay_s
from trailkeeper.followers.follower import DeliveryFailed, Poison
from trailkeeper.query.filters import Filter, Match


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "FIRST_S", 0.01)


def test_what_is_recorded_before_and_after_comes_once_and_in_order(world: World) -> None:
    receiver = world.follower()
    world.record(25)
    world.run()
    wait_for(lambda: len(receiver.seqs) == 25)
    for _ in range(30):
        world.record(1)
    wait_for(lambda: len(receiver.seqs) == 55)
    assert receiver.seqs == list(range(55))
    assert [batch.attempt for batch in receiver.batches] == [1] * len(receiver.batches)
    wait_for(lambda: world.place().cursor == 55)
    assert world.place().delivered == 55


def test_a_follower_begins_where_it_was_made_to_begin(world: World) -> None:
    world.record(20)
    receiver = world.follower(cursor=12)
    world.run()
    wait_for(lambda: len(receiver.seqs) == 8)
    assert receiver.seqs == list(range(12, 20))


def test_it_is_given_only_what_it_wants_and_passes_over_the_rest(world: World) -> None:
    receiver = world.follower()
    receiver.wants = Filter(matches=(Match(field="action", values=("recipe.started",)),))
    world.record(15)
    world.record(3, action="recipe.started")
    world.record(15)
    world.run()
    wait_for(lambda: world.place().cursor == 33)
    assert receiver.seqs == [15, 16, 17]


@pytest.mark.usefixtures("quick")
def test_a_batch_that_failed_comes_again_with_the_same_borders(world: World) -> None:
    receiver = world.follower()
    world.record(4)
    receiver.trouble = failing(2)
    world.run()
    wait_for(lambda: world.place().failures == 1)
    world.record(20)
    wait_for(lambda: len(receiver.seqs) == 24)
    firsts = [(batch.first, batch.end, batch.attempt) for batch in receiver.tried[:3]]
    assert firsts == [(0, 4, 1), (0, 4, 2), (0, 4, 3)]
    assert [one.seq for one in receiver.tried[0].items] == [0, 1, 2, 3]
    assert receiver.tried[0].items == receiver.tried[2].items
    assert receiver.seqs == list(range(24))
    assert world.place().failures == 0
    assert world.place().last_error == "the other side is away"


@pytest.mark.usefixtures("quick")
def test_an_error_of_the_work_itself_counts_as_a_failure(world: World) -> None:
    receiver = world.follower()
    world.record(1)
    receiver.trouble = failing(1, ZeroDivisionError("oh"))
    world.run()
    wait_for(lambda: receiver.seqs == [0])
    assert world.place().last_error == "ZeroDivisionError: oh"


def test_one_that_hangs_holds_up_nobody_else(world: World) -> None:
    stuck, well = world.follower("stuck"), world.follower("well")
    stuck.gate.clear()
    world.run()
    world.record(40)
    wait_for(lambda: len(well.seqs) == 40)
    assert stuck.seqs == []
    stuck.gate.set()
    wait_for(lambda: len(stuck.seqs) == 40)


def test_one_that_was_deleted_while_it_hung_holds_up_no_new_one(world: World) -> None:
    stuck = world.follower("stuck")
    stuck.gate.clear()
    world.record(5)
    runner = world.run()
    wait_for(lambda: stuck.tried)
    place = world.place("stuck")
    world.owner.store.change(lambda transaction: places.drop(transaction, place))
    new = world.follower("new")
    runner.look()
    wait_for(lambda: new.seqs == list(range(5)))
    stuck.gate.set()
    wait_for(lambda: stuck.batches)
    world.record(5)
    wait_for(lambda: new.seqs == list(range(10)))


def test_after_failures_that_do_not_end_it_is_paused_where_it_stands(world: World) -> None:
    receiver = world.follower()
    world.record(5)
    receiver.trouble = lambda _batch: DeliveryFailed("no such bucket", is_final=True)
    runner = world.run()
    wait_for(lambda: world.place().state == "paused")
    assert world.place().pause_reason == "no such bucket"
    assert world.place().cursor == 0
    world.record(5)
    receiver.trouble = lambda _batch: None
    place = world.place()
    world.owner.store.change(lambda transaction: places.resume(transaction, place))
    runner.look()
    wait_for(lambda: receiver.seqs == list(range(10)))


@pytest.mark.usefixtures("quick")
def test_poison_goes_to_the_dead_letters_and_the_rest_goes_on(world: World) -> None:
    receiver = world.follower()
    world.record(6)

    def trouble(batch: object) -> Exception | None:
        there = [one.seq for one in receiver.tried[-1].items]
        return Poison("too large", [2, 4]) if {2, 4} & set(there) else None

    receiver.trouble = trouble
    world.run()
    wait_for(lambda: receiver.seqs == [0, 1, 3, 5])
    assert len(receiver.tried) == 4  # three tries before they are given up
    dead = world.places.dead_letters(world.place())
    assert [(letter.seq, letter.reason) for letter in dead] == [(4, "too large"), (2, "too large")]


def test_a_replay_brings_everything_from_there_again(world: World) -> None:
    receiver = world.follower()
    world.record(12)
    runner = world.run()
    wait_for(lambda: world.place().cursor == 12)
    place = world.place()
    world.owner.store.change(lambda transaction: places.replay(transaction, place, 7))
    runner.look()
    wait_for(lambda: len(receiver.seqs) == 17)
    assert receiver.seqs[12:] == [7, 8, 9, 10, 11]


def test_two_processes_never_work_for_one_follower_at_the_same_time(world: World) -> None:
    receiver = world.follower()
    receiver.gate.clear()
    world.record(30)
    first = world.run()
    world.run(world.store.another())
    wait_for(lambda: receiver.tried)
    receiver.gate.set()
    wait_for(lambda: len(receiver.seqs) == 30)
    first.close()
    world.record(10)
    wait_for(lambda: len(receiver.seqs) == 40, 20)
    assert receiver.seqs == list(range(40))


def test_a_commit_of_another_process_is_noticed(world: World) -> None:
    receiver = world.follower()
    world.run()
    there = world.store.another()
    there.writer.append(world.store.acme, [world.store.prepare()])
    wait_for(lambda: receiver.seqs == [0])


@pytest.mark.parametrize("failures", [1, 2, 8, 30])
def test_the_wait_grows_up_to_an_hour_and_varies(failures: int) -> None:
    waits = {delay_s(failures) for _ in range(50)}
    whole = min(2.0 ** (failures - 1), MOST_S)
    assert len(waits) > 40
    assert all(whole / 2 <= wait <= whole for wait in waits)


def test_what_the_other_side_asks_for_is_kept_but_no_longer_than_an_hour() -> None:
    assert delay_s(1, 17) == 17
    assert delay_s(9, 1e9) == MOST_S
