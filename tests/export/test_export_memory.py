"""Memory stays flat, however long the log is, and so does the write-ahead log of others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import TRAILKEEPER, Site, make_site
from tests.memory import most_memory

from .filling import fill

COUNT = 200_000
GROWTH_MAX = 24 * 1024 * 1024
PARQUET_MAX = 64 * 1024 * 1024
"""A Parquet file has a row group in memory, with either."""


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = make_site(tmp_path_factory.mktemp("long") / "data")
    fill(site, COUNT)
    return site


def exported(site: Site, output: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """The most bytes that an export's process had in memory, and its summary."""
    most, printed = most_memory(
        [
            *(*TRAILKEEPER, "export", "--data", site.data, "--workspace", site.workspace),
            *(*words, "--output", output, "--json"),
        ]
    )
    return most, json.loads(printed)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_memory_does_not_grow_with_the_log(long: Site, tmp_path: Path, kind: str) -> None:
    words = ("--format", kind, "--order", "asc")
    little, few = exported(long, tmp_path / "few", *words, "--actor", "user:1")
    much, all_of_it = exported(long, tmp_path / "all", *words)
    assert COUNT // 4 < few["count"] < COUNT // 2
    assert all_of_it["count"] >= COUNT
    print(
        f"{kind}: {all_of_it['per_second']} activities/s, {much >> 20} MB of memory"
        f" ({little >> 20} MB for {few['count']})"
    )
    assert much - little < (PARQUET_MAX if kind == "parquet" else GROWTH_MAX)
