"""Idempotency: one id is one activity, for ever; and the server's own clock never goes back."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import time_machine
from tests.conftest import activity, cli
from tests.contract.stores import Store, one_group, receipt, sent

from trailkeeper.activity import rfc3339
from trailkeeper.errors import IdConflict
from trailkeeper.ledger.append import Append, Outcomes, Receipt
from trailkeeper.ledger.writer import Transaction

START = 1_795_000_000


def test_the_same_again_gets_the_first_answer(store: Store) -> None:
    first = store.record(id="a")
    again = store.record(id="a")
    assert again == Receipt("a", first.seq, first.received_at, 200)
    assert not first.already_there
    assert store.seqs() == [0]


def test_other_content_under_a_used_id_is_a_conflict_that_takes_no_seq(store: Store) -> None:
    store.record(id="a")
    conflict, good = store.append(store.prepare(id="a", outcome="failure"), store.prepare(id="b"))
    assert isinstance(conflict, IdConflict)
    assert conflict.errors[0].pointer == "/id"
    assert "seq 0" in conflict.detail
    assert receipt(good).seq == 1


def test_an_id_twice_in_one_append_is_one_activity(store: Store) -> None:
    first, again, other, conflict = store.append(
        store.prepare(id="a"),
        store.prepare(id="a"),
        store.prepare(id="b"),
        store.prepare(id="a", reason="changed"),
    )
    assert receipt(again) == Receipt("a", 0, receipt(first).received_at, 200)
    assert receipt(other).seq == 1
    assert isinstance(conflict, IdConflict)
    assert store.seqs() == [0, 1]


def test_an_id_twice_in_two_appends_of_one_group_is_one_activity(store: Store) -> None:
    answers: list[Outcomes] = []
    with one_group(store.writer):
        for reason in (None, None, "changed"):
            work = Append(store.acme, [store.prepare(id="a", reason=reason)])
            store.writer.enqueue(work, lambda result, _error: answers.append(result))
    store.writer.run(lambda _: None)
    (first,), (again,), (conflict,) = answers
    assert receipt(again) == Receipt("a", 0, receipt(first).received_at, 200)
    assert isinstance(conflict, IdConflict)
    assert store.seqs() == [0]


def test_an_id_that_was_rolled_back_is_free_again(store: Store) -> None:
    def work(transaction: Transaction) -> None:
        transaction.record(store.acme, store.prepare(id="a", reason="gone"))
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        store.writer.run(work)
    assert not store.record(id="a").already_there


def test_an_id_is_one_activity_across_openings(store: Store) -> None:
    first = store.record(id="a")
    there = store.another()
    (again,) = there.writer.append(store.acme, [store.prepare(id="a")])
    (conflict,) = there.writer.append(store.acme, [store.prepare(id="a", reason="changed")])
    assert receipt(again) == Receipt("a", 0, first.received_at, 200)
    assert isinstance(conflict, IdConflict)
    receipt(there.writer.append(store.acme, [store.prepare(id="b")])[0])
    assert store.record(id="b").already_there
    assert store.seqs() == [0, 1]


def test_an_id_is_one_activity_across_processes(store: Store) -> None:
    store.record(id="a")
    body = json.dumps(activity(id="b", context={"source": "test"}))
    command = ("record", "--data", store.data, "--workspace", "Acme", "--json")
    done = cli(*command, stdin=body, **store.environment)
    again = store.record(id="b", context={"source": "test"})
    assert again.already_there
    assert again.seq == json.loads(done.stdout)["seq"] == 1
    assert store.seqs() == [0, 1]


def test_an_id_belongs_to_its_workspace(store: Store) -> None:
    store.record(id="a")
    prepared = store.here.recorder.prepare(store.other, sent(id="a", reason="another"))
    (outcome,) = store.writer.append(store.other, [prepared])
    assert receipt(outcome) == Receipt("a", 0, receipt(outcome).received_at)


@pytest.mark.parametrize("odd", ["1", "01", "1.0", "null", "é", 'a"b', "a'b", "%", "\U0001f600"])
def test_ids_are_compared_as_texts(store: Store, odd: str) -> None:
    store.append(*(store.prepare(id=one) for one in ("1", "01", "e", "E")))
    before = len(store.seqs())
    assert store.record(id=odd).already_there == (odd in ("1", "01"))
    assert store.record(id=odd).already_there
    assert len(store.seqs()) == before + (odd not in ("1", "01"))


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"details": {"a": 1, "b": 2}}, {"details": {"b": 2, "a": 1}}),
        ({"outcome": "success"}, {}),
        ({"environment": "prod"}, {}),
        ({"details": {}}, {}),
        ({"occurred_at": "2026-11-01T12:00:00Z"}, {"occurred_at": "2026-11-01T13:00:00+01:00"}),
    ],
)
def test_the_same_content_may_be_written_differently(
    store: Store, one: dict[str, object], two: dict[str, object]
) -> None:
    store.record(id="a", **one)
    assert store.record(id="a", **two).already_there


@pytest.mark.parametrize(
    "changed",
    [
        {"action": "recipe.started"},
        {"occurred_at": "2026-11-01T12:00:00Z"},
        {"actor": {"type": "user", "id": "7"}},
        {"on_behalf_of": {"type": "user", "id": "8"}},
        {"credential": {"type": "api_token", "id": "t"}},
        {"targets": [{"type": "recipe", "id": "42", "name": "Other"}]},
        {"outcome": "failure"},
        {"reason": "x"},
        {"context": {"ip_address": "192.0.2.1"}},
        {"changes": [{"field": "name", "new": "x"}]},
        {"details": {"a": 1}},
        {"environment": "test"},
    ],
)
def test_any_other_field_is_other_content(store: Store, changed: dict[str, object]) -> None:
    store.record(id="a")
    (outcome,) = store.append(store.prepare(id="a", **changed))
    assert isinstance(outcome, IdConflict)


def test_received_at_never_falls_while_seq_rises(store: Store) -> None:
    with time_machine.travel(START, tick=False) as clock:
        for step in (0, 10, -3_600, 5, -86_400, 90_000, -1):
            clock.shift(timedelta(seconds=step))
            store.record()
        there = store.another()
        clock.shift(timedelta(hours=-2))
        there.writer.append(store.acme, [store.prepare()])
    rows = store.rows()
    times = [row.received_at for row in rows]
    assert times == sorted(times)
    assert times[0] == START * 1_000_000
    assert times[2] == times[1] == times[0] + 10_000_000
    assert times[-1] == max(times)


def test_an_activity_without_a_time_occurred_when_it_was_received(store: Store) -> None:
    with time_machine.travel(START, tick=False):
        got = store.record(id="a")
    read = store.reader.get(store.acme, "a")
    assert read is not None
    assert read.occurred_at == read.received_at
    assert got.received_at == rfc3339(START * 1_000_000)
