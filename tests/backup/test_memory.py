"""Memory stays flat, however long the log is: a backup of PostgreSQL goes through in pieces."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.conftest import TRAILKEEPER
from tests.memory import most_memory
from tests.postgres.serving import site_on
from tests.postgresql import database

from trailkeeper.backup.restore import verify_backup

from .filling import fill

COUNT = 100_000
FEW = 20_000
"""So many that the tables have several pieces."""

GROWTH_MAX = 24 * 1024 * 1024


def taken(url: str, *words: str | Path) -> int:
    """The most bytes that a command had in memory; says how long it took."""
    began = time.monotonic()
    most, _ = most_memory([*TRAILKEEPER, *words, "--json"], TRAILKEEPER_DATABASE_URL=url)
    print(f"{words[0]} {words[1]}: {time.monotonic() - began:.1f} s, {most >> 20} MB")
    return most


@pytest.mark.slow
def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    used: dict[int, list[int]] = {}
    for count in (FEW, COUNT):
        data, archive = tmp_path / f"data{count}", tmp_path / f"b{count}"
        with database() as url, database(empty=True) as other:
            fill(site_on(url, data), url, count)
            used[count] = [
                taken(url, "backup", "--data", data, "--output", archive),
                taken("", "backup", "verify", archive),
                taken(other, "restore", "--from", archive, "--data", tmp_path / f"new{count}"),
            ]
        manifest = verify_backup(archive)
        assert manifest.content.workspaces[0].activities >= count
        size = sum(file.bytes for file in manifest.files)
        print(f"{count}: {size:,} bytes of tables, {archive.stat().st_size:,} packed")
    for little, much in zip(used[FEW], used[COUNT], strict=True):
        assert much - little < GROWTH_MAX
