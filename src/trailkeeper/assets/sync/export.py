"""The registry written as a folder of files; a sync of them has nothing to do."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trailkeeper.assets.asset import Asset
from trailkeeper.assets.records import differing
from trailkeeper.assets.sync import references, secrets
from trailkeeper.assets.sync.held import Held
from trailkeeper.assets.sync.layout import BESIDE, ENDING
from trailkeeper.assets.sync.one_file import KEY, NAME, PUBLIC, STATE
from trailkeeper.assets.sync.yaml_text import write
from trailkeeper.errors import Conflict

_NO_LETTERS = re.compile(r"[^A-Z0-9]+")


def export(held: Held, root: Path) -> int:
    """Write a file for each asset into a folder that is empty or not there; returns how many
    assets there are. Hidden files may be there already. Raises Conflict, OSError."""
    root.mkdir(parents=True, exist_ok=True)
    if any(not entry.name.startswith(".") for entry in root.iterdir()):
        raise Conflict(f"{root} is not empty; name another folder")
    for name, text in texts(held):
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8", newline="")
    return len(held.assets)


def texts(held: Held) -> Iterator[tuple[str, str]]:
    """The names of the files within the folder, and their texts."""
    variables: set[str] = set()
    for id, path in sorted(held.paths.items(), key=lambda one: one[1]):
        one = held.assets[id]
        fields = _fields(one, held, variables)
        where = BESIDE.get(one.kind)
        if where and fields.get("columns"):
            rows = fields.pop(where.field, [])
            names = [column[NAME] for column in fields["columns"]]
            yield path + where.ending, _as_csv([names, *rows])
        yield path + ENDING, write(fields)


def _fields(one: Asset, held: Held, variables: set[str]) -> dict[str, Any]:
    """What stands in the file of an asset."""
    path, kind = held.paths[one.id], one.of
    fields: dict[str, Any] = {}
    mark = held.marks.get(one.id)
    if mark != path:
        fields[KEY] = mark if mark and "/" not in mark else f"{one.kind.replace('_', '-')}-{one.id}"
    if path.rpartition("/")[2] != one.name:
        fields[NAME] = one.name
    if kind.states and one.state != kind.states[0]:
        fields[STATE] = one.state
    if one.public:
        fields[PUBLIC] = True
    content = {n: v for n, v in differing(one.content).items() if n not in kind.managed}
    fields |= references.as_in_files(kind, content, held.paths.get)
    for name in kind.secret_fields:
        if name in one.secrets:
            fields[name] = {secrets.ENV: _variable(one, name, variables)}
    return fields


def _variable(one: Asset, field: str, taken: set[str]) -> str:
    """A name for the environment variable that is to hold a secret."""
    name = _NO_LETTERS.sub("_", f"{one.kind} {one.name} {field}".upper()).strip("_")
    if name in taken:
        name = f"{name}_{one.id}"
    taken.add(name)
    return name


def _as_csv(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
