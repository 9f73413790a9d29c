"""The tables: made as the schema says, and never touched by a program that is too old."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, text

from trailkeeper.installation import InstallationError, create, opened
from trailkeeper.ledger.migrate import SchemaError, migrate
from trailkeeper.ledger.schema import metadata
from trailkeeper.ledger.sqlite import DATABASE_FILE, writer_engine

INTERNAL = ("activity_index", "alembic_version", "sqlite_")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = writer_engine(tmp_path / DATABASE_FILE)
    migrate(made)
    yield made
    made.dispose()


def statements(engine: Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT name, sql FROM sqlite_schema ORDER BY name"))
        return [(row.name, row.sql) for row in rows]


def test_a_new_database_has_the_tables_of_the_schema(engine: Engine) -> None:
    names = {name for name in inspect(engine).get_table_names() if not name.startswith(INTERNAL)}
    assert names == set(metadata.tables)


@pytest.mark.parametrize("name", metadata.tables)
def test_each_table_has_the_columns_of_the_schema(engine: Engine, name: str) -> None:
    inspector = inspect(engine)
    table = metadata.tables[name]
    keys = inspector.get_pk_constraint(name)["constrained_columns"]
    assert keys == [column.name for column in table.primary_key]
    # An INTEGER PRIMARY KEY is SQLite's row id, which cannot be null.
    made = {
        column["name"]: (
            column["type"]._type_affinity,
            column["nullable"] and [column["name"]] != keys,
        )
        for column in inspector.get_columns(name)
    }
    wanted = {
        column.name: (column.type.dialect_impl(engine.dialect)._type_affinity, column.nullable)
        for column in table.columns
    }
    assert made == wanted


@pytest.mark.parametrize("name", ["session", "api_token"])
def test_a_credential_cannot_be_null(engine: Engine, name: str) -> None:
    columns = {column["name"]: column["nullable"] for column in inspect(engine).get_columns(name)}
    assert columns["token_hash"] is False


@pytest.mark.parametrize("name", metadata.tables)
def test_each_table_has_the_indexes_and_constraints_of_the_schema(
    engine: Engine, name: str
) -> None:
    inspector = inspect(engine)
    table = metadata.tables[name]
    indexes = {(one["name"], tuple(one["column_names"])) for one in inspector.get_indexes(name)}
    assert indexes == {
        (index.name, tuple(column.name for column in index.columns)) for index in table.indexes
    }
    unique = {tuple(one["column_names"]) for one in inspector.get_unique_constraints(name)}
    assert unique == {
        tuple(column.name for column in constraint.columns)
        for constraint in table.constraints
        if type(constraint).__visit_name__ == "unique_constraint"
    }
    foreign = {
        (*one["constrained_columns"], one["referred_table"], *one["referred_columns"])
        for one in inspector.get_foreign_keys(name)
    }
    assert foreign == {
        (key.parent.name, key.column.table.name, key.column.name) for key in table.foreign_keys
    }


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    before = statements(engine)
    migrate(engine)
    assert statements(engine) == before


def test_a_database_of_a_newer_program_is_left_alone(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num='9999'"))
    before = statements(engine)
    with pytest.raises(SchemaError, match="9999"):
        migrate(engine)
    assert statements(engine) == before


def test_an_installation_of_a_newer_program_cannot_be_opened(tmp_path: Path) -> None:
    data = tmp_path / "data"
    create(data)
    engine = writer_engine(data / DATABASE_FILE)
    with engine.connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num='9999'"))
    engine.dispose()
    with pytest.raises(SchemaError, match="newer Trailkeeper"), opened(data):
        pass


def test_an_installation_is_never_made_over_another(tmp_path: Path) -> None:
    data = tmp_path / "data"
    create(data)
    key = (data / "secret.key").read_bytes()
    with pytest.raises(InstallationError, match="already"):
        create(data)
    assert (data / "secret.key").read_bytes() == key


def test_the_files_of_an_installation_are_its_owners_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    create(data)
    assert [oct(path.stat().st_mode & 0o777) for path in (data, data / "secret.key")] == [
        "0o700",
        "0o600",
    ]
    assert (data / DATABASE_FILE).stat().st_mode & 0o077 == 0
