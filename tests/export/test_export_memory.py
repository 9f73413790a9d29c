"""Memory stays flat, however long the log is, and so does the write-ahead log of others."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import TRAILKEEPER, Site, make_site

from .filling import fill

COUNT = 200_000
GROWTH_MAX = 24 * 1024 * 1024
PARQUET_MAX = 160 * 1024 * 1024
"""Beside what pyarrow itself takes, a Parquet file has a row group in memory."""


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = make_site(tmp_path_factory.mktemp("long") / "data")
    fill(site, COUNT)
    return site


def most_memory(site: Site, output: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """The most bytes that an export's process had in memory, and its summary."""
    process = subprocess.Popen(
        [
            *(*TRAILKEEPER, "export", "--data", site.data, "--workspace", site.workspace),
            *(*words, "--output", output, "--json"),
        ],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    summary = json.loads(process.stdout.read())
    process.stdout.close()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_maxrss * 1024, summary


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_memory_does_not_grow_with_the_log(long: Site, tmp_path: Path, kind: str) -> None:
    words = ("--format", kind, "--order", "asc")
    little, few = most_memory(long, tmp_path / "few", *words, "--source", "trailkeeper")
    much, all_of_it = most_memory(long, tmp_path / "all", *words)
    assert 0 < few["count"] < 5_000
    assert all_of_it["count"] >= COUNT
    print(
        f"{kind}: {all_of_it['per_second']} activities/s, {much >> 20} MB of memory"
        f" ({little >> 20} MB for {few['count']})"
    )
    assert much - little < (PARQUET_MAX if kind == "parquet" else GROWTH_MAX)
