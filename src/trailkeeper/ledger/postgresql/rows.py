"""Rows of activities on their way into the tables.

COPY does not go with row-level security; one statement with a column's values as one array each is
nearly as quick. The arrays are written out here, as PostgreSQL reads them, because that is several
times faster than to have the driver look at each value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from trailkeeper.ledger.prepare import Prepared

ROWS_MAX = 2_000
"""Rows of one statement."""

_COLUMNS = (
    ("workspace", "int"),
    ("key", "bigint"),
    ("seq", "bigint"),
    ("received_at", "bigint"),
    ("action", "int"),
    ("actor", "int"),
    ("target", "int"),
    ("failed", "bool"),
    ("id", "text"),
    ("id_key", "uuid"),
    ("content_hash", "bytea"),
    ("public", "bytea"),
    ("salt", "bytea"),
    ("personal", "bytea"),
    ("words", "text"),
)

_INSERT = (
    "WITH new AS MATERIALIZED (SELECT * FROM unnest("
    + ", ".join(f"?::{type}[]" for _, type in _COLUMNS)
    + f") AS n ({', '.join(name for name, _ in _COLUMNS)})),"
    " in_activity AS (INSERT INTO activity (workspace, key, seq, received_at, action, actor,"
    " target, id, content_hash, public, salt, personal) SELECT workspace, key, seq, received_at,"
    " action, actor, target, id, content_hash, public, salt, personal FROM new),"
    " in_index AS (INSERT INTO activity_index (workspace, key, action, actor, target, failed,"
    " words) SELECT workspace, key, action, actor, target, failed, words::tsvector FROM new)"
    " INSERT INTO activity_id (workspace, id_key, seq, key, received_at, content_hash)"
    " SELECT workspace, id_key, seq, key, received_at, content_hash FROM new"
)

Row = tuple[str, ...]
Statement = tuple[str, Sequence[Any]]
"""With its values."""


def row_of(
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
) -> Row:
    """What an activity is in the tables; `keys` are the dictionary's of its action, actor and first
    target."""
    action, actor, target = keys
    return (
        str(workspace),
        str(key),
        str(seq),
        str(received_at),
        str(action),
        str(actor),
        str(target),
        "t" if prepared.has_failed else "f",
        _text(id),
        str(id_key),
        f'"\\\\x{prepared.content_hash.hex()}"',
        f'"\\\\x{public.hex()}"',
        f'"\\\\x{prepared.salt.hex()}"',
        f'"\\\\x{prepared.personal.hex()}"',
        f'"{words}"',
    )


def inserts(rows: list[Row]) -> Iterator[Statement]:
    """The statements that insert the rows."""
    for start in range(0, len(rows), ROWS_MAX):
        columns = zip(*rows[start : start + ROWS_MAX], strict=True)
        yield _INSERT, [f"{{{','.join(column)}}}" for column in columns]


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
