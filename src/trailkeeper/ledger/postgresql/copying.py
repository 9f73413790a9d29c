"""Rows of activities on their way into the tables by COPY."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import psycopg

from trailkeeper.ledger.postgresql.failures import as_problem
from trailkeeper.ledger.prepare import Prepared

_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


class Rows:
    """Rows of the three tables that each activity is in, in COPY's text format."""

    def __init__(self) -> None:
        self._activity: list[str] = []
        self._index: list[str] = []
        self._id: list[str] = []

    def add(
        self,
        workspace: int,
        key: int,
        seq: int,
        received_at: int,
        keys: tuple[int, int, int],
        id: str,
        id_key: UUID,
        prepared: Prepared,
        public: bytes,
        words: str,
    ) -> None:
        """`keys` are the dictionary's of the action, the actor and the first target."""
        action, actor, target = keys
        content_hash = prepared.content_hash.hex()
        self._activity.append(
            f"{workspace}\t{key}\t{seq}\t{received_at}\t{action}\t{actor}\t{target}\t{_text(id)}"
            f"\t\\\\x{content_hash}\t\\\\x{public.hex()}\t\\\\x{prepared.salt.hex()}"
            f"\t\\\\x{prepared.personal.hex()}\n"
        )
        failed = "t" if prepared.has_failed else "f"
        self._index.append(f"{workspace}\t{key}\t{action}\t{actor}\t{target}\t{failed}\t{words}\n")
        self._id.append(
            f"{workspace}\t{id_key}\t{seq}\t{key}\t{received_at}\t\\\\x{content_hash}\n"
        )

    def tables(self) -> tuple[tuple[str, list[str]], ...]:
        """Each statement with its lines."""
        return (
            (_ACTIVITY, self._activity),
            (_INDEX, self._index),
            (_ID, self._id),
        )


_ACTIVITY = (
    "COPY activity (workspace, key, seq, received_at, action, actor, target, id,"
    " content_hash, public, salt, personal) FROM STDIN"
)
_INDEX = "COPY activity_index (workspace, key, action, actor, target, failed, words) FROM STDIN"
_ID = "COPY activity_id (workspace, id_key, seq, key, received_at, content_hash) FROM STDIN"


def copy_in(database: Any, rows: Rows) -> None:
    """Insert the rows, in the open transaction."""
    try:
        with database.driver.cursor() as cursor:
            for statement, lines in rows.tables():
                with cursor.copy(statement) as copy:
                    copy.write("".join(lines).encode())
    except psycopg.Error as error:
        if problem := as_problem(error):
            raise problem from error
        raise


def _text(value: str) -> str:
    return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], value)
