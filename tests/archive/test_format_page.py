"""The page about the format says what the code writes."""

from __future__ import annotations

import re
from pathlib import Path

from trailkeeper.archive.columns import COLUMNS, ROW_GROUP
from trailkeeper.archive.days import FILE_BYTES, FILE_ROWS
from trailkeeper.archive.manifest import Manifest, ManifestFile

PAGE = (Path(__file__).parents[2] / "docs/reference/archive-format.md").read_text("utf-8")
KINDS = {"integer": "int64", "bytes": "binary", "targets": "list of struct of `type`, `id`, `name`"}


def test_every_column_is_there_with_its_type() -> None:
    files = PAGE.partition("## Files")[2].partition("## Manifest")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", files, re.MULTILINE)
    there = [(name, kind) for name, kind in rows if name in {one for one, _, _ in COLUMNS}]
    assert [name for name, _ in there] == [name for name, _, _ in COLUMNS]
    for (_, shown), (_, kind, _) in zip(there, COLUMNS, strict=True):
        assert shown.startswith(KINDS.get(kind, kind))


def test_every_field_of_a_manifest_is_there() -> None:
    text = PAGE.partition("## Manifest")[2]
    for field in (*Manifest.__struct_fields__, *ManifestFile.__struct_fields__):
        assert f"`{field}`" in text, field


def test_the_sizes_are_the_real_ones() -> None:
    assert f"at most {FILE_ROWS:,} rows or {FILE_BYTES >> 20} MiB" in PAGE
    assert f"row groups of {ROW_GROUP:,} rows" in PAGE
