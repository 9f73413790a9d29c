"""The database's frame: how it is reached, how its tables are made, what its errors mean."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, insert, inspect, select, text
from tests.postgresql import SHARED, database, name_in

from trailkeeper.errors import StoreUnavailable
from trailkeeper.ledger.migrate import SchemaError, migrate
from trailkeeper.ledger.postgresql.adapter import translated
from trailkeeper.ledger.postgresql.address import AddressError, conninfo, shown
from trailkeeper.ledger.postgresql.engine import adapted, reader_engine, writer_engine
from trailkeeper.ledger.postgresql.tables import OWN
from trailkeeper.ledger.postgresql.texts import escaped, unescaped
from trailkeeper.ledger.schema import metadata, workspace


@pytest.fixture
def url() -> Iterator[str]:
    with database() as made:
        yield made


@pytest.fixture
def empty() -> Iterator[str]:
    with database(empty=True) as made:
        yield made


def test_question_marks_and_names_become_psycopgs_but_not_in_quotes() -> None:
    assert translated("SELECT a::int, '?%:x', \"?\" WHERE b = ? AND c LIKE 'x%' AND d = :day") == (
        b"SELECT a::int, '?%%:x', \"?\" WHERE b = %s AND c LIKE 'x%%' AND d = %(day)s"
    )
    assert translated("SELECT 5 % 3, 'it''s ?'") == b"SELECT 5 %% 3, 'it''s ?'"


def test_an_empty_database_gets_all_tables_and_the_second_start_does_nothing(empty: str) -> None:
    engine = writer_engine(empty)
    migrate(engine)
    tables = set(inspect(engine).get_table_names())
    assert {table.name for table in metadata.sorted_tables} - OWN <= tables
    with engine.connect() as connection:
        seen = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    migrate(engine)
    with engine.connect() as connection:
        again = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    assert again == [seen]
    engine.dispose()


def test_processes_that_start_at_once_do_not_get_in_each_others_way(empty: str) -> None:
    engines = [writer_engine(empty) for _ in range(4)]
    errors: list[BaseException] = []

    def start(engine: Engine) -> None:
        try:
            migrate(engine)
        except Exception as error:  # noqa: BLE001 # shown below
            errors.append(error)

    threads = [threading.Thread(target=start, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for engine in engines:
        engine.dispose()
    assert errors == []


def test_tables_of_a_newer_program_are_refused(url: str) -> None:
    engine = writer_engine(url)
    with engine.connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaError, match="9999"):
        migrate(engine)
    engine.dispose()


def test_a_reader_refuses_to_write(url: str) -> None:
    engine = reader_engine(url)
    with engine.connect() as connection, pytest.raises(StoreUnavailable):
        connection.execute(text("DELETE FROM workspace"))
    engine.dispose()


def test_values_go_there_and_back_as_they_are(url: str) -> None:
    engine = writer_engine(url)
    with engine.connect() as connection:
        database = adapted(connection)
        database.execute("CREATE TEMP TABLE t (a bigint, b text, c bytea, d boolean)")
        rows = [(2**62, "naïve 100% ? :x", b"\x00\xff", True), (-1, "", b"", False)]
        database.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
        assert database.execute("SELECT * FROM t ORDER BY a DESC").fetchall() == rows
        found = database.execute("SELECT a FROM t WHERE b = :b", {"b": ""}).fetchone()
        assert found == (-1,)
        assert not database.in_transaction
        database.execute("BEGIN")
        assert database.in_transaction
        with pytest.raises(psycopg.errors.DivisionByZero):
            database.execute("SELECT 1/0")
        assert database.in_transaction
        database.execute("ROLLBACK")
        assert not database.in_transaction
    engine.dispose()


@given(st.text(alphabet=st.sampled_from("\0\U0010ffff01aü"), max_size=8))
def test_a_text_that_postgresql_cannot_hold_comes_back_as_it_was(text: str) -> None:
    assert unescaped(escaped(text)) == text
    assert "\0" not in escaped(text)


def test_any_text_is_held_and_found(url: str) -> None:
    engine = writer_engine(url)
    texts = ["a\0b", "\0", "\U0010ffff", "\U0010ffff0", "plain"]
    with engine.connect() as connection:
        for number, one in enumerate(texts):
            connection.execute(insert(workspace).values(id=one, name=str(number), created_at=0))
        database = adapted(connection)
        for number, one in enumerate(texts):
            asked = select(workspace.c.id).where(workspace.c.id == one)
            assert connection.execute(asked).scalar_one() == one
            row = database.execute("SELECT id, name FROM workspace WHERE id = ?", (one,)).fetchone()
            assert row == (one, str(number))
        with connection.connection.driver_connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE t (a text)")
            for form, name in (("", "t"), (" (FORMAT binary)", "t")):
                with cursor.copy(f"COPY {name} FROM STDIN{form}") as copy:
                    copy.set_types(["text"])
                    for one in texts:
                        copy.write_row((one,))
            cursor.execute("SELECT a FROM t")
            assert [row[0] for row in cursor.fetchall()] == texts * 2
    engine.dispose()


def test_a_cut_connection_is_a_problem_and_the_pool_gets_over_it(url: str) -> None:
    engine = reader_engine(url)
    with engine.connect() as connection:
        database = adapted(connection)
        database.execute("SELECT 1")
        assert SHARED.server().cut(name_in(url)) == 1
        with pytest.raises(StoreUnavailable) as caught:
            database.execute("SELECT 1")
        assert caught.value.retry_after_s
        assert database.broken
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
        SHARED.server().cut(name_in(url))
        with pytest.raises(StoreUnavailable):
            connection.execute(text("SELECT 1"))
    # Also one that broke while nobody had it.
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    SHARED.server().cut(name_in(url))
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    engine.dispose()


def test_a_server_that_is_not_there_is_a_problem() -> None:
    engine = reader_engine("postgresql://u:p@127.0.0.1:1/d")
    with pytest.raises(StoreUnavailable), engine.connect():
        pass


def test_commits_are_durable_whatever_the_database_says(url: str) -> None:
    SHARED.server().admin(f"ALTER DATABASE {name_in(url)} SET synchronous_commit = off")
    engine = writer_engine(url)
    with engine.connect() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == "on"
    engine.dispose()


@pytest.mark.parametrize(
    "wrong",
    [
        "mysql://u:geheim@h/d",
        "postgresql://u:ge@heim@h/d",
        "postgresql://u:geheim@h:port/d",
        "postgresql://u:geheim@h/d?nonsense=geheim",
        "postgresql://u:gehe%zzim@h/d",
    ],
)
def test_an_address_that_is_none_is_refused_without_its_password(wrong: str) -> None:
    with pytest.raises(AddressError) as caught:
        conninfo(wrong)
    assert "heim" not in str(caught.value)


def test_an_address_is_shown_without_password_and_user() -> None:
    assert shown("postgresql://u:p@a.example.com:1,b.example.com/d") == (
        "postgresql://a.example.com:1,b.example.com:5432/d"
    )
    assert shown("postgres://u:p@h/d?sslmode=require") == "postgresql://h:5432/d"
    assert "target_session_attrs=any" in conninfo("postgresql://h/d?target_session_attrs=any")
    assert "target_session_attrs=read-write" in conninfo("postgresql://h/d")
