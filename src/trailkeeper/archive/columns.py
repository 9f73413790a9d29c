"""Activities as an Arrow table: the columns of an archive's files, in order.

COLUMNS is the schema that `docs/reference/archive-format.md` describes. Needs pyarrow, of the extra
`archive`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import Any

import msgspec
from msgspec import Struct

from trailkeeper.activity import Activity, to_us
from trailkeeper.archive.words import folded, text_of
from trailkeeper.catalogue import catalogue
from trailkeeper.catalogue.vocabulary import Vocabulary
from trailkeeper.ledger.index import address_of
from trailkeeper.ledger.record import decode_activity

ROW_GROUP = 10_000
"""Rows of a row group: what a search reads at least of a file."""

ZSTD_LEVEL = 3


class Stored(Struct, frozen=True, gc=False):
    """An activity as the ledger keeps it. Without personal part and salt it is an erased one."""

    seq: int
    received_at: int
    public: bytes
    salt: bytes | None
    personal: bytes | None


class Row(Struct, frozen=True):
    """What a column may be made of."""

    stored: Stored
    activity: Activity
    label: str


Column = tuple[str, str, Callable[[Row], Any]]

COLUMNS: tuple[Column, ...] = (
    ("seq", "integer", lambda row: row.stored.seq),
    ("id", "text", lambda row: row.activity.id),
    ("action", "text", lambda row: row.activity.action),
    ("category", "text", lambda row: catalogue().category_of(row.activity.action)),
    ("occurred_at", "time", lambda row: to_us(row.activity.occurred_at)),
    ("received_at", "time", lambda row: row.stored.received_at),
    ("outcome", "text", lambda row: row.activity.outcome),
    ("reason", "text", lambda row: row.activity.reason),
    ("environment", "text", lambda row: row.activity.environment),
    ("actor_type", "text", lambda row: row.activity.actor.type),
    ("actor_id", "text", lambda row: row.activity.actor.id),
    ("actor_name", "text", lambda row: row.activity.actor.name),
    ("actor_email", "text", lambda row: row.activity.actor.email),
    ("on_behalf_of_type", "text", lambda row: _of(row.activity.on_behalf_of, "type")),
    ("on_behalf_of_id", "text", lambda row: _of(row.activity.on_behalf_of, "id")),
    ("on_behalf_of_name", "text", lambda row: _of(row.activity.on_behalf_of, "name")),
    ("on_behalf_of_email", "text", lambda row: _of(row.activity.on_behalf_of, "email")),
    ("credential_type", "text", lambda row: _of(row.activity.credential, "type")),
    ("credential_id", "text", lambda row: _of(row.activity.credential, "id")),
    ("target_type", "text", lambda row: row.activity.targets[0].type),
    ("target_id", "text", lambda row: row.activity.targets[0].id),
    ("target_name", "text", lambda row: row.activity.targets[0].name),
    ("targets", "targets", lambda row: [_target(one) for one in row.activity.targets]),
    ("ip_address", "text", lambda row: row.activity.context.ip_address),
    ("ip_key", "text", lambda row: ip_key(row.activity.context.ip_address)),
    ("user_agent", "text", lambda row: row.activity.context.user_agent),
    ("session_id", "text", lambda row: row.activity.context.session_id),
    ("request_id", "text", lambda row: row.activity.context.request_id),
    ("trace_id", "text", lambda row: row.activity.context.trace_id),
    ("source", "text", lambda row: row.activity.context.source),
    ("changes", "text", lambda row: _json(row.activity.changes)),
    ("details", "text", lambda row: _json(row.activity.details)),
    ("words", "text", lambda row: folded(text_of(row.activity, row.label))),
    ("erased", "boolean", lambda row: row.stored.personal is None),
    ("public", "bytes", lambda row: row.stored.public),
    ("salt", "bytes", lambda row: row.stored.salt),
    ("personal", "bytes", lambda row: row.stored.personal),
)


UNCOMPARED = frozenset(
    {"targets", "changes", "details", "words", "user_agent", "public", "salt", "personal"}
)
"""Columns without statistics: nobody compares them, and they would make the footer large."""


def parquet_of(rows: Sequence[Stored], words: Vocabulary) -> tuple[bytes, int, int]:
    """The bytes of a file with these activities, and when the first and the last of them occurred.
    The same rows and words give the same bytes with one version of pyarrow."""
    arrow: Any = import_module("pyarrow")
    schema = schema_of()
    values: list[list[Any]] = [[] for _ in COLUMNS]
    fill = [(one.append, value) for one, (_, _, value) in zip(values, COLUMNS, strict=True)]
    for stored in rows:
        activity = decode_activity(stored.public, stored.personal)
        row = Row(stored, activity, words.label_of(activity.action))
        for append, value in fill:
            append(value(row))
    times = values[_OCCURRED]
    arrays = [arrow.array(one, field.type) for one, field in zip(values, schema, strict=True)]
    file = io.BytesIO()
    import_module("pyarrow.parquet").write_table(
        arrow.Table.from_arrays(arrays, schema=schema),
        file,
        compression="zstd",
        compression_level=ZSTD_LEVEL,
        row_group_size=ROW_GROUP,
        version="2.6",
        write_page_index=True,
        write_statistics=[name for name, _, _ in COLUMNS if name not in UNCOMPARED],
    )
    return file.getvalue(), min(times), max(times)


@cache
def schema_of() -> Any:
    """Of the files, as Arrow has it."""
    arrow: Any = import_module("pyarrow")
    target = [(name, arrow.string()) for name in ("type", "id", "name", "email")]
    types = {
        "integer": arrow.int64(),
        "text": arrow.string(),
        "time": arrow.timestamp("us", tz="UTC"),
        "boolean": arrow.bool_(),
        "bytes": arrow.binary(),
        "targets": arrow.list_(arrow.struct(target)),
    }
    return arrow.schema([(name, types[kind]) for name, kind, _ in COLUMNS])


def ip_key(address: str | None) -> str | None:
    """An IP address such that those of a block lie beside each other: `4` or `6` and the address in
    hexadecimal. An IPv4-mapped one counts as IPv4; what is no address has none."""
    parsed = address_of(address) if address else None
    return f"{parsed.version}{parsed.packed.hex()}" if parsed else None


_OCCURRED = [name for name, _, _ in COLUMNS].index("occurred_at")


def _of(part: Any, name: str) -> str | None:
    return getattr(part, name) if part is not None else None


def _target(one: Any) -> dict[str, Any]:
    return {"type": one.type, "id": one.id, "name": one.name, "email": one.email}


def _json(value: Any) -> str | None:
    return msgspec.json.encode(value).decode() if value else None
