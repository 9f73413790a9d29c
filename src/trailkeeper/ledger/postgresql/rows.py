"""Rows of activities on their way into the tables.

COPY does not go with row-level security; one statement with a column's values as one array each is
as quick. The arrays are written out here, as PostgreSQL reads them, because that is several times
faster than to have the driver look at each value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

from trailkeeper.ledger.postgresql.arrays import bytea_array
from trailkeeper.ledger.prepare import Prepared

ROWS_MAX = 250
"""Rows of one statement. While the server works on one, the next is made."""

_TYPED = (
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

COLUMNS = tuple(name for name, _ in _TYPED)
"""Of an activity, over all tables."""

TABLES = {
    "activity": (
        *("workspace", "key", "seq", "received_at", "action", "actor", "target", "id"),
        *("content_hash", "public", "salt", "personal"),
    ),
    "activity_index": ("workspace", "key", "action", "actor", "target", "failed", "words"),
    "activity_id": ("workspace", "id_key", "seq", "key", "received_at", "content_hash"),
}
"""Which of them each table has."""


def _into(table: str) -> str:
    columns = ", ".join(TABLES[table])
    # Arrays of texts are read more quickly than arrays of vectors.
    values = columns.replace("words", "words::tsvector")
    return f"INSERT INTO {table} ({columns}) SELECT {values} FROM new"


_INSERT = (
    "WITH new AS MATERIALIZED (SELECT * FROM unnest("
    + ", ".join(f"?::{type}[]" for _, type in _TYPED)
    + f") AS n ({', '.join(COLUMNS)})),"
    f" in_activity AS ({_into('activity')}),"
    f" in_index AS ({_into('activity_index')})"
    f" {_into('activity_id')}"
)

Row = tuple[Any, ...]
"""The values of COLUMNS."""

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
    return (
        workspace,
        key,
        seq,
        received_at,
        *keys,
        "t" if prepared.has_failed else "f",
        id,
        id_key,
        prepared.content_hash,
        public,
        prepared.salt,
        prepared.personal,
        words,
    )


def insert(rows: list[Row]) -> Statement:
    """The statement that inserts these rows, ROWS_MAX at most."""
    columns = zip(*rows, strict=True)
    return _INSERT, [write(column) for write, column in zip(_WRITERS, columns, strict=True)]


def inserts(rows: list[Row]) -> Iterator[Statement]:
    """The statements that insert the rows, each made when it is asked for."""
    for start in range(0, len(rows), ROWS_MAX):
        yield insert(rows[start : start + ROWS_MAX])


def _plain(values: Sequence[object]) -> str:
    return f"{{{','.join(map(str, values))}}}"


def _texts(values: Sequence[str]) -> str:
    text = "\n".join(values)
    if "\\" in text or '"' in text:
        values = [value.replace("\\", "\\\\").replace('"', '\\"') for value in values]
    return _vectors(values)


def _vectors(values: Sequence[str]) -> str:
    """Words have nothing that would have to be escaped."""
    separated = '","'.join(values)
    return f'{{"{separated}"}}'


_BY_TYPE: dict[str, Callable[[Sequence[Any]], Any]] = {"bytea": bytea_array, "text": _texts}
_WRITERS = [_vectors if name == "words" else _BY_TYPE.get(type, _plain) for name, type in _TYPED]
