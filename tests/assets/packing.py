"""What the tests of packages share: workspaces without a server, and zip files byte by byte."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import PASSWORD, new_installation

from trailkeeper.activity import Activity
from trailkeeper.assets.asset import Asset
from trailkeeper.assets.packages import Packages
from trailkeeper.assets.registry import Registry
from trailkeeper.identity.acting import By
from trailkeeper.installation import Installation, opened

_numbers = itertools.count(1)
SECRET = "correct-horse-battery"


# --- Workspaces


@dataclass
class Place:
    """A workspace of an installation, and its operator, who may do all."""

    installation: Installation
    name: str
    by: By = field(init=False)

    def __post_init__(self) -> None:
        self.by = self.installation.workspaces.by_operator(self.name)

    @property
    def registry(self) -> Registry:
        return self.installation.registry

    @property
    def packages(self) -> Packages:
        return self.installation.packages

    def make(self, kind: str, name: str, parent: str | None = None, **content: Any) -> Asset:
        """An asset in a folder, or under a parent."""
        where = {"parent_id" if kind in ("api_endpoint", "access_profile") else "folder_id": parent}
        created = self.registry.create(self.by, kind, name, **where, content=content)
        return created.asset

    def export(self, **content: Any) -> bytes:
        """The file of an export of what a new manifest names."""
        manifest = self.make("manifest", f"Manifest {next(_numbers)}", **content)
        package = self.packages.export(self.by, manifest.id)
        return self.packages.file(self.by.workspace, package.id)[1]

    def all(self, kind: str) -> list[Asset]:
        return self.registry.page(self.by.workspace, kind, limit=1_000).assets

    def one(self, kind: str, name: str) -> Asset:
        found = [one for one in self.all(kind) if one.name == name]
        assert len(found) == 1, [one.name for one in self.all(kind)]
        return found[0]

    def log(self, since: int = 0) -> list[Activity]:
        """What was recorded from `since` on, in that order."""
        found: list[Activity] = []
        while more := self.installation.reader.after(self.by.workspace, since, 1_000):
            found += more
            since = more[-1].seq + 1
        return found

    def next_seq(self) -> int:
        return self.installation.reader.next_seq(self.by.workspace)

    def state(self) -> list[Any]:
        """All live assets, to compare."""
        kinds = ("folder", "recipe", "connection", "property", "lookup_table", "package")
        return [
            (one.kind, one.id, one.name, one.content) for kind in kinds for one in self.all(kind)
        ]


@contextmanager
def two_workspaces(data: Path) -> Iterator[tuple[Place, Place]]:
    new_installation(data)
    with opened(data) as installation:
        for number, name in enumerate(("Acme", "Beta")):
            installation.workspaces.create(name, f"owner{number}@example.com", name, PASSWORD)
        yield Place(installation, "Acme"), Place(installation, "Beta")


# --- Files of packages


def package_files(*assets: dict[str, Any], **index: Any) -> dict[str, bytes]:
    """The files of a package that is right, but for what `index` changes of package.json. An asset
    is its entry in package.json with its `content`."""
    files: dict[str, bytes] = {}
    entries: list[dict[str, Any]] = []
    for asset in assets:
        entry = {"folder": [], "parent": None, "references": [], "secrets": [], **asset}
        content = entry.pop("content", {})
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        files[entry["path"]] = raw
        entries.append({"sha256": hashlib.sha256(raw).hexdigest(), **entry})
    whole: dict[str, Any] = {
        "format": "trailkeeper package",
        "schema_version": 1,
        "name": "Shop",
        "workspace": "Acme",
        "exported_at": "2026-11-24T10:00:00.000000Z",
        "entries": entries,
        "outside": [],
        **index,
    }
    rest = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    whole = {"checksum": hashlib.sha256(rest).hexdigest(), **whole}
    return {"package.json": json.dumps(whole).encode(), **files}


def recipe(path: str = "recipes/a.json", name: str = "A", **more: Any) -> dict[str, Any]:
    return {"path": path, "kind": "recipe", "name": name, **more}


def zipped(files: dict[str, bytes]) -> bytes:
    """An ordinary zip of these files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


@dataclass
class Raw:
    """An entry of a zip, every field of which may lie. Without a lie it is right."""

    name: str
    data: bytes = b"{}"
    method: int = 8
    flags: int = 0
    attributes: int = 0o100644 << 16
    size: int | None = None
    packed_size: int | None = None
    crc: int | None = None
    local_name: str | None = None
    local_size: int | None = None
    offset: int | None = None
    packed: bytes | None = None

    def body(self) -> bytes:
        if self.packed is not None:
            return self.packed
        if self.method == 0:
            return self.data
        packer = zlib.compressobj(9, wbits=-15)
        return packer.compress(self.data) + packer.flush()


def raw_zip(
    *entries: Raw, count: int | None = None, comment: bytes = b"", before: bytes = b""
) -> bytes:
    """A zip file of these entries, as APPNOTE.TXT lays them out."""
    content, directory = bytearray(before), bytearray()
    for one in entries:
        body = one.body()
        name = one.name.encode()
        local_name = name if one.local_name is None else one.local_name.encode()
        flags = one.flags | (0 if one.name.isascii() else 0x800)
        crc = zlib.crc32(one.data) if one.crc is None else one.crc
        size = len(one.data) if one.size is None else one.size
        packed = len(body) if one.packed_size is None else one.packed_size
        offset = len(content) if one.offset is None else one.offset
        local_size = size if one.local_size is None else one.local_size
        content += struct.pack(
            "<4s5H3L2H", b"PK\3\4", 20, flags, one.method, 0, 33, crc, packed, local_size,
            len(local_name), 0,
        )  # fmt: skip
        content += local_name + body
        directory += struct.pack(
            "<4s6H3L5H2L", b"PK\1\2", 0x0314, 20, flags, one.method, 0, 33, crc, packed, size,
            len(name), 0, 0, 0, 0, one.attributes, offset,
        )  # fmt: skip
        directory += name
    number = len(entries) if count is None else count
    end = struct.pack(
        "<4s4H2LH", b"PK\5\6", 0, 0, number, number, len(directory), len(content), len(comment)
    )
    return bytes(content + directory + end) + comment


def raw_package(*more: Raw, assets: tuple[dict[str, Any], ...] = ()) -> bytes:
    """A package that is right, with more entries that may not be."""
    files = package_files(*assets)
    listed = [Raw(name, content) for name, content in files.items()]
    return raw_zip(*listed, *more)
