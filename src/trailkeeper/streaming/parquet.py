"""Activities as a Parquet file (https://parquet.apache.org/docs/file-format/): one row for each.

The columns stand in COLUMNS; `docs/reference/object-stores.md` describes them. Needs pyarrow, the
extra `parquet`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from trailkeeper.activity import Activity, to_us
from trailkeeper.streaming.destination import Compression, Message

CODECS: dict[Compression, str] = {"none": "none", "gzip": "gzip", "zstd": "zstd"}

Column = tuple[str, str, Callable[[Activity], Any]]

TEXT, TIME = "text", "time"

COLUMNS: tuple[Column, ...] = (
    ("action", TEXT, lambda one: one.action),
    ("occurred_at", TIME, lambda one: to_us(one.occurred_at)),
    ("received_at", TIME, lambda one: to_us(one.received_at)),
    ("outcome", TEXT, lambda one: one.outcome),
    ("reason", TEXT, lambda one: one.reason),
    ("environment", TEXT, lambda one: one.environment),
    ("actor_type", TEXT, lambda one: one.actor.type),
    ("actor_id", TEXT, lambda one: one.actor.id),
    ("actor_name", TEXT, lambda one: one.actor.name),
    ("actor_email", TEXT, lambda one: one.actor.email),
    ("target_type", TEXT, lambda one: one.targets[0].type),
    ("target_id", TEXT, lambda one: one.targets[0].id),
    ("target_name", TEXT, lambda one: one.targets[0].name),
    ("ip_address", TEXT, lambda one: one.context.ip_address),
    ("user_agent", TEXT, lambda one: one.context.user_agent),
    ("session_id", TEXT, lambda one: one.context.session_id),
    ("request_id", TEXT, lambda one: one.context.request_id),
)
"""Between the columns `seq` and `id`, which every message has, and `message`, which is the message
as the stream's format gives it. They are empty for what is no activity."""


def table_of(messages: Sequence[Message], compression: Compression) -> bytes:
    """A file with one row group. The same messages give the same bytes with one version of
    pyarrow. Times are in microseconds, UTC; text is UTF-8."""
    arrow: Any = import_module("pyarrow")
    types = {TEXT: arrow.string(), TIME: arrow.timestamp("us", tz="UTC")}
    names = ["seq", "id"]
    arrays = [
        arrow.array([one.seq for one in messages], arrow.int64()),
        arrow.array([one.id for one in messages], arrow.string()),
    ]
    for name, kind, value in COLUMNS:
        values = [None if one.activity is None else value(one.activity) for one in messages]
        names.append(name)
        arrays.append(arrow.array(values, types[kind]))
    names.append("message")
    texts = [one.body.decode(errors="replace") for one in messages]
    arrays.append(arrow.array(texts, arrow.string()))
    table = arrow.Table.from_arrays(arrays, names=names)
    file = io.BytesIO()
    import_module("pyarrow.parquet").write_table(
        table, file, compression=CODECS[compression], row_group_size=len(messages), version="2.6"
    )
    return file.getvalue()
