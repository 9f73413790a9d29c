"""The tables in ClickHouse, from one template for one server and for a cluster.

An activity stands there with its canonical bytes, what filters find it by (`tokens` and `words`,
as ledger/index.py has them), and the columns that are counted. The order of the rows is that of a
listing; a month is a partition.
"""

from __future__ import annotations

import re

from msgspec import Struct

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")

COLUMNS = {
    "workspace": "UInt32",
    "at": "Int64",
    "key": "Int64",
    "seq": "Int64",
    "id": "String",
    "received_at": "Int64",
    "action": "Int32",
    "failed": "Bool",
    "actor": "Int32",
    "target": "Int32",
    "content_hash": "String",
    "public": "String",
    "salt": "Nullable(String)",
    "personal": "Nullable(String)",
    "tokens": "Array(String)",
    "words": "Array(String)",
}
"""`at` is the microsecond that the key begins with (ledger/keys.py)."""

_CODECS = dict.fromkeys(("public", "personal", "tokens", "words"), "ZSTD(3)") | {
    "at": "Delta, ZSTD(1)",
    "key": "Delta, ZSTD(1)",
    "seq": "Delta, ZSTD(1)",
    "received_at": "Delta, ZSTD(1)",
}

_INDEXES = (
    "INDEX by_seq seq TYPE minmax GRANULARITY 1",
    "INDEX by_id id TYPE bloom_filter(0.001) GRANULARITY 1",
    "INDEX by_token tokens TYPE bloom_filter(0.001) GRANULARITY 1",
    "INDEX by_word words TYPE bloom_filter(0.01) GRANULARITY 1",
)

WINDOW = 10_000
WINDOW_S = 7 * 86_400
"""So many inserts, and for so long, are known by their tokens."""

_TEMPLATE = """\
CREATE TABLE IF NOT EXISTS {name}{on_cluster}
(
    {columns}
)
ENGINE = {engine}
PARTITION BY toYYYYMM(fromUnixTimestamp64Micro(at, 'UTC'))
ORDER BY (workspace, at, seq)
SETTINGS index_granularity = 1024, {window}"""

_DISTRIBUTED = """\
CREATE TABLE IF NOT EXISTS activity{on_cluster} AS activity_local
ENGINE = Distributed('{cluster}', '{database}', 'activity_local', workspace)"""


class Tables(Struct, frozen=True):
    """On one server, or on a `cluster` by its name in ClickHouse's configuration."""

    cluster: str = ""
    database: str = "trailkeeper"

    def __post_init__(self) -> None:
        if self.cluster and not NAME.fullmatch(self.cluster):
            raise ValueError(f"`{self.cluster[:64]}` is no name of a cluster")
        if self.cluster and not NAME.fullmatch(self.database):
            raise ValueError(f"`{self.database[:64]}` is no name of a cluster's database")

    @property
    def local(self) -> str:
        """What is deleted from: a distributed table takes no deletes."""
        return f"activity_local{self._on_cluster}" if self.cluster else "activity"

    def statements(self) -> list[str]:
        """What makes them, where they are not there yet."""
        columns = [
            f"{name} {kind}" + (f" CODEC({codec})" if (codec := _CODECS.get(name)) else "")
            for name, kind in COLUMNS.items()
        ]
        made = [
            _TEMPLATE.format(
                name="activity_local" if self.cluster else "activity",
                on_cluster=self._on_cluster,
                columns=",\n    ".join((*columns, *_INDEXES)),
                engine=self._engine,
                window=self._window,
            )
        ]
        if self.cluster:
            made.append(
                _DISTRIBUTED.format(
                    on_cluster=self._on_cluster, cluster=self.cluster, database=self.database
                )
            )
        return made

    @property
    def _on_cluster(self) -> str:
        return f" ON CLUSTER '{self.cluster}'" if self.cluster else ""

    @property
    def _engine(self) -> str:
        if not self.cluster:
            return "MergeTree"
        return "ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')"

    @property
    def _window(self) -> str:
        if not self.cluster:
            return f"non_replicated_deduplication_window = {WINDOW}"
        return (
            f"replicated_deduplication_window = {WINDOW},"
            f" replicated_deduplication_window_seconds = {WINDOW_S}"
        )


def sql_file(tables: Tables) -> str:
    """The statements as a file for an operator who makes the tables."""
    return ";\n\n".join(tables.statements()) + ";\n"
