"""What a backup says of itself: the last file in its archive, as JSON."""

from __future__ import annotations

import hmac
import itertools
from typing import Literal

import msgspec
from msgspec import Struct

from trailkeeper.ledger.fingerprint import Fingerprint

MANIFEST_FILE = "manifest.json"
FORMAT = 1
KIND = "trailkeeper backup"

DatabaseKind = Literal["sqlite", "postgresql"]
"""See backup/database.py."""


class BackupError(RuntimeError):
    """A backup that cannot be made, read or restored; the message says why and what to do."""


MOVED = (
    "Older activities of this installation stand in ClickHouse only, and a backup would not have"
    " them; no backup was made. Back up the database and ClickHouse together, see"
    " docs/how-to/clickhouse.md"
)


class WorkspaceContent(Struct, frozen=True, kw_only=True):
    """A workspace's log; `sha256` is defined in ledger/fingerprint.py."""

    id: str
    name: str
    next_seq: int
    activities: int
    first_seq: int | None
    last_seq: int | None
    sha256: str

    @classmethod
    def of(cls, id: str, name: str, next_seq: int, log: Fingerprint) -> WorkspaceContent:
        return cls(
            id=id,
            name=name,
            next_seq=next_seq,
            activities=log.count,
            first_seq=log.first_seq,
            last_seq=log.last_seq,
            sha256=log.sha256,
        )


class TableContent(Struct, frozen=True):
    """A table of PostgreSQL: how many rows it has, and the SHA-256 of their stream (see
    backup/tables.py)."""

    name: str
    rows: int
    sha256: str


class Content(Struct, frozen=True, kw_only=True):
    """What is in a database: the version of its tables, whether it is sound (`ok`, or what is
    wrong), each workspace's log, and on PostgreSQL each table."""

    revision: str
    integrity: str
    workspaces: list[WorkspaceContent]
    tables: list[TableContent] = []


class Layout(Struct, frozen=True, kw_only=True):
    """What the streams of PostgreSQL's tables do not say: the names of each table's columns, in the
    order in which the stream has them, the last number that each table's `key` was given, and the
    months of the activities (see ledger/postgresql/partitions.py)."""

    columns: dict[str, list[str]]
    keys: dict[str, int]
    months: list[int]


class StoredFile(Struct, frozen=True):
    name: str
    bytes: int
    sha256: str


class Manifest(Struct, frozen=True, kw_only=True):
    """`key_check` tells whether a key is the installation's, without telling the key."""

    kind: str = KIND
    format: int = FORMAT
    version: str
    made_at: str
    database: str
    content: Content
    layout: Layout | None = None
    has_key: bool
    key_check: str
    files: list[StoredFile]


def encode_manifest(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1)


def decode_manifest(raw: bytes) -> Manifest:
    """Raises BackupError for what is none, or of a later format."""
    try:
        found = msgspec.json.decode(raw, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BackupError(f"Its {MANIFEST_FILE} cannot be read: {error}") from None
    if found.kind != KIND or found.format != FORMAT:
        raise BackupError(
            f"It is a {found.kind[:40]!r} of format {found.format}, and this program reads"
            f" {KIND!r} of format {FORMAT}; use Trailkeeper {found.version[:20]}"
        )
    return found


def key_check(key: bytes) -> str:
    """A text that only this key gives. The key is 32 random bytes, so that it cannot be guessed."""
    return hmac.digest(key, KIND.encode(), "sha256").hex()


def same_content(told: Content, found: Content) -> None:
    """What is in the database is what the manifest says. Raises BackupError."""
    if found.integrity != "ok":
        raise BackupError(f"The database in it is damaged: {found.integrity}")
    if told.revision != found.revision:
        raise BackupError(
            f"Its tables are of version {found.revision}, the manifest says {told.revision}"
        )
    there = {one.id: one for one in found.workspaces}
    for one in told.workspaces:
        if there.pop(one.id, None) != one:
            raise BackupError(
                f"The log of the workspace {one.name!r} is not the one that the manifest is of:"
                f" {one.activities} activities with the hash {one.sha256[:16]}… were backed up"
            )
    if there:
        raise BackupError("It has a workspace that its manifest does not name")
    for one, other in itertools.zip_longest(told.tables, found.tables):
        if one != other:
            name = (one or other or TableContent("", 0, "")).name
            raise BackupError(f"The table {name} is not the one that the manifest is of")
