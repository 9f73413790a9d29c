"""The few things that a statement says in another way on each database."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Text,
    any_,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY


def is_postgresql(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"


def driver_level(connection: Connection) -> Any:
    """The connection below SQLAlchemy's, whose `execute` takes statements with `?`."""
    if is_postgresql(connection):
        # Only now: who has SQLite need not wait for its import.
        from trailkeeper.ledger.postgresql.engine import adapted  # noqa: PLC0415

        return adapted(connection)
    return connection.connection.driver_connection


def one_of(
    connection: Connection, value: ColumnElement[Any], texts: Sequence[str]
) -> ColumnElement[bool]:
    """Whether a value is one of these, however many they are: they are sent as one value."""
    if is_postgresql(connection):
        return value == any_(literal(list(texts), ARRAY(Text)))
    wanted = func.json_each(msgspec.json.encode(texts).decode()).table_valued("value")
    return value.in_(select(wanted.c.value))


def text_in_json(connection: Connection, column: Column[str], field: str) -> ColumnElement[str]:
    """The text in a field of an object that a column holds as JSON; NULL where there is none."""
    if is_postgresql(connection):
        return cast(column, JSON)[field].as_string()
    return func.json_extract(column, f"$.{field}")


@contextmanager
def one_moment(connection: Connection) -> Generator[None]:
    """All that is read inside is as it was at one moment."""
    begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    connection.exec_driver_sql(begin if is_postgresql(connection) else "BEGIN")
    try:
        yield
    finally:
        connection.exec_driver_sql("ROLLBACK")


@contextmanager
def savepoint(connection: Connection) -> Generator[None]:
    """For a statement whose refusal is expected: on PostgreSQL it would else end the transaction.
    SQLite undoes the statement alone."""
    if not is_postgresql(connection):
        yield
        return
    connection.exec_driver_sql("SAVEPOINT expected")
    try:
        yield
    except BaseException:
        connection.exec_driver_sql("ROLLBACK TO expected")
        connection.exec_driver_sql("RELEASE expected")
        raise
    connection.exec_driver_sql("RELEASE expected")
