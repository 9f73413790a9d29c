"""The log of a follower's tries, and dead letters that are tried again."""

from __future__ import annotations

import random

from sqlalchemy import func, insert, select
from tests.conftest import wait_for
from tests.followers.conftest import World

from trailkeeper.followers import deliveries, places
from trailkeeper.followers.deliveries import KEPT, MINUTES_KEPT, this_minute
from trailkeeper.followers.follower import Batch, DeliveryFailed, Place, Poison, Tried
from trailkeeper.ledger.schema import delivery, delivery_minute
from trailkeeper.ledger.writer import Transaction

TRIED = Tried(first=0, end=10, count=7, bytes=None, attempt=1, started_at=0, took_us=5)


def note(world: World, place: Place, times: int) -> None:
    def work(transaction: Transaction) -> None:
        for _ in range(times):
            deliveries.note(transaction, place.key, TRIED)

    world.owner.store.change(work)


def count(world: World, place: Place) -> int:
    asked = select(func.count()).where(delivery.c.follower == place.key)
    with world.owner.store.reading() as connection:
        return connection.execute(asked).scalar_one()


def test_of_each_follower_the_newest_thousand_tries_are_kept(world: World) -> None:
    world.follower("one")
    world.follower("two")
    one, two = world.place("one"), world.place("two")
    note(world, two, 10)
    note(world, one, 2_200)
    assert KEPT <= count(world, one) < KEPT + 64
    assert count(world, two) == 10
    with world.owner.store.reading() as connection:
        found = deliveries.latest(connection, one.key)
        page = deliveries.latest(connection, one.key, limit=2, before=found[1].number)
    assert [found[0].number, len(found)] == [2_199, KEPT]
    assert [one.number for one in page] == [2_197, 2_196]


def test_minutes_are_counted_for_a_day(world: World) -> None:
    world.follower()
    place, now = world.place(), this_minute()

    def old(transaction: Transaction) -> None:
        for minute in (now - MINUTES_KEPT - 5, now - 60):
            row = {"follower": place.key, "minute": minute, "delivered": 1, "failed": 0}
            transaction.connection.execute(insert(delivery_minute).values(row))

    world.owner.store.change(old)
    note(world, place, 3)
    with world.owner.store.reading() as connection:
        found = deliveries.minutes(connection, [place.key], 0)[place.key]
    assert found[0].minute == now - 60
    assert sum(one.delivered for one in found) == 1 + 3 * TRIED.count


def test_a_dead_letter_that_is_to_be_tried_again_leaves_a_batch_that_was_begun_as_it_is(
    world: World,
) -> None:
    receiver = world.follower()
    answers = [Poison("too large", [4])] * 3 + [DeliveryFailed("away", retry_after_s=0)]
    asked: list[int] = []

    def trouble(_batch: Batch) -> Exception | None:
        if len(receiver.tried) == 4:  # it is buried, and the batch is still to be done
            world.owner.store.change(
                lambda transaction: asked.extend(places.try_again(transaction, world.place(), None))
            )
        return answers.pop(0) if answers else None

    receiver.trouble = trouble
    world.record(6)
    runner = world.run()
    wait_for(lambda: receiver.seqs == [0, 1, 2, 3, 5, 4], 20)
    assert asked == [4]
    assert [[one.seq for one in batch.items] for batch in receiver.tried[3:]] == [
        [0, 1, 2, 3, 5],
        [0, 1, 2, 3, 5],
        [4],
    ]
    wait_for(lambda: world.places.dead_count(world.place()) == 0)
    runner.close()


def test_a_dead_letter_is_tried_again_until_the_other_side_is_there(world: World) -> None:
    receiver = world.follower()
    world.record(3)
    runner = world.run()
    wait_for(lambda: receiver.seqs == [0, 1, 2])
    world.owner.bury(world.place(), [1], "too large")
    answers = [DeliveryFailed("away", retry_after_s=0), DeliveryFailed("away", retry_after_s=0)]
    receiver.trouble = lambda _batch: answers.pop(0) if answers else None
    world.owner.store.change(
        lambda transaction: places.try_again(transaction, world.place(), [1, 99])
    )
    runner.look()
    wait_for(lambda: receiver.seqs == [0, 1, 2, 1], 20)
    assert [batch.attempt for batch in receiver.tried[-3:]] == [1, 2, 3]
    wait_for(lambda: world.places.dead_count(world.place()) == 0)
    world.record(1)
    wait_for(lambda: receiver.seqs[-1] == 3)


def test_a_seq_is_found_by_the_time_of_recording(world: World) -> None:
    reader = world.store.here.reader
    for _ in range(7):
        world.record(random.randint(1, 3))
    times = [one.received_at for one in reader.after(world.store.acme, 0, 100)]
    us = [round(one.timestamp() * 1e6) for one in times]
    for at in {us[0] - 1, *us, us[-1] + 1}:
        wanted = next((seq for seq, there in enumerate(us) if there >= at), len(us))
        assert reader.seq_at(world.store.acme, at) == wanted
    assert reader.recorded_at(world.store.acme, 3) == us[3]
    assert reader.recorded_at(world.store.acme, len(us)) is None
