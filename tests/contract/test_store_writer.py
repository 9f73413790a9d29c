"""The writer: groups, savepoints, order, and what is answered."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

import pytest
from sqlalchemy import insert, text
from tests.contract.stores import Store, one_group, receipt

from trailkeeper.activity import now_us
from trailkeeper.errors import NotFound, QueueFull, StoreUnavailable
from trailkeeper.ledger import schema
from trailkeeper.ledger.append import Append, Outcomes
from trailkeeper.ledger.writer import Transaction, Writer


def queue(store: Store, *ids: str) -> Future[Outcomes]:
    """Queue an append of activities with these ids."""
    future: Future[Outcomes] = Future()
    work = Append(store.acme, [store.prepare(id=one) for one in ids])

    def done(result: Any, error: BaseException | None) -> None:
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    store.writer.enqueue(work, done)
    return future


def record_and_fail(store: Store, one: str) -> Any:
    prepared = store.prepare(id=one, actor={"type": "user", "id": f"actor-of-{one}"})

    def work(transaction: Transaction) -> None:
        transaction.record(store.acme, prepared)
        raise NotFound("nothing here")

    return work


def test_an_answered_append_is_there(store: Store) -> None:
    first, second = store.append(store.prepare(id="a"), store.prepare())
    assert (receipt(first).seq, receipt(second).seq) == (0, 1)
    assert receipt(first).id == "a"
    assert [row.id for row in store.rows()] == ["a", receipt(second).id]


def test_results_come_in_the_order_of_the_activities(store: Store) -> None:
    outcomes = store.append(*(store.prepare(id=f"id-{number}") for number in range(120)))
    assert [receipt(one).id for one in outcomes] == [f"id-{number}" for number in range(120)]
    assert [receipt(one).seq for one in outcomes] == list(range(120))


def test_what_waits_together_is_one_transaction_and_answered_after_it(store: Store) -> None:
    seen: list[tuple[int, bool]] = []
    with one_group(store.writer):
        first = queue(store, "a")
        looked = store.writer.submit(lambda _: seen.append((len(store.rows()), first.done())))
        last = queue(store, "b")
    looked.result(10)
    assert seen == [(0, False)]
    assert receipt(first.result(10)[0]).seq == 0
    assert receipt(last.result(10)[0]).seq == 1
    assert store.seqs() == [0, 1]


def test_a_unit_sees_what_stands_before_it_in_its_group(store: Store) -> None:
    def count(transaction: Transaction) -> int:
        return transaction.connection.execute(text("SELECT count(*) FROM activity")).scalar_one()

    with one_group(store.writer):
        queue(store, "a", "b")
        counted = store.writer.submit(count)
    assert counted.result(10) == 2


def test_units_run_in_the_order_they_came(store: Store) -> None:
    ran: list[int] = []
    with one_group(store.writer):
        units = [store.writer.submit(lambda _, n=number: ran.append(n)) for number in range(50)]
    for unit in units:
        unit.result(10)
    assert ran == list(range(50))


def test_a_failing_unit_between_two_good_ones_leaves_nothing_behind(store: Store) -> None:
    with one_group(store.writer):
        before = queue(store, "before")
        failing = store.writer.submit(record_and_fail(store, "failing"))
        after = queue(store, "after")
    with pytest.raises(NotFound, match="nothing here"):
        failing.result(10)
    assert receipt(before.result(10)[0]).seq == 0
    assert receipt(after.result(10)[0]).seq == 1
    assert [row.id for row in store.rows()] == ["before", "after"]
    assert store.reader.choices(store.acme, "actor", "actor-of-failing") == []


def test_an_actor_of_a_failed_unit_can_be_recorded_by_the_next(store: Store) -> None:
    with pytest.raises(NotFound):
        store.writer.run(record_and_fail(store, "x"))
    store.record(actor={"type": "user", "id": "actor-of-x", "name": "Xenia"})
    (choice,) = store.reader.choices(store.acme, "actor", "xenia")
    assert (choice.id, choice.count) == ("actor-of-x", 1)


def test_a_failing_unit_runs_once(store: Store) -> None:
    runs: list[int] = []

    def work(_: Transaction) -> None:
        runs.append(1)
        raise NotFound("no")

    with pytest.raises(NotFound):
        store.writer.run(work)
    assert runs == [1]


def test_a_failing_append_does_not_take_its_neighbours_along(store: Store) -> None:
    answers: list[tuple[str, BaseException | None]] = []
    with one_group(store.writer):
        for name, workspace in (("a", store.acme), ("b", 999), ("c", store.acme)):
            work = Append(workspace, [store.prepare(id=name)])
            store.writer.enqueue(work, lambda _, error, n=name: answers.append((n, error)))
    store.writer.run(lambda _: None)
    assert [name for name, _ in answers] == ["a", "b", "c"]
    assert [type(error) for _, error in answers] == [type(None), NotFound, type(None)]
    assert [(row.id, row.seq) for row in store.rows()] == [("a", 0), ("c", 1)]


def test_seq_is_dense_whatever_fails(store: Store) -> None:
    futures: list[Future[Any]] = []
    for start in range(0, 60, 20):
        with one_group(store.writer):
            for number in range(start, start + 20):
                if number % 3 == 1:
                    futures.append(store.writer.submit(record_and_fail(store, f"failing-{number}")))
                else:
                    futures.append(queue(store, f"id-{number}", f"id-{number // 2}"))
    failed = [future.exception(10) is not None for future in futures]
    assert failed == [number % 3 == 1 for number in range(60)]
    seqs = store.seqs()
    assert seqs == list(range(len(seqs)))
    assert store.reader.next_seq(store.acme) == len(seqs)


def test_each_workspace_counts_for_itself(store: Store) -> None:
    with one_group(store.writer):
        for workspace in (store.acme, store.other, store.acme):
            store.writer.enqueue(Append(workspace, [store.prepare()]), lambda _result, _error: None)
    store.writer.run(lambda _: None)
    assert store.reader.next_seq(store.acme) == 2
    assert store.reader.next_seq(store.other) == 1


def test_when_the_commit_fails_every_unit_fails_and_nothing_is_kept(store: Store) -> None:
    if store.url:
        key = 'member DROP CONSTRAINT fk_member_user, ADD FOREIGN KEY ("user") REFERENCES'
        store.writer.run(
            lambda transaction: transaction.connection.execute(
                text(f'ALTER TABLE {key} "user" DEFERRABLE INITIALLY DEFERRED')
            )
        )

    def dangle(transaction: Transaction) -> None:
        # The violation of a deferred foreign key shows at the commit.
        if not store.url:
            transaction.connection.execute(text("PRAGMA defer_foreign_keys=ON"))
        transaction.connection.execute(
            insert(schema.member).values(
                workspace=store.acme, user=999, role="x", created_at=now_us()
            )
        )

    with one_group(store.writer):
        first = queue(store, "a")
        second = store.writer.submit(dangle)
        third = queue(store, "b")
    for future in (first, second, third):
        assert future.exception(10) is not None
    assert store.rows() == []
    assert store.record(id="c").seq == 0


def test_state_and_activity_are_kept_together_or_not_at_all(store: Store) -> None:
    def work(transaction: Transaction, *, fails: bool) -> None:
        transaction.connection.execute(
            insert(schema.source_state).values(workspace=store.acme, source="s", state=b"1")
        )
        transaction.record(store.acme, store.prepare(id="with-state"))
        if fails:
            raise NotFound("no")

    def states() -> int:
        with store.here.engine.connect() as connection:
            return connection.execute(text("SELECT count(*) FROM source_state")).scalar_one()

    with pytest.raises(NotFound):
        store.writer.run(lambda transaction: work(transaction, fails=True))
    assert (states(), store.seqs()) == (0, [])
    store.writer.run(lambda transaction: work(transaction, fails=False))
    assert (states(), store.seqs()) == (1, [0])


def test_many_threads_get_each_its_own_dense_seq(store: Store) -> None:
    seqs: list[int] = []

    def record() -> None:
        seqs.extend(store.record().seq for _ in range(10))

    threads = [threading.Thread(target=record) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seqs) == list(range(80)) == store.seqs()


def test_a_full_queue_refuses_at_once_and_what_waits_is_still_done(store: Store) -> None:
    writer = Writer(store.here.writer._engine, queue_max_units=2)
    with one_group(writer):
        waiting = [writer.submit(lambda _: "done") for _ in range(2)]
        assert writer.waiting == 2
        with pytest.raises(QueueFull) as raised:
            writer.submit(lambda _: None)
        assert raised.value.retry_after_s
    assert [unit.result(10) for unit in waiting] == ["done", "done"]
    writer.close()


def test_the_queue_is_bounded_in_bytes_but_never_refuses_the_first(store: Store) -> None:
    writer = Writer(store.here.writer._engine, queue_max_bytes=1)
    work = Append(store.acme, [store.prepare(id="big")])
    assert receipt(writer.append(work.workspace, work.activities)[0]).seq == 0
    with one_group(writer):
        writer.submit(lambda _: None)
        with pytest.raises(QueueFull):
            writer.submit(lambda _: None)
    writer.close()


def test_closing_works_off_the_queue_and_then_refuses(store: Store) -> None:
    writer = Writer(store.here.writer._engine)
    with one_group(writer):
        waiting = writer.submit(lambda transaction: transaction.record(store.acme, store.prepare()))
        closing = threading.Thread(target=writer.close)
        closing.start()
    closing.join(10)
    assert receipt(waiting.result(0)[0]).seq == 0
    with pytest.raises(StoreUnavailable, match="stopping"):
        writer.run(lambda _: None)


def test_an_answer_that_cannot_be_given_does_not_stop_the_others(store: Store) -> None:
    def gone(_result: Any, _error: BaseException | None) -> None:
        raise RuntimeError("the client is gone")

    with one_group(store.writer):
        store.writer.enqueue(Append(store.acme, [store.prepare()]), gone)
        second = queue(store, "b")
    assert receipt(second.result(10)[0]).seq == 1
