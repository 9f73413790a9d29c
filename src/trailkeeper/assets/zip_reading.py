"""Unpacking a zip file of a stranger in memory.

Only the plain subset of the format is taken that every tool reads alike: one disk, no Zip64, no
comment behind the end, entries one after the other, deflated or stored. What headers say is
compared, and never believed: what comes out is counted while it comes.

Source of the format: PKWARE's APPNOTE.TXT 6.3.
"""

from __future__ import annotations

import re
import stat
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from trailkeeper.assets.findings import Findings

PACKED_MAX = 16 * 1024 * 1024
UNPACKED_MAX = 64 * 1024 * 1024
ENTRIES_MAX = 5_000
RATIO_MAX = 100
RATIO_FREE = 64 * 1024
"""So much may come out of an entry whatever its ratio."""

STEP = 64 * 1024

STORED, DEFLATED = 0, 8
ENCRYPTED, STREAMED, STRONGLY_ENCRYPTED, UTF8, MASKED = 0x1, 0x8, 0x40, 0x800, 0x2000
REPARSE_POINT = 0x400
ZIP64_SIZE, ZIP64_COUNT = 0xFFFFFFFF, 0xFFFF

_END = struct.Struct("<4s4H2LH")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_PART = re.compile(r"[a-z0-9_-][a-z0-9_.-]*\Z")

SizeMax = Callable[[str], int]


class Entry(NamedTuple):
    """An entry as the central directory tells it, and where its data would be."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    attributes: int
    offset: int
    start: int
    """Where its data begins; -1 before the local header was read."""

    @property
    def end(self) -> int:
        return self.start + self.packed


def unpacked(raw: bytes, size_max: SizeMax, findings: Findings) -> dict[str, bytes]:
    """The files of a zip file by their names; all that is wrong is found at once, and a file with
    which something is wrong is left out. `size_max` says how long a file may be unpacked."""
    if refusal := _wrong_frame(raw):
        findings.add("", refusal)
        return {}
    entries = _entries(raw, findings)
    good = [one for one in entries if not _wrong(one, size_max, findings)]
    if sum(one.size for one in good) > UNPACKED_MAX:
        findings.add("", f"unpacks to more than {UNPACKED_MAX // 1024**2} MiB")
        return {}
    files: dict[str, bytes] = {}
    for entry in _located(raw, good, findings):
        content = _content(raw, entry, findings)
        if content is not None and not entry.name.endswith("/"):
            files[entry.name] = content
    return files


def wrong_name(name: str) -> str | None:
    """What is wrong with a path in a package; None if it is a plain relative one."""
    parts = name.split("/")
    if "\\" in name:
        return "has a backslash in its name"
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return "has an absolute path"
    if ".." in parts:
        return "leads out of the package"
    if len(name) > 200 or not all(_PART.match(part) for part in parts):
        return "has a name with more than small letters, digits, `-`, `_`, `.` and `/`"
    return None


class _End(NamedTuple):
    """The end of the central directory: the last bytes of the file."""

    signature: bytes
    disk: int
    first_disk: int
    here: int
    entries: int
    size: int
    offset: int
    comment: int


def _wrong_frame(raw: bytes) -> str | None:
    """What is wrong with the file as a whole."""
    if len(raw) > PACKED_MAX:
        return f"is larger than {PACKED_MAX // 1024**2} MiB"
    if len(raw) < _END.size or raw[-_END.size :][:4] != b"PK\5\6":
        return "is not a zip file, is cut off, or has something behind its end"
    end = _end(raw)
    if ZIP64_COUNT in (end.here, end.entries) or ZIP64_SIZE in (end.size, end.offset):
        return "is a Zip64 file, which a package never needs to be"
    if end.disk or end.first_disk or end.here != end.entries or end.comment:
        return "is one part of several, or has a comment"
    if end.offset + end.size != len(raw) - _END.size:
        return "has something before its start, or between its parts and its end"
    return f"has more than {ENTRIES_MAX:,} files" if end.entries > ENTRIES_MAX else None


def _end(raw: bytes) -> _End:
    return _End(*_END.unpack(raw[-_END.size :]))


def _entries(raw: bytes, findings: Findings) -> list[Entry]:
    """The central directory, whole."""
    end = _end(raw)
    entries: list[Entry] = []
    position = end.offset
    for _ in range(end.entries):
        entry, position = _central(raw, position)
        if entry is None:
            findings.add("", "has a directory that cannot be read")
            return []
        entries.append(entry)
    if position != len(raw) - _END.size:
        findings.add("", "has more files than it says")
        return []
    return entries


def _central(raw: bytes, position: int) -> tuple[Entry | None, int]:
    if position + _CENTRAL.size > len(raw) - _END.size:
        return None, position
    (
        signature, _made, _needed, flags, method, _time, _date, crc, packed, size, name_length,
        extra_length, comment_length, _disk, _inside, attributes, offset,
    ) = _CENTRAL.unpack_from(raw, position)  # fmt: skip
    name_at = position + _CENTRAL.size
    after = name_at + name_length + extra_length + comment_length
    if signature != b"PK\1\2" or after > len(raw) - _END.size:
        return None, position
    name = _decoded(raw[name_at : name_at + name_length], flags)
    return Entry(name, flags, method, crc, packed, size, attributes, offset, -1), after


def _decoded(name: bytes, flags: int) -> str:
    """What is neither ASCII nor rightly marked as UTF-8 becomes a sign that no name may have."""
    return name.decode("utf-8" if flags & UTF8 else "ascii", "replace")


def _wrong(entry: Entry, size_max: SizeMax, findings: Findings) -> bool:
    """What its header alone says against an entry."""
    is_folder = entry.name.endswith("/")
    kind = stat.S_IFMT(entry.attributes >> 16)
    expected = (0, stat.S_IFDIR) if is_folder else (0, stat.S_IFREG)
    most = size_max(entry.name)
    reasons = (
        wrong_name(entry.name.removesuffix("/")),
        entry.flags & (ENCRYPTED | STRONGLY_ENCRYPTED | MASKED) and "is encrypted",
        entry.method not in (STORED, DEFLATED) and "is packed in an unusual way",
        (kind not in expected or entry.attributes & REPARSE_POINT) and "is a link or a device",
        entry.method == STORED and entry.size != entry.packed and "has two sizes",
        is_folder and entry.size and "is a folder that holds data",
        entry.size > most and f"is larger than {most // 1024} KiB",
        _is_bomb(entry) and f"unpacks to more than {RATIO_MAX} times its size",
    )
    for reason in reasons:
        if reason:
            findings.add(entry.name, str(reason))
    return any(reasons)


def _is_bomb(entry: Entry) -> bool:
    return entry.size > RATIO_FREE and entry.size > entry.packed * RATIO_MAX


def _located(raw: bytes, entries: list[Entry], findings: Findings) -> Iterator[Entry]:
    """The entries whose own headers say the same, none of which lies in another or twice."""
    directory = _end(raw).offset
    names: set[str] = set()
    free_from = 0
    for entry in sorted(entries, key=lambda one: one.offset):
        if entry.name in names:
            findings.add(entry.name, "is in the package twice")
            continue
        names.add(entry.name)
        found = _with_start(raw, entry, directory)
        if found is None:
            findings.add(entry.name, "is described in two ways")
        elif found.offset < free_from:
            findings.add(entry.name, "overlaps with another file")
        else:
            free_from = found.end
            yield found


def _with_start(raw: bytes, entry: Entry, end: int) -> Entry | None:
    if entry.offset + _LOCAL.size > end:
        return None
    (
        signature, _needed, flags, method, _time, _date, crc, packed, size, name_length,
        extra_length,
    ) = _LOCAL.unpack_from(raw, entry.offset)  # fmt: skip
    name_at = entry.offset + _LOCAL.size
    start = name_at + name_length + extra_length
    if signature != b"PK\3\4" or start + entry.packed > end:
        return None
    name = _decoded(raw[name_at : name_at + name_length], flags)
    said = (name, flags, method)
    if said != (entry.name, entry.flags, entry.method):
        return None
    if not flags & STREAMED and (crc, packed, size) != (entry.crc, entry.packed, entry.size):
        return None
    return entry._replace(start=start)


def _content(raw: bytes, entry: Entry, findings: Findings) -> bytes | None:
    """What an entry holds, if it is as much as it says."""
    packed = memoryview(raw)[entry.start : entry.end]
    try:
        stored = entry.method == STORED
        content = bytes(packed) if stored else _inflated(packed, entry.size)
    except (zlib.error, EOFError):
        findings.add(entry.name, "cannot be unpacked: it is damaged")
        return None
    if len(content) != entry.size:
        findings.add(entry.name, "unpacks to another size than it says")
    elif zlib.crc32(content) != entry.crc:
        findings.add(entry.name, "is damaged: its CRC does not fit")
    else:
        return content
    return None


def _inflated(packed: memoryview, size: int) -> bytes:
    """Inflate data to its end, or until it is more than `size` bytes. Raises EOFError if it ends
    early or late."""
    stream = zlib.decompressobj(wbits=-15)
    content = bytearray()
    rest: bytes | memoryview = packed
    while not stream.eof and len(content) <= size:
        part = stream.decompress(rest, min(STEP, size + 1 - len(content)))
        rest = stream.unconsumed_tail
        if not part and not stream.eof:
            raise EOFError
        content += part
    if len(content) <= size and (stream.unused_data or rest):
        raise EOFError
    return bytes(content)
