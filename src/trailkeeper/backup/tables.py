"""The tables of a PostgreSQL database as a backup has them, and what is learnt of them in passing.

Each table is one stream in the binary format of COPY (PostgreSQL's documentation of COPY, "Binary
Format"), in the order of its primary key and cut into pieces, which are files of the archive:
`database/<table>.<number>`. Some tables begin with certain columns, and activities come in the
order of seq, so that the fingerprint of each log can be told from the stream alone. The same code
reads the stream when a backup is made, when it is verified, which needs no database, and when what
was restored is read again.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Iterator, Mapping

from trailkeeper.backup.manifest import BackupError, Content, TableContent, WorkspaceContent
from trailkeeper.ledger.fingerprint import Fingerprinting, Row

PIECE = re.compile(r"database/([a-z_]{1,63})\.([0-9]{6,12})")
PIECE_BYTES = 4 * 1024 * 1024
"""How long the pieces are, but for the last one: so much of a stream is in memory."""

PIECE_MAX = 64 * 1024 * 1024
ROW_MAX = 256 * 1024 * 1024

VERSIONS = "alembic_version"
LOG = "activity"
INDEX = "activity_index"
FIRST: Mapping[str, tuple[str, ...]] = {
    VERSIONS: ("version_num",),
    "workspace": ("key", "id", "name", "next_seq"),
    LOG: ("workspace", "seq", "public", "salt", "personal", "key"),
}
"""The first columns of the tables that are not only counted."""

ORDERED_BY: Mapping[str, tuple[str, ...]] = {LOG: ("workspace", "seq")}
"""Where it is not the primary key."""

SPAN_BITS = 44
"""The keys of activities are noted by spans of so many lower bits: about five hours."""

_START = b"PGCOPY\n\xff\r\n\0"
_HEAD = struct.Struct("!11sII")
_fields = struct.Struct("!h").unpack_from
_length = struct.Struct("!i").unpack_from
_integer = struct.Struct("!i").unpack
_bigint = struct.Struct("!q").unpack

Fields = list[bytes | None]


def piece_name(table: str, number: int) -> str:
    return f"database/{table}.{number:06}"


class Streams:
    """Learns what is in a database from the streams of its tables, one after the other."""

    def __init__(self) -> None:
        self._tables: dict[str, _Stream] = {}
        self._current = ""
        self._number = 0
        self._workspaces: dict[int, tuple[str, str, int]] = {}
        self._logs: dict[int, Fingerprinting] = {}
        self._revision = ""
        self.spans: set[int] = set()
        """Where the keys of activities are, in units of 2^SPAN_BITS."""

    def take_piece(self, name: str, data: bytes) -> None:
        """A file of an archive, whose name PIECE matches. Raises BackupError."""
        table, _, number = name.removeprefix("database/").rpartition(".")
        expected = self._number + 1 if table == self._current else 1
        if int(number) != expected or (table != self._current and table in self._tables):
            raise BackupError(f"{name} is not where a backup has it")
        self.take(table, data)

    def take(self, table: str, data: bytes) -> None:
        """The next bytes of a table's stream. Raises BackupError for what is none."""
        if table != self._current:
            self._tables[table] = _Stream(table, len(FIRST.get(table, ())))
            self._current, self._number = table, 0
        self._number += 1
        rows = self._tables[table].rows(data)
        try:
            if table == LOG:
                self._learn_log(rows)
            else:
                for row in rows:
                    self._learn(table, row)
        except (struct.error, UnicodeDecodeError, TypeError, IndexError):
            raise BackupError(f"The rows of the table {table} in it cannot be read") from None

    def content(self) -> Content:
        """What is there, once all has come by. Raises BackupError."""
        for table in self._tables.values():
            if not table.is_whole:
                raise BackupError(f"The table {table.name} in it is not whole")
        return Content(
            revision=self._revision,
            integrity=self._integrity(),
            workspaces=[self._workspace(key) for key in sorted(self._workspaces)],
            tables=[
                TableContent(one.name, one.count, one.digest.hexdigest())
                for one in self._tables.values()
            ],
        )

    def _integrity(self) -> str:
        activities, entries = (
            self._tables[name].count if name in self._tables else 0 for name in (LOG, INDEX)
        )
        if activities != entries:
            return f"there are {entries} entries of the index for {activities} activities"
        if self._logs.keys() - self._workspaces.keys():
            return "there are activities of a workspace that is not there"
        return "ok"

    def _workspace(self, key: int) -> WorkspaceContent:
        id, name, next_seq = self._workspaces[key]
        log = self._logs.get(key, Fingerprinting()).done()
        return WorkspaceContent.of(id, name, next_seq, log)

    def _learn(self, table: str, row: Fields) -> None:
        if table == VERSIONS:
            self._revision = _text(row[0])
        elif table == "workspace":
            (key,), (next_seq,) = _integer(row[0] or b""), _bigint(row[3] or b"")
            self._workspaces[key] = _text(row[1]), _text(row[2]), next_seq

    def _learn_log(self, rows: Iterator[Fields]) -> None:
        current, batch = -1, list[Row]()
        for workspace, seq, public, salt, personal, key in rows:
            (number,) = _integer(workspace or b"")
            if number != current:
                self._add(current, batch)
                current, batch = number, []
            batch.append((_bigint(seq or b"")[0], public or b"", salt, personal))
            self.spans.add(_bigint(key or b"")[0] >> SPAN_BITS)
        self._add(current, batch)

    def _add(self, workspace: int, rows: list[Row]) -> None:
        if rows:
            self._logs.setdefault(workspace, Fingerprinting()).add(rows)


def _text(field: bytes | None) -> str:
    return (field or b"").decode()


class _Stream:
    """One table's stream. Rows may end anywhere in the blocks that it comes in."""

    def __init__(self, name: str, wanted: int) -> None:
        self.name = name
        self.digest = hashlib.sha256()
        self.count = 0
        self.is_whole = False
        self._wanted = wanted
        self._rest: bytes = b""
        self._is_begun = False

    def rows(self, data: bytes) -> Iterator[Fields]:
        """The first fields of each row that ends in this block; go through all of them."""
        self.digest.update(data)
        block, at = self._rest + data, 0
        if not self._is_begun:
            if len(block) < _HEAD.size:
                self._rest = block
                return
            if _HEAD.unpack_from(block) != (_START, 0, 0):
                raise BackupError(f"The table {self.name} in it is not as COPY writes it")
            self._is_begun, at = True, _HEAD.size
        while not self.is_whole and (found := _row_at(block, at, self._wanted)):
            row, at = found
            if row is None:
                self.is_whole = True
            else:
                self.count += 1
                yield row
        self._rest = block[at:]
        if len(self._rest) > (0 if self.is_whole else ROW_MAX):
            raise BackupError(f"The rows of the table {self.name} in it cannot be read")


def _row_at(block: bytes, at: int, wanted: int) -> tuple[Fields | None, int] | None:
    """The first fields of the row that begins there, and where it ends; no fields at the end of the
    stream, and nothing if it ends in another block."""
    row: Fields = []
    try:
        (fields,) = _fields(block, at)
        at += 2
        for number in range(fields):
            (length,) = _length(block, at)
            at += 4
            if number < wanted:
                row.append(None if length < 0 else block[at : at + length])
            if length > 0:
                at += length
    except struct.error:
        return None
    if at > len(block):
        return None
    return (None if fields < 0 else row), at
