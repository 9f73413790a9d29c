"""The file of a package: a zip with `package.json`, which lists everything, and one JSON file for
each asset's content, without secrets.

Assets name each other by the paths of their files, so that an import can give them ids of its own;
what they name outside the package stands in `outside`. Folders are written as the names down to
them. The same package is always the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
import zlib
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta, Struct

from trailkeeper.assets.findings import Findings
from trailkeeper.assets.zip_reading import (
    ENTRIES_MAX,
    PACKED_MAX,
    RATIO_FREE,
    RATIO_MAX,
    UNPACKED_MAX,
    unpacked,
    wrong_name,
)
from trailkeeper.errors import Conflict, Problem
from trailkeeper.json_input import malformed, refuse_duplicates

FORMAT = "trailkeeper package"
SCHEMA_VERSION = 1
INDEX = "package.json"
INDEX_MAX = 8 * 1024 * 1024
FILE_MAX = 2 * 1024 * 1024
ANY_TIME = (1980, 1, 1, 0, 0, 0)
MODE = stat.S_IFREG | 0o644

JsonObject = dict[str, Any]
Text = Annotated[str, Meta(max_length=1_000)]


class Listed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An asset of a package, as `package.json` lists it. `folder` is the names of the folders down
    to it, `parent` the path of what it belongs to, `references` the paths and keys that its content
    names, `secrets` the fields that had a secret, which has to be set again."""

    path: Text
    kind: Text
    name: Text
    folder: Annotated[list[Text], Meta(max_length=100)] = []
    parent: Text | None = None
    references: list[Text] = []
    secrets: list[Text] = []


class Entry(Listed, frozen=True, kw_only=True):
    """The same with the SHA-256 of its file."""

    sha256: str


class Outside(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An asset that the package's assets name, but that is not in it."""

    key: Text
    kind: Text
    name: Text


class Index(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`package.json`. The checksum is the SHA-256 of all the rest as JSON with sorted keys and
    without blanks."""

    format: str
    schema_version: int
    name: Text
    workspace: Text
    exported_at: Text
    entries: list[Entry]
    outside: list[Outside] = []
    checksum: str = ""


class Item(Struct, frozen=True, kw_only=True):
    """An asset of a package: how it is listed, and its content, which stays text, because a
    stranger's text may take many times its length once it is read."""

    listed: Listed
    text: bytes

    @property
    def content(self) -> JsonObject:
        return msgspec.json.decode(self.text)


class Package(Struct, frozen=True, kw_only=True):
    """What is in a file, or will be. `workspace` is the name of where it comes from."""

    name: str
    workspace: str
    exported_at: str
    items: list[Item]
    outside: list[Outside]


class _Head(Struct, frozen=True):
    """What every version of the format has."""

    format: str
    schema_version: int


def write_package(package: Package) -> bytes:
    """The package's file. Raises Conflict for one that is too large to be read again."""
    files: dict[str, bytes] = {}
    entries: list[Entry] = []
    for item in package.items:
        content = _pretty(item.text, FILE_MAX)
        files[item.listed.path] = content
        fields = msgspec.structs.asdict(item.listed)
        entries.append(Entry(**fields, sha256=hashlib.sha256(content).hexdigest()))
    index = Index(
        format=FORMAT,
        schema_version=SCHEMA_VERSION,
        name=package.name,
        workspace=package.workspace,
        exported_at=package.exported_at,
        entries=sorted(entries, key=lambda one: one.path),
        outside=sorted(package.outside, key=lambda one: one.key),
    )
    whole = msgspec.structs.replace(index, checksum=checksum(index))
    files[INDEX] = _pretty(as_text(msgspec.to_builtins(whole)), INDEX_MAX)
    raw = _zipped(files)
    if (
        len(files) > ENTRIES_MAX
        or len(raw) > PACKED_MAX
        or sum(map(len, files.values())) > UNPACKED_MAX
        or any(len(content) > size_max(name) for name, content in files.items())
    ):
        raise Conflict(
            f"A package holds at most {ENTRIES_MAX - 1:,} assets, {UNPACKED_MAX // 1024**2} MiB,"
            f" and {PACKED_MAX // 1024**2} MiB packed; export fewer at once"
        )
    return raw


def read_package(raw: bytes) -> Package:
    """What is in a package's file. Raises InvalidInput with all that is wrong with it as a file;
    what its assets are is not looked at."""
    findings = Findings()
    files = unpacked(raw, size_max, findings)
    if INDEX not in files:
        if not findings.errors:
            findings.add("", f"has no `{INDEX}`: it is another kind of zip file")
        findings.refuse()
    index = _read_index(files.pop(INDEX, b""), findings)
    if index is None:
        findings.refuse()
        raise AssertionError  # an index that cannot be read was found wanting
    items = _items(index, files, findings)
    findings.refuse()
    return Package(
        name=index.name,
        workspace=index.workspace,
        exported_at=index.exported_at,
        items=items,
        outside=index.outside,
    )


def size_max(name: str) -> int:
    """How long a file of a package may be."""
    return INDEX_MAX if name == INDEX else FILE_MAX


def checksum(index: Index) -> str:
    """The checksum that an index should have."""
    values = cast("JsonObject", msgspec.to_builtins(index))
    del values["checksum"]
    return hashlib.sha256(msgspec.json.encode(values, order="sorted")).hexdigest()


def _read_index(raw: bytes, findings: Findings) -> Index | None:
    try:
        head = msgspec.json.decode(raw, type=_Head)
        if head.format != FORMAT:
            findings.add(INDEX, "is of another format than a package's")
            return None
        if head.schema_version > SCHEMA_VERSION:
            findings.add(
                INDEX,
                f"has schema version {head.schema_version}, newer than {SCHEMA_VERSION}, which is"
                " known here: update Trailkeeper to import it",
            )
            return None
        if head.schema_version != SCHEMA_VERSION:
            findings.add(INDEX, f"has the unknown schema version {head.schema_version}")
            return None
        index = msgspec.json.decode(raw, type=Index)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        findings.add(INDEX, f"cannot be read: {error}")
        return None
    _find_duplicate_keys(INDEX, raw, findings)
    if index.checksum != checksum(index):
        findings.add(INDEX, "was altered: its checksum is another one")
    return index


def _items(index: Index, files: dict[str, bytes], findings: Findings) -> list[Item]:
    """The assets, each listed once, each in its file, each file listed."""
    items: list[Item] = []
    seen: set[str] = set()
    missing = not findings.errors  # what was left out for another reason is not missing, too
    for entry in index.entries:
        if entry.path in seen:
            findings.add(entry.path, f"is listed twice in `{INDEX}`")
            continue
        seen.add(entry.path)
        if wrong := wrong_name(entry.path):
            findings.add(entry.path, wrong)
        elif entry.path in files:
            if _is_content(entry, files[entry.path], findings):
                items.append(Item(listed=_listed(entry), text=files[entry.path]))
        elif missing:
            findings.add(entry.path, "is listed, but missing")
    for path in sorted(files.keys() - seen):
        findings.add(path, f"is not listed in `{INDEX}`")
    return items


def _listed(entry: Entry) -> Listed:
    fields = msgspec.structs.asdict(entry)
    del fields["sha256"]
    return Listed(**fields)


def _is_content(entry: Entry, raw: bytes, findings: Findings) -> bool:
    """Whether a file is the JSON object that is listed."""
    if hashlib.sha256(raw).hexdigest() != entry.sha256:
        findings.add(entry.path, "was altered: its SHA-256 is another one than is listed")
        return False
    try:
        msgspec.json.decode(raw, type=JsonObject)
    except msgspec.ValidationError:
        findings.add(entry.path, "is not a JSON object")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        findings.add(entry.path, f"cannot be read: {malformed(error).errors[0].detail}")
    else:
        _find_duplicate_keys(entry.path, raw, findings)
        return True
    return False


def _find_duplicate_keys(path: str, raw: bytes, findings: Findings) -> None:
    try:
        refuse_duplicates(raw)
    except Problem as problem:
        for error in problem.errors:
            findings.add(path, error.detail, error.pointer)


def as_text(value: JsonObject) -> bytes:
    """JSON with sorted keys."""
    return msgspec.json.encode(value, order="sorted")


def _pretty(text: bytes, most: int) -> bytes:
    """JSON with indents, if it is not too long with them."""
    indented = msgspec.json.format(text, indent=2) + b"\n"
    return indented if len(indented) <= most else text


def _zipped(files: dict[str, bytes]) -> bytes:
    """A zip of files in the order of their names. What would shrink like a bomb is stored."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            info = zipfile.ZipInfo(name, ANY_TIME)
            info.create_system = 3  # Unix, whatever this runs on
            info.external_attr = MODE << 16
            archive.writestr(info, content, _method(content))
    return target.getvalue()


def _method(content: bytes) -> int:
    if len(content) <= RATIO_FREE:
        return zipfile.ZIP_DEFLATED
    packed = zlib.compress(content, wbits=-zlib.MAX_WBITS)
    return zipfile.ZIP_DEFLATED if len(packed) * RATIO_MAX > len(content) else zipfile.ZIP_STORED
