"""Bringing a database's tables to this version's."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

SCRIPTS = Path(__file__).parent / "migrations"


class SchemaError(RuntimeError):
    """The database's tables are of a version that this program does not know."""


def migrate(engine: Engine) -> None:
    """Create or upgrade the tables; a database that is up to date is left alone.

    One step is one transaction: a crash leaves the version before or after it. Raises
    SchemaError for a database that a newer program has upgraded.
    """
    config = _config()
    scripts = ScriptDirectory.from_config(config)
    known = known_revisions()
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        if current == scripts.get_current_head():
            return
        if current is not None and current not in known:
            raise SchemaError(
                f"The database has tables of version {current}, which this program does not know;"
                " run the newer Trailkeeper that wrote it"
            )
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")


def known_revisions() -> set[str]:
    """The versions of the tables that this program can open, the older ones by upgrading them."""
    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
