"""Archives of backups, looked into and made by the public tools."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import zstandard
from hypothesis import strategies as st

from trailkeeper.backup.archive import SEAL_START


def names(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def members(archive: Path) -> dict[str, bytes]:
    """What is in an archive, by the public tools."""
    raw = zstandard.ZstdDecompressor().decompressobj().decompress(archive.read_bytes())
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar}  # type: ignore[union-attr]


def packed(path: Path, files: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for entry, body in files:
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    frame = zstandard.ZstdCompressor(write_checksum=True).compress(raw.getvalue())
    path.write_bytes(frame + SEAL_START + hashlib.sha256(frame).digest())
    return path


def repacked(path: Path, files: dict[str, bytes]) -> Path:
    return packed(path, [(tarfile.TarInfo(name), body) for name, body in files.items()])


def spoilt(archive: Path, path: Path, data: st.DataObject) -> Path:
    """A copy of an archive that was cut, or of which a bit has flipped, anywhere."""
    raw = bytearray(archive.read_bytes())
    place = data.draw(st.integers(0, len(raw) - 1))
    if data.draw(st.booleans()):
        del raw[place:]
    else:
        raw[place] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(raw)
    return path
