"""A day's manifest: which files it has, how many activities, and the hashes of all that.

It is written last: without it a day is not in the archive. It is JSON, the same bytes for the same
day, and names the hash of the manifest before it, so that the newest one vouches for all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

import msgspec
from msgspec import Struct

from trailkeeper.activity import rfc3339, to_us

FORMAT, VERSION = "trailkeeper-archive", 1


class FileEntry(Struct, frozen=True, kw_only=True):
    """A file: the activities from `first_seq` to before `end_seq` that there were. Times are
    microseconds. `canonical_sha256` is over the public parts (see `canonical_hash`)."""

    date: str
    first_seq: int
    end_seq: int
    count: int
    erased: int
    bytes: int
    sha256: str
    canonical_sha256: str
    occurred_first: int
    occurred_last: int
    received_first: int
    received_last: int


class Span(Struct, frozen=True):
    """Times in RFC 3339."""

    first: str
    last: str


class ManifestFile(Struct, frozen=True, kw_only=True):
    name: str
    first_seq: int
    end_seq: int
    count: int
    erased: int
    bytes: int
    sha256: str
    canonical_sha256: str
    occurred_at: Span
    received_at: Span


class Manifest(Struct, frozen=True, kw_only=True):
    """`first_seq` is inclusive, `end_seq` exclusive; `removed` counts the seqs between them whose
    activities were not there any more. `previous_sha256` is of the manifest of the day before it
    in this archive."""

    format: str
    version: int
    workspace: str
    date: str
    first_seq: int
    end_seq: int
    count: int
    removed: int
    erased: int
    files: list[ManifestFile]
    previous_sha256: str | None = None


class NotAManifest(ValueError):
    """The message says what it is instead."""


def manifest(
    workspace_id: str, date: str, files: list[FileEntry], names: list[str], previous: str | None
) -> Manifest:
    """Of a day's files, in the order of seq."""
    count = sum(one.count for one in files)
    first, end = files[0].first_seq, files[-1].end_seq
    return Manifest(
        format=FORMAT,
        version=VERSION,
        workspace=workspace_id,
        date=date,
        first_seq=first,
        end_seq=end,
        count=count,
        removed=end - first - count,
        erased=sum(one.erased for one in files),
        files=[
            ManifestFile(
                name=name,
                first_seq=one.first_seq,
                end_seq=one.end_seq,
                count=one.count,
                erased=one.erased,
                bytes=one.bytes,
                sha256=one.sha256,
                canonical_sha256=one.canonical_sha256,
                occurred_at=Span(rfc3339(one.occurred_first), rfc3339(one.occurred_last)),
                received_at=Span(rfc3339(one.received_first), rfc3339(one.received_last)),
            )
            for one, name in zip(files, names, strict=True)
        ],
        previous_sha256=previous,
    )


def encoded(one: Manifest) -> bytes:
    """Always the same for the same manifest, and readable for people."""
    return msgspec.json.format(msgspec.json.encode(one), indent=2) + b"\n"


def decoded(body: bytes) -> Manifest:
    """Raises NotAManifest."""
    try:
        found = msgspec.json.decode(body, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotAManifest(f"cannot be read: {error}") from None
    if (found.format, found.version) != (FORMAT, VERSION):
        raise NotAManifest(f"is of the format {found.format[:40]!r} {found.version}")
    if not found.files:
        raise NotAManifest("names no files")
    return found


def entries(one: Manifest) -> list[FileEntry]:
    """The files as a manifest tells of them. Raises NotAManifest for times that are none."""
    try:
        return [
            FileEntry(
                date=one.date,
                first_seq=file.first_seq,
                end_seq=file.end_seq,
                count=file.count,
                erased=file.erased,
                bytes=file.bytes,
                sha256=file.sha256,
                canonical_sha256=file.canonical_sha256,
                occurred_first=_us(file.occurred_at.first),
                occurred_last=_us(file.occurred_at.last),
                received_first=_us(file.received_at.first),
                received_last=_us(file.received_at.last),
            )
            for file in one.files
        ]
    except ValueError as error:
        raise NotAManifest(str(error)) from None


def canonical_hash(public_parts: Iterable[bytes]) -> str:
    """SHA-256 over the public parts in the order of seq, each after its length as four bytes, the
    highest first. A public part has the hash of the personal one, so this is over both; and it
    stays the same when a personal part is erased."""
    digest = hashlib.sha256()
    for part in public_parts:
        digest.update(len(part).to_bytes(4, "big"))
        digest.update(part)
    return digest.hexdigest()


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _us(text: str) -> int:
    """Raises ValueError."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"has {text[:40]!r}, which is no time with an offset")
    return to_us(at)
