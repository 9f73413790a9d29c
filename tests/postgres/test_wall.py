"""The second wall: without saying which workspace, an ordinary role sees nothing of any."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import errors
from tests.contract.stores import Store, open_store

from trailkeeper.activity import from_us, now_us
from trailkeeper.ledger.postgresql.tables import WALLED
from trailkeeper.query.filters import Filter

MONTH_US = 2_629_800_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store("postgresql", tmp_path / "data") as made:
        for workspace in (made.acme, made.other):
            made.writer.append(workspace, [made.prepare(), made.prepare()])
        yield made


def connected(store: Store) -> psycopg.Connection[tuple[int]]:
    assert store.url
    return psycopg.connect(store.url, autocommit=True)


def partitions(store: Store) -> list[str]:
    with connected(store) as connection:
        rows = connection.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'activity'::regclass"
        ).fetchall()
    return [str(row[0]) for row in rows]


def test_the_role_of_the_tests_is_an_ordinary_one(store: Store) -> None:
    with connected(store) as connection:
        row = connection.execute(
            "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert row == (False, False)


def test_a_query_without_a_workspace_sees_nothing(store: Store) -> None:
    with connected(store) as connection:
        for table in (*WALLED, *partitions(store)):
            assert connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() == (0,)


@pytest.mark.parametrize("table", WALLED)
def test_a_query_that_forgets_the_workspace_sees_only_its_own(store: Store, table: str) -> None:
    with connected(store) as connection:
        connection.execute(f"SET trailkeeper.workspace = '{store.acme}'".encode())
        rows = connection.execute(f"SELECT DISTINCT workspace FROM {table}".encode()).fetchall()
        assert rows == [(store.acme,)]


def test_nothing_is_written_to_another_workspace(store: Store) -> None:
    with connected(store) as connection:
        connection.execute(f"SET trailkeeper.workspace = '{store.acme}'".encode())
        with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
            connection.execute(
                "INSERT INTO term (workspace, kind, value) VALUES (%s, 'action', 'x')",
                (store.other,),
            )
        assert connection.execute("UPDATE entity SET name = 'Zoltan'").rowcount > 0
    assert store.reader.choices(store.other, "actor", "zoltan") == []


def test_the_second_statement_of_a_connection_is_not_in_the_first_ones_workspace(
    store: Store,
) -> None:
    store.reader.page(store.acme, Filter())
    with store.here.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM activity").scalar() == 0


def test_times_of_many_months_make_a_bounded_number_of_tables(store: Store) -> None:
    now = now_us()
    times = [now - number * MONTH_US for number in range(500)]
    store.append(
        *(
            store.prepare(id=f"m{number}", occurred_at=from_us(at))
            for number, at in enumerate(times)
        )
    )
    assert 30 <= len(partitions(store)) <= 40
    page = store.reader.page(store.acme, Filter(), limit=1_000)
    ids = [one.id for one in page.activities if one.id.startswith("m")]
    assert ids == [f"m{number}" for number in range(500)]
