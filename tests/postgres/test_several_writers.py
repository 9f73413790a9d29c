"""Several processes write to one PostgreSQL database: one order, no id twice, nothing lost."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import wait_for
from tests.contract.stores import Store, one_group, open_store, receipt

from trailkeeper.activity import now_us
from trailkeeper.ledger.append import Append
from trailkeeper.ledger.backends import backend_of
from trailkeeper.ledger.keys import first_key
from trailkeeper.ledger.prepare import Prepared
from trailkeeper.ledger.writer import Transaction, Writer
from trailkeeper.query.language import parse

PROCESSES = 3
ACTIVITIES = 120

CHILD = """
import json, sys
from pathlib import Path
from tests.contract.stores import sent
from trailkeeper.installation import opened

data, url, name, count = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
workspaces = json.loads(sys.argv[5])
with opened(data, database_url=url) as here:
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(count):
        workspace = workspaces[number % len(workspaces)]
        # All of them record two of the ids, and name the same people.
        ids = [f"{name}-{number}", f"shared-{number}"]
        prepared = [
            here.recorder.prepare(
                workspace,
                sent(id=one, actor={"type": "user", "id": f"u{number % 7}", "name": "Same"}),
            )
            for one in ids
        ]
        outcomes = here.writer.append(workspace, prepared)
        print(json.dumps([[workspace, one.id, one.seq] for one in outcomes]), flush=True)
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store("postgresql", tmp_path / "data") as made:
        yield made


def children(store: Store) -> list[subprocess.Popen[str]]:
    assert store.url
    workspaces = json.dumps([store.acme, store.other])
    started = [
        subprocess.Popen(
            [
                *(sys.executable, "-c", CHILD, str(store.data), store.url),
                *(f"p{number}", str(ACTIVITIES), workspaces),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    for child in started:
        assert child.stdout
        assert child.stdout.readline() == "ready\n"
    return started


def test_processes_at_once_share_one_dense_order_and_each_id_is_recorded_once(
    store: Store,
) -> None:
    acknowledged: list[tuple[int, str, int]] = []
    for child in (started := children(store)):
        assert child.stdin
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in started:
        out, _ = child.communicate(timeout=240)
        assert child.returncode == 0
        acknowledged += [tuple(one) for line in out.splitlines() for one in json.loads(line)]
    assert len(acknowledged) == PROCESSES * ACTIVITIES * 2
    # An id that several sent has one seq, whoever asked.
    seqs = {(workspace, id): seq for workspace, id, seq in acknowledged}
    assert set(acknowledged) == {(*key, seq) for key, seq in seqs.items()}
    with store.reading() as connection:
        rows = connection.exec_driver_sql(
            "SELECT workspace, id, seq, received_at FROM activity ORDER BY workspace, seq"
        ).all()
    assert {(row[0], row[1]): row[2] for row in rows} == seqs
    for workspace in (store.acme, store.other):
        of_one = [row for row in rows if row[0] == workspace]
        assert [row.seq for row in of_one] == list(range(len(of_one)))
        times = [row.received_at for row in of_one]
        assert times == sorted(times)
        named = sum(
            len(store.reader.page(workspace, parse(f"actor:user:u{n}"), limit=1_000).activities)
            for n in range(7)
        )
        assert named == len(of_one)


def test_a_slow_commit_lets_nobody_pass_whose_seqs_come_later(store: Store) -> None:
    there = store.another()
    session = backend_of(store.here.engine).session(store.here.writer._engine)
    session.begin({store.acme}, False)
    (outcomes,) = session.appender.append([Append(store.acme, [store.prepare(id="slow")])])
    assert receipt(outcomes[0]).seq == 0
    answered = threading.Event()

    def append() -> None:
        there.writer.append(store.acme, [store.prepare(id="later")])
        answered.set()

    later = threading.Thread(target=append)
    later.start()
    # Another workspace's appends do not wait, and do so after `later` is at it.
    wait_for(lambda: waits_for_a_lock(store))
    store.writer.append(store.other, [store.prepare(id="elsewhere")])
    assert not answered.is_set()
    assert store.seqs() == []
    session.commit()
    session.close()
    later.join(20)
    assert [(row.seq, row.id) for row in store.rows()] == [(0, "slow"), (1, "later")]


def waits_for_a_lock(store: Store) -> bool:
    with store.here.engine.connect() as connection:
        return bool(
            connection.exec_driver_sql(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ).scalar()
        )


def test_what_is_seen_is_always_the_beginning_of_the_order(store: Store) -> None:
    there = store.another()
    stop = threading.Event()
    holes: list[list[int]] = []

    def look() -> None:
        while not stop.is_set():
            seqs = store.seqs()
            if seqs != list(range(len(seqs))):
                holes.append(seqs)

    def append(where: Any, name: str) -> None:
        for number in range(40):
            where.writer.append(
                store.acme, [store.prepare(id=f"{name}-{number}-{n}") for n in "ab"]
            )

    looking = threading.Thread(target=look)
    writing = [
        threading.Thread(target=append, args=one) for one in ((store.here, "x"), (there, "y"))
    ]
    for thread in (looking, *writing):
        thread.start()
    for thread in writing:
        thread.join(120)
    stop.set()
    looking.join(20)
    assert holes == []
    assert len(store.seqs()) == 160


def test_units_of_two_processes_are_one_after_the_other(store: Store) -> None:
    """Each reads what the one before has written: no change is lost."""
    there = store.another()

    def add_one(transaction: Transaction) -> None:
        execute = transaction.database.execute
        (days,) = execute(
            "SELECT retention_days FROM workspace WHERE key = ?", (store.acme,)
        ).fetchone()
        transaction.record(store.acme, store.prepare())
        execute("UPDATE workspace SET retention_days = ? WHERE key = ?", (days + 1, store.acme))

    def work(where: Any) -> None:
        for _ in range(30):
            where.writer.run(add_one)

    threads = [threading.Thread(target=work, args=(where,)) for where in (store.here, there)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    with store.here.engine.connect() as connection:
        days = connection.exec_driver_sql(
            f"SELECT retention_days FROM workspace WHERE key = {store.acme}"
        ).scalar()
    assert days == 365 + 60
    assert store.seqs() == list(range(60))


def queued(writer: Writer, workspace: int, prepared: Prepared) -> Future[Any]:
    future: Future[Any] = Future()

    def done(result: Any, error: BaseException | None) -> None:
        future.set_exception(error) if error else future.set_result(result)

    writer.enqueue(Append(workspace, [prepared]), done)
    return future


def test_transactions_that_wait_for_each_other_are_tried_again(store: Store) -> None:
    """A unit that records in two workspaces against an append to both, which locks the other way
    round: the database ends one of them, and both are done in the end."""
    there = store.another()
    first, second = sorted((store.acme, store.other))

    def both(transaction: Transaction) -> None:
        transaction.record(second, store.prepare())
        transaction.record(first, store.prepare())

    def units() -> None:
        for _ in range(25):
            store.writer.run(both)

    def appends() -> None:
        for _ in range(25):
            with one_group(there.writer):
                both = [queued(there.writer, one, store.prepare()) for one in (first, second)]
            for future in both:
                future.result(60)

    threads = [threading.Thread(target=work) for work in (units, appends)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert store.reader.next_seq(first) == store.reader.next_seq(second) == 50


def test_a_process_notices_when_another_has_changed_more_than_the_log(store: Store) -> None:
    there = store.another()
    there.writer.append(store.acme, [store.prepare()])
    before = there.writer.generation
    store.record()
    there.writer.append(store.acme, [store.prepare()])
    assert there.writer.generation == before
    store.writer.run(lambda _: None)
    there.writer.append(store.acme, [store.prepare()])
    assert there.writer.generation > before


def test_names_that_are_forgotten_while_another_process_names_them_again(store: Store) -> None:
    there = store.another()
    stop = threading.Event()
    actor = {"type": "user", "id": "7", "name": "Robin"}

    def remove_all(transaction: Transaction) -> None:
        transaction.remove(
            store.acme,
            after_key=-1,
            before_key=first_key(now_us()),
            before_seq=1 << 60,
            holds=[],
            limit=1_000,
        )

    def sweep() -> None:
        while not stop.is_set():
            store.writer.run(remove_all)
            store.writer.run(
                lambda transaction: transaction.forget_names(store.acme, after=0, limit=1_000)
            )

    sweeping = threading.Thread(target=sweep)
    sweeping.start()
    for number in range(40):
        there.writer.append(store.acme, [store.prepare(id=f"n{number}", actor=actor)])
    stop.set()
    sweeping.join(60)
    last = receipt(there.writer.append(store.acme, [store.prepare(id="last", actor=actor)])[0])
    assert last.seq == 40
    found = store.reader.page(store.acme, parse("actor:user:7"), limit=1_000).activities
    kept = store.reader.page(store.acme, parse(""), limit=1_000).activities
    assert [one.seq for one in found] == [one.seq for one in kept]
    assert found[0].id == "last"
    # An id is known for ever.
    again = there.writer.append(store.acme, [store.prepare(id="n0", actor=actor)])[0]
    assert receipt(again).seq == 0
