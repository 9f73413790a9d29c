"""Two processes on one store: each sees what the other wrote, and nothing collides."""

from __future__ import annotations

import threading

from tests.contract.stores import Store, receipt, sent

from trailkeeper.activity import from_us
from trailkeeper.installation import Installation
from trailkeeper.query.filters import Filter, Match

AT = from_us(1_780_000_000_000_000)


def record(where: Installation, workspace: int, **changed: object) -> int:
    prepared = where.recorder.prepare(workspace, sent(**changed))
    return receipt(where.writer.append(workspace, [prepared])[0]).seq


def test_what_another_process_wrote_is_seen_at_once(store: Store) -> None:
    there = store.another()
    for number in range(20):
        writing, reading = (store.here, there) if number % 2 else (there, store.here)
        assert record(writing, store.acme, id=f"id-{number}") == number
        assert reading.reader.get(store.acme, f"id-{number}") is not None
        (newest,) = reading.reader.page(store.acme, Filter(), limit=1).activities
        assert newest.id == f"id-{number}"
        assert reading.reader.next_seq(store.acme) == number + 1


def test_dictionary_keys_and_seqs_do_not_collide_with_what_is_remembered(store: Store) -> None:
    there = store.another()
    for number in range(12):
        where = (store.here, there)[number % 2]
        record(
            where,
            store.acme,
            id=f"id-{number}",
            # Each process meets some names first that the other then meets too.
            action=f"acme.action-{number // 2 % 3}",
            actor={"type": "user", "id": f"user-{number // 2}"},
            targets=[{"type": f"kind-{number // 3}", "id": f"target-{number // 4}"}],
            environment=f"env-{number // 6}",
            context={"source": f"source-{number // 2}"},
        )
    for reader in (store.reader, there.reader):
        for field, name, steps in (
            ("actor", "user", 2),
            ("target", "target", 4),
            ("type", "kind", 3),
            ("env", "env", 6),
            ("source", "source", 2),
        ):
            for value in range(12 // steps):
                asked = Filter(matches=(Match(field=field, values=(f"{name}-{value}",)),))
                found = [one.seq for one in reader.page(store.acme, asked, order="asc").activities]
                assert found == list(range(value * steps, (value + 1) * steps)), (field, value)
    assert store.seqs() == list(range(12))


def test_activities_of_one_microsecond_from_two_processes_all_get_a_place(store: Store) -> None:
    there = store.another()
    for number in range(30):
        record((store.here, there)[number % 2], store.acme, id=str(number), occurred_at=AT)
    page = store.reader.page(store.acme, Filter(), order="asc")
    assert [one.seq for one in page.activities] == list(range(30))


def test_a_rename_elsewhere_is_not_undone(store: Store) -> None:
    there = store.another()
    record(store.here, store.acme, actor={"type": "user", "id": "7", "name": "One"})
    record(there, store.acme, actor={"type": "user", "id": "7", "name": "Two"})
    record(store.here, store.acme, actor={"type": "user", "id": "7"})
    for reader in (store.reader, there.reader):
        found = reader.entity(store.acme, "actor", "user:7")
        assert found is not None
        assert (found.name, found.count) == ("Two", 3)


def test_a_workspace_made_elsewhere_can_be_written_to(store: Store) -> None:
    there = store.another()
    record(there, store.acme)
    new = store.workspace("New")
    assert record(there, new) == 0


def test_two_processes_at_once_share_one_dense_order(store: Store) -> None:
    there = store.another()
    seqs: list[int] = []

    def work(where: Installation, name: str) -> None:
        seqs.extend(record(where, store.acme, id=f"{name}-{number}") for number in range(25))

    threads = [
        threading.Thread(target=work, args=(where, f"{name}-{thread}"))
        for name, where in (("here", store.here), ("there", there))
        for thread in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seqs) == list(range(100)) == store.seqs()
    times = [row.received_at for row in store.rows()]
    assert times == sorted(times)
