"""The index that finds words by a part of them: trigrams, where the server has pg_trgm."""

from __future__ import annotations

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from trailkeeper.errors import Problem

log = structlog.get_logger()

# What waits to be moved into the index is searched row by row: it is kept small.
_STATEMENTS = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    """
    CREATE INDEX ix_word_parts ON word USING gin (word gin_trgm_ops)
        WITH (fastupdate = on, gin_pending_list_limit = 512)
    """,
)


def index_parts(connection: Connection) -> None:
    """Make it in the open transaction. Where the extension is not installed, or the role may not
    add it, there is none, and the words of a workspace are looked through from end to end."""
    connection.exec_driver_sql("SAVEPOINT parts")
    try:
        for statement in _STATEMENTS:
            connection.exec_driver_sql(statement)
    except (DBAPIError, Problem) as error:
        connection.exec_driver_sql("ROLLBACK TO parts")
        log.warning("parts of words are searched without an index", error=str(error))
    connection.exec_driver_sql("RELEASE parts")
