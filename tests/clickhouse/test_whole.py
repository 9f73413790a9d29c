"""Exports, the archive and backups, once activities have left the database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.archive.filling import FIRST
from tests.clickhouse.copied import DAY_US, Copied, open_copied
from tests.clickhouse.door import a_door

from trailkeeper.activity import from_us
from trailkeeper.archive.days import ClosedDays
from trailkeeper.backup.create import make_backup
from trailkeeper.backup.manifest import BackupError
from trailkeeper.exports import process
from trailkeeper.ledger import dump as dumping
from trailkeeper.ledger.dump import Dump
from trailkeeper.query.filters import Filter
from trailkeeper.query.language import parse

COUNT = 60


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copied]:
    """Two of three days have left, but for one that came late; microseconds are shared."""
    with open_copied(tmp_path_factory.mktemp("half") / "data") as store:
        for number in range(COUNT):
            at = FIRST + number // 20 * DAY_US + number % 3
            store.record(id=f"a-{number}", occurred_at=from_us(at), reason=f"so {number}")
        store.copy()
        store.record(id="late", occurred_at=from_us(FIRST + 1), reason="so late")
        assert store.clickhouse.move(store.acme, FIRST + 2 * DAY_US).count == 40
        yield store


def dump_of(store: Copied, order: dumping.Order, asked: Filter) -> Dump:
    end = store.here.reader.next_seq(store.acme)
    older = store.here.reader.older
    return Dump(store.here.engine, store.acme, asked, order=order, end_seq=end, older=older)


@given(st.integers(1, 70), st.sampled_from(["asc", "desc"]), st.sampled_from(["", "so", "*ate"]))
def test_an_export_has_what_has_left_once_and_in_order(
    half: Copied, chunk: int, order: dumping.Order, query: str
) -> None:
    asked = parse(query) if query else Filter()
    expected = half.here.reader.page(half.acme, asked, order=order, limit=1_000).activities
    with patch.object(dumping, "CHUNK_ROWS", chunk), patch.object(dumping, "ROWS_MIN", 1):
        rows = [row for rows in dump_of(half, order, asked).chunks() for row in rows]
    assert [row.seq for row in rows] == [one.seq for one in expected]
    assert len(rows) == (1 if query == "*ate" else COUNT + 1)


def test_the_count_of_an_export_is_that_of_both(half: Copied) -> None:
    assert dump_of(half, "asc", Filter()).count() == COUNT + 1


def test_the_process_of_an_export_reads_clickhouse(half: Copied, tmp_path: Path) -> None:
    database = half.there_url.rpartition("/")[2]
    with a_door() as door:
        door.engine.query(f"CREATE DATABASE IF NOT EXISTS {database}")
        url = f"http://127.0.0.1:{door.server_port}/{database}"
        with patch.dict(os.environ, {"TRAILKEEPER_CLICKHOUSE_URL": url}):
            older = process._older(half.data)
    assert older is not None


def test_days_that_have_left_are_archived_as_they_were(half: Copied) -> None:
    reader, days = half.here.reader, ClosedDays(half.operations, half.here.reader)
    stored = days.between(half.acme, 0, COUNT + 1, None)
    assert [one.seq for one in stored] == list(range(COUNT + 1))
    assert all(one.salt and one.personal and one.received_at for one in stored)
    kept = {row.seq: row for row in half.rows()}
    assert 0 < len(kept) < COUNT
    for seq, row in kept.items():
        one = stored[seq]
        assert (one.public, one.salt, one.personal) == (row.public, row.salt, row.personal)
    sizes = reader.sizes(half.acme, 0, COUNT + 1, 50)
    assert [tuple(row) for row in sizes] == [
        (one.seq, len(one.public) + len(one.personal or b"")) for one in stored[:50]
    ]


def test_a_backup_that_would_lack_what_has_left_is_refused(half: Copied, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="stand in ClickHouse only"):
        make_backup(half.data, tmp_path / "backup")
    assert list(tmp_path.iterdir()) == []
