"""What a backup says of itself: the last file in its archive, as JSON."""

from __future__ import annotations

import hmac
from typing import Literal

import msgspec
from msgspec import Struct

MANIFEST_FILE = "manifest.json"
FORMAT = 1
KIND = "trailkeeper backup"

DatabaseKind = Literal["sqlite"]
"""PostgreSQL joins here, and in backup/database.py."""


class BackupError(RuntimeError):
    """A backup that cannot be made, read or restored; the message says why and what to do."""


class WorkspaceContent(Struct, frozen=True, kw_only=True):
    """A workspace's log; `sha256` is defined in ledger/fingerprint.py."""

    id: str
    name: str
    next_seq: int
    activities: int
    first_seq: int | None
    last_seq: int | None
    sha256: str


class Content(Struct, frozen=True, kw_only=True):
    """What is in a database: the version of its tables, whether it is sound (`ok`, or what is
    wrong), and each workspace's log."""

    revision: str
    integrity: str
    workspaces: list[WorkspaceContent]


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
