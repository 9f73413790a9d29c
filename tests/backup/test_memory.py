"""Memory stays flat, however long the log is: a backup of PostgreSQL goes through in pieces."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.conftest import TRAILKEEPER
from tests.postgres.serving import site_on
from tests.postgresql import database

from trailkeeper.backup.restore import verify_backup

from .filling import fill

COUNT = 100_000
FEW = 20_000
"""So many that the tables have several pieces."""

GROWTH_MAX = 24 * 1024 * 1024


MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""In a small process of its own: what a process has before it starts a command counts as the
command's."""


def most_memory(url: str, *words: str | Path) -> int:
    """The most bytes that a command had in memory; says how long it took."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *TRAILKEEPER, *map(str, words), "--json"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, "TRAILKEEPER_DATABASE_URL": url},
    )
    assert done.returncode == 0, done.stderr
    most = int(done.stdout) * 1024
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
                most_memory(url, "backup", "--data", data, "--output", archive),
                most_memory("", "backup", "verify", archive),
                most_memory(
                    other, "restore", "--from", archive, "--data", tmp_path / f"new{count}"
                ),
            ]
        manifest = verify_backup(archive)
        assert manifest.content.workspaces[0].activities >= count
        size = sum(file.bytes for file in manifest.files)
        print(f"{count}: {size:,} bytes of tables, {archive.stat().st_size:,} packed")
    for little, much in zip(used[FEW], used[COUNT], strict=True):
        assert much - little < GROWTH_MAX
