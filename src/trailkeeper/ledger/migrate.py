"""Bringing a database's tables to this version's."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from trailkeeper.ledger.postgresql import tables as own_tables
from trailkeeper.ledger.schema import metadata

SCRIPTS = Path(__file__).parent / "migrations"

MIGRATING = 7_451_903
"""The key of PostgreSQL's advisory lock for this."""

BEGIN = {
    "sqlite": ("BEGIN IMMEDIATE",),
    "postgresql": (
        "BEGIN",
        # Another process may upgrade for long.
        "SET LOCAL lock_timeout = 0",
        f"SELECT pg_advisory_xact_lock({MIGRATING})",
    ),
}


class SchemaError(RuntimeError):
    """The database's tables are of a version that this program does not know."""


def migrate(engine: Engine) -> None:
    """Create or upgrade the tables; a database that is up to date is left alone.

    One step is one transaction: a crash leaves the version before or after it. Several processes
    may ask at once: one does it, the others wait. Raises SchemaError for a database that a newer
    program has upgraded.
    """
    config = _config()
    scripts = ScriptDirectory.from_config(config)
    with engine.connect() as connection:
        if _is_current(connection, scripts):
            return
        for statement in BEGIN[engine.dialect.name]:
            connection.exec_driver_sql(statement)
        try:
            if not _is_current(connection, scripts):
                _upgrade(connection, config, scripts)
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")


def _is_current(connection: Connection, scripts: ScriptDirectory) -> bool:
    """Whether there is nothing to be done. Raises SchemaError."""
    current = MigrationContext.configure(connection).get_current_revision()
    if current is None:
        return False
    if current not in known_revisions():
        raise SchemaError(
            f"The database has tables of version {current}, which this program does not know;"
            " run the newer Trailkeeper that wrote it"
        )
    return current == scripts.get_current_head()


def _upgrade(connection: Connection, config: Config, scripts: ScriptDirectory) -> None:
    """In an open transaction."""
    context = MigrationContext.configure(connection)
    if connection.dialect.name == "postgresql" and context.get_current_revision() is None:
        # The first revisions are written for SQLite: here all tables are made as they are now.
        # NB: later revisions are for both; they ask op.get_context().dialect.name.
        tables = [table for table in metadata.sorted_tables if table.name not in own_tables.OWN]
        metadata.create_all(connection, tables, checkfirst=False)
        own_tables.create(connection)
        connection.exec_driver_sql(own_tables.INSTALLATION)
        context.stamp(scripts, "head")
        return
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def known_revisions() -> set[str]:
    """The versions of the tables that this program can open, the older ones by upgrading them."""
    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def newest_revision() -> str:
    """The version of the tables that this program makes and works with."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
