"""What the `asset` commands are told: a kind, a folder's path, a file with content."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

from trailkeeper.assets.asset import HOME, HOME_NAME, Folder
from trailkeeper.assets.kind import Kind
from trailkeeper.assets.kinds import BY_PATH, KINDS
from trailkeeper.assets.reads import name_key
from trailkeeper.assets.registry import Registry
from trailkeeper.assets.sync.walk import FILE_MAX_BYTES
from trailkeeper.assets.sync.yaml_text import YamlProblem, read
from trailkeeper.errors import InvalidInput
from trailkeeper.installation import InstallationError
from trailkeeper.json_input import refuse_duplicates


def kind_named(text: str) -> Kind:
    """The kind with this name, or the word for several. Raises InvalidInput with those there
    are."""
    found = KINDS.get(text.replace("-", "_")) or BY_PATH.get(text)
    if found is None:
        raise InvalidInput(f"There is no kind {text[:80]!r}; there are: {', '.join(KINDS)}")
    return found


def folder_id(registry: Registry, workspace: int, path: str | None) -> str | None:
    """The id of the folder with this path, such as `ERP/Orders`, or this id; None for the root.
    Raises InvalidInput."""
    if path is None or path.strip("/") in ("", HOME, HOME_NAME):
        return None
    folders = registry.folders(workspace)
    if any(one.id == path for one in folders):
        return path
    inside: dict[tuple[str | None, str], Folder] = {
        (one.parent_id, name_key(one.name)): one for one in folders
    }
    names = path.strip("/").split("/")
    if names[0] == HOME_NAME and (None, name_key(HOME_NAME)) not in inside:
        names = names[1:]
    here: str | None = None
    for name in names:
        folder = inside.get((here, name_key(name)))
        if folder is None:
            raise InvalidInput(f"There is no folder {path[:200]!r}: {name[:80]!r} is not there")
        here = folder.id
    return here


def content_of(file: Path | None) -> dict[str, Any]:
    """The fields that a JSON or YAML file holds; `-` is standard input, as YAML, of which JSON is a
    part. Raises InstallationError for one that cannot be read, InvalidInput for what is neither."""
    if file is None:
        return {}
    try:
        if str(file) == "-":
            raw = sys.stdin.buffer.read(FILE_MAX_BYTES + 1)
        else:
            with file.open("rb") as stream:
                raw = stream.read(FILE_MAX_BYTES + 1)
    except OSError as error:
        raise InstallationError(f"{file} cannot be read: {error.strerror}") from None
    if len(raw) > FILE_MAX_BYTES:
        raise InvalidInput(f"{file} is larger than {FILE_MAX_BYTES // 1024 // 1024} MiB")
    return _json(file, raw) if file.suffix.lower() == ".json" else _yaml(file, raw)


def _json(file: Path, raw: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"{file} holds no JSON object: {error}") from None
    refuse_duplicates(raw)
    return found


def _yaml(file: Path, raw: bytes) -> dict[str, Any]:
    try:
        return read(raw.decode("utf-8-sig")).value
    except UnicodeDecodeError:
        raise InvalidInput(f"{file} is not UTF-8") from None
    except YamlProblem as error:
        field = f"{error.field} " if error.field else ""
        raise InvalidInput(f"{file}:{error.line}: {field}{error.detail}") from None
