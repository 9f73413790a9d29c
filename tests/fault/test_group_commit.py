"""The writer's group commit: one unit's failure is its own, a failed commit is everyone's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Any

import pysqlite3.dbapi2 as driver
import pytest
from sqlalchemy import insert, select
from tests.conftest import Site, make_site, wait_for

from trailkeeper.activity import ActivityInput, Actor, Target
from trailkeeper.errors import NotFound, StoreUnavailable
from trailkeeper.installation import Installation, opened
from trailkeeper.ledger.append import Append, Receipt
from trailkeeper.ledger.prepare import Prepared
from trailkeeper.ledger.schema import member, source_state
from trailkeeper.ledger.sqlite import engine
from trailkeeper.ledger.writer import Transaction

from .support import check_ledger


@pytest.fixture
def place(tmp_path: Path) -> Site:
    """An installation on disk, not served."""
    return make_site(tmp_path / "data")


@pytest.fixture
def open_place(place: Site) -> Iterator[Installation]:
    with opened(place.data) as installation:
        yield installation


def prepared(installation: Installation, id: str) -> Prepared:
    sent = ActivityInput(
        id=id,
        action="recipe.stopped",
        actor=Actor(type="user", id=f"actor of {id}"),
        targets=[Target(type="recipe", id=f"target of {id}")],
    )
    return installation.recorder.prepare(installation.workspaces.find("Acme"), sent)


class Group:
    """Units that are all waiting when the writer looks, so that they share one transaction."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._key = installation.workspaces.find("Acme")
        self._gate = threading.Event()
        self._blocker = installation.writer.submit(lambda _: self._gate.wait(30))
        wait_for(lambda: installation.writer.waiting == 0)
        self.futures: list[Future[Any]] = []

    def append(self, *ids: str, workspace: int | None = None) -> None:
        future: Future[Any] = Future()

        def done(result: Any, error: BaseException | None) -> None:
            if error:
                future.set_exception(error)
            else:
                future.set_result(result)

        activities = [prepared(self._installation, id) for id in ids]
        self._installation.writer.enqueue(
            Append(self._key if workspace is None else workspace, activities), done
        )
        self.futures.append(future)

    def unit(self, work: Callable[[Transaction], Any], id: str | None = None) -> None:
        """A unit that records an activity, if it is given an id, and then does its work."""

        def all_of_it(transaction: Transaction) -> Any:
            if id is not None:
                transaction.record(self._key, prepared(self._installation, id))
            return work(transaction)

        self.futures.append(self._installation.writer.submit(all_of_it))

    def commit(self) -> list[Any]:
        """Let the group go: the result of each unit, or what it raised."""
        self._gate.set()
        self._blocker.result(30)
        return [future.exception(30) or future.result(30) for future in self.futures]


def ids(place: Site) -> list[str]:
    with closing(driver.connect(str(place.data / "trailkeeper.db"))) as database:
        rows = database.execute(
            "SELECT id FROM activity WHERE id LIKE 'id%' ORDER BY seq"
        ).fetchall()
    return [id for (id,) in rows]


def raising(_: Transaction) -> None:
    raise ValueError("this unit fails")


def test_a_unit_that_raises_in_the_middle_leaves_the_others_committed(
    place: Site, open_place: Installation
) -> None:
    group = Group(open_place)
    group.append("id1", "id2")
    group.unit(raising, "id3")
    group.append("id4")
    group.unit(lambda _: "done", "id5")
    group.append("id6", workspace=999)
    group.append("id7")
    results = group.commit()
    assert isinstance(results[1], ValueError)
    assert results[3] == "done"
    assert isinstance(results[4], NotFound)
    assert ids(place) == ["id1", "id2", "id4", "id5", "id7"]
    seqs = [receipt.seq for n in (0, 2, 5) for receipt in results[n]]
    assert seqs == [seqs[0], seqs[0] + 1, seqs[0] + 2, seqs[0] + 4]
    check_ledger(place, {"id1": seqs[0], "id2": seqs[1], "id4": seqs[2], "id7": seqs[3]})


def test_a_unit_that_raises_undoes_its_own_changes_only(
    place: Site, open_place: Installation
) -> None:
    def change(name: str, fails: bool) -> Callable[[Transaction], None]:
        def work(transaction: Transaction) -> None:
            transaction.connection.execute(
                insert(source_state).values(workspace=1, source=name, state=b"")
            )
            if fails:
                raise ValueError(name)

        return work

    group = Group(open_place)
    group.unit(change("kept", fails=False), "id1")
    group.unit(change("undone", fails=True), "id2")
    group.unit(change("also kept", fails=False), "id3")
    group.commit()
    with open_place.engine.connect() as connection:
        kept = set(connection.execute(select(source_state.c.source)).scalars())
    assert kept == {"kept", "also kept"}
    assert ids(place) == ["id1", "id3"]


def breaking_the_commit(transaction: Transaction) -> None:
    """Breaks a foreign key in a way that only the commit notices."""
    transaction.connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    transaction.connection.execute(
        insert(member).values(workspace=999, user=999, role="Admin", created_at=0)
    )


def test_a_commit_that_fails_fails_every_unit_and_keeps_nothing(
    place: Site, open_place: Installation
) -> None:
    before = open_place.reader.next_seq(1)
    group = Group(open_place)
    group.append("id1")
    group.unit(breaking_the_commit, "id2")
    group.unit(lambda _: "done", "id3")
    group.append("id4", "id5")
    results = group.commit()
    assert all(isinstance(result, Exception) for result in results), results
    assert ids(place) == []
    assert open_place.reader.next_seq(1) == before

    again = Group(open_place)
    again.append("id1", "id4")
    (receipts,) = again.commit()
    assert [receipt.seq for receipt in receipts] == [before, before + 1]
    assert not any(receipt.already_there for receipt in receipts)
    check_ledger(place, {receipt.id: receipt.seq for receipt in receipts})


def test_when_sqlite_itself_rolls_everything_back_nobody_is_told_it_was_kept(
    place: Site, open_place: Installation
) -> None:
    def work(transaction: Transaction) -> None:
        transaction.connection.exec_driver_sql(
            "INSERT OR ROLLBACK INTO workspace (key, id, name, created_at) VALUES (1, 'x', 'x', 0)"
        )

    group = Group(open_place)
    group.append("id1")
    group.unit(work, "id2")
    group.append("id3")
    results = group.commit()
    assert isinstance(results[1], Exception)
    told = [
        receipt.id for result in (results[0], results[2]) if isinstance(result, list)
        for receipt in result
    ]  # fmt: skip
    assert ids(place) == told
    check_ledger(place, {})


def test_an_id_sent_twice_in_one_group_is_recorded_once(
    place: Site, open_place: Installation
) -> None:
    group = Group(open_place)
    group.append("id1")
    group.unit(raising, "id1")
    group.append("id1", "id1")
    first, failed, again = group.commit()
    assert isinstance(failed, ValueError)
    assert {receipt.seq for receipt in again} == {first[0].seq}
    assert all(receipt.already_there for receipt in again)
    assert ids(place) == ["id1"]


def test_a_database_that_stays_locked_is_told_and_the_next_group_goes_on(
    place: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 50)
    with opened(place.data) as installation:
        key = installation.workspaces.find("Acme")
        installation.writer.append(key, [prepared(installation, "id1")])
        with closing(driver.connect(str(place.data / "trailkeeper.db"))) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable) as refused:
                installation.writer.append(key, [prepared(installation, "id2")])
            other.rollback()
        assert refused.value.retry_after_s is not None
        (receipt,) = installation.writer.append(key, [prepared(installation, "id2")])
    assert isinstance(receipt, Receipt)
    assert not receipt.already_there
    assert ids(place) == ["id1", "id2"]


def test_close_works_off_what_waits_and_refuses_what_comes_later(place: Site) -> None:
    with opened(place.data) as installation:
        group = Group(installation)
        for number in range(20):
            group.append(f"id{number:02}")
        closing_down = threading.Thread(target=installation.writer.close)
        closing_down.start()
        results = group.commit()
        closing_down.join(30)
        with pytest.raises(StoreUnavailable):
            group.append("id99")
    assert all(isinstance(result, list) for result in results)
    assert ids(place) == [f"id{number:02}" for number in range(20)]
