"""An archive as an Apache Iceberg table (https://iceberg.apache.org/spec/), by pyiceberg.

The files stay where they are and are only registered. The table is partitioned by the day of
`received_at`, and kept in an SQL catalogue of pyiceberg, which Trino, Spark and others can use as a
JDBC catalogue. Needs the extra `iceberg`.
"""

from __future__ import annotations

import logging
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from msgspec import Struct

from trailkeeper.archive import records
from trailkeeper.archive.archive import Archive
from trailkeeper.archive.columns import schema_of
from trailkeeper.archive.folder import FolderSettings
from trailkeeper.archive.layout import file_of
from trailkeeper.archive.owner import ArchiveOwner
from trailkeeper.errors import ArchiveUnavailable, Conflict
from trailkeeper.identity.store import Store
from trailkeeper.streaming.destinations.s3 import S3Settings, server_of
from trailkeeper.streaming.object_settings import checked_prefix

NAME = "trailkeeper"


class Registered(Struct, frozen=True):
    """The table's name, how many files it has now, and how many of them are new."""

    table: str
    files: int
    added: int


def register(
    store: Store,
    one: Archive,
    owner: ArchiveOwner,
    *,
    catalog: str,
    warehouse: str,
    table: str,
) -> Registered:
    """Register all files of the archive that the table does not have, and take out those that the
    archive has no more. `catalog` is the URL of a database, `warehouse` where the table's metadata
    is. Raises ArchiveUnavailable without the extra, Conflict for what cannot be done."""
    if find_spec("pyiceberg") is None:
        raise ArchiveUnavailable(
            "An Iceberg table needs pyiceberg: pip install 'trailkeeper[iceberg]'"
        )
    with store.reading() as connection:
        files = records.readable_files(connection, one.key)
    owner.opened(one).close()  # it is looked at whether the place is allowed
    base, properties = _location(owner.settings_of(one))
    wanted = {
        f"{base}/{file_of(one.workspace_id, file.date, file.first_seq, file.end_seq)}"
        for file in files
    }
    # It warns of columns without statistics, which these files have on purpose.
    logging.getLogger("pyiceberg").setLevel(logging.ERROR)
    sql: Any = import_module("pyiceberg.catalog.sql")
    known = sql.SqlCatalog(NAME, uri=catalog, warehouse=warehouse, **properties)
    try:
        return _synchronised(known, table, wanted)
    finally:
        known.close()


def _synchronised(known: Any, name: str, wanted: set[str]) -> Registered:
    namespace = name.rpartition(".")[0]
    if not namespace:
        raise Conflict(f"The table's name is {name[:100]!r}, must be such as audit.activities")
    known.create_namespace_if_not_exists(namespace)
    table = known.create_table_if_not_exists(name, schema=schema_of())
    if not table.spec().fields and not table.current_snapshot():
        day: Any = import_module("pyiceberg.transforms").DayTransform()
        with table.update_spec() as spec:
            spec.add_field("received_at", day, "received_day")
        table = known.load_table(name)
    there = _files_of(table)
    if gone := there - wanted:
        # A day is removed whole: nothing of it stays in another file.
        expressions: Any = import_module("pyiceberg.expressions")
        for low, high in _seqs(gone):
            table.delete(
                expressions.And(
                    expressions.GreaterThanOrEqual("seq", low),
                    expressions.LessThanOrEqual("seq", high),
                )
            )
    if new := sorted(wanted - there):
        table.add_files(new)
    return Registered(name, len(wanted), len(new))


def _files_of(table: Any) -> set[str]:
    if table.current_snapshot() is None:
        return set()
    return set(table.inspect.files()["file_path"].to_pylist())


def _seqs(paths: set[str]) -> list[tuple[int, int]]:
    """The ranges of seqs that the names of files tell."""
    stems = [path.rpartition("/")[2].removesuffix(".parquet") for path in paths]
    return [(int(first), int(last)) for _, first, last in (stem.split("-") for stem in stems)]


def _location(settings: Any) -> tuple[str, dict[str, str]]:
    """Where the files are as a URL, and what pyiceberg needs to read them."""
    if isinstance(settings, FolderSettings):
        return f"file://{settings.folder.rstrip('/')}", {}
    if isinstance(settings, S3Settings):
        _, in_host = server_of(settings)
        properties = {
            "s3.endpoint": settings.endpoint,
            "s3.region": settings.region,
            "s3.access-key-id": settings.access_key_id,
            "s3.secret-access-key": settings.secret_access_key,
            "s3.session-token": settings.session_token,
            "s3.force-virtual-addressing": str(in_host),
        }
        prefix = checked_prefix(settings.prefix).rstrip("/")
        base = f"s3://{settings.bucket}/{prefix}".rstrip("/")
        return base, {name: value for name, value in properties.items() if value}
    raise Conflict(
        "Only archives in a folder or in S3 can be registered from here; for others, let the engine"
        " register the Parquet files itself"
    )
