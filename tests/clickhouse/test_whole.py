"""Exports, the archive and backups, once activities have left the database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.clickhouse.copied import DAY_US, FAR, Copied, open_copied
from tests.clickhouse.door import a_door
from tests.conftest import make_site

from trailkeeper.activity import from_us
from trailkeeper.archive.days import ClosedDays
from trailkeeper.backup.create import make_backup
from trailkeeper.backup.manifest import BackupError
from trailkeeper.backup.restore import restore_backup
from trailkeeper.clickhouse.connection import Connection
from trailkeeper.clickhouse.service import KIND, make_followers
from trailkeeper.exports.process import Task, encode
from trailkeeper.followers.follower import NOT_WANTED, DeliveryFailed
from trailkeeper.followers.places import Places
from trailkeeper.installation import opened
from trailkeeper.ledger import dump as dumping
from trailkeeper.ledger.dump import Dump
from trailkeeper.query.filters import Filter
from trailkeeper.query.language import parse

FIRST = 1_780_000_000_000_000
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


@settings(max_examples=25)
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


def test_the_process_of_an_export_reads_clickhouse(tmp_path: Path) -> None:
    with a_door() as door, open_copied(tmp_path / "data") as store:
        url = f"http://127.0.0.1:{door.server_port}/{store.there_url.rpartition('/')[2]}"
        over_http = Connection(url)
        store.stack.callback(over_http.close)
        store.append(*(store.prepare(id=f"a-{n}") for n in range(5)))
        with patch.multiple(store.clickhouse._connection, _target=over_http._target, _client=None):
            store.copy()
            assert store.clickhouse.move(store.acme, FAR).count == 5
            store.clickhouse._connection.close()
        store.record(id="a-5")

        def ended(name: str) -> tuple[dict[str, Any], list[str]]:
            file = tmp_path / name
            task = Task(
                data=str(store.data),
                database_url="",
                workspace=store.acme,
                asked=parse("action:recipe.stopped"),
                order="asc",
                end_seq=store.here.reader.next_seq(store.acme),
                format="jsonl",
                compression="none",
                file=str(file),
                max_bytes=1_000_000,
            )
            done = subprocess.run(
                [sys.executable, "-m", "trailkeeper.exports.process"],
                # A pipe that stays open: the process ends with it.
                stdin=_task_in(store.stack, task),
                stdout=subprocess.PIPE,
                env={**os.environ, "TRAILKEEPER_CLICKHOUSE_URL": url},
                check=False,
                timeout=60,
            )
            said = json.loads(done.stdout.splitlines()[-1])
            lines = file.read_bytes().splitlines() if file.exists() else []
            return said, [json.loads(line)["id"] for line in lines]

        said, found = ended("one")
        assert (said["count"], found) == (6, [f"a-{n}" for n in range(6)])
        door.shutdown()
        door.server_close()
        said, found = ended("two")
        assert "does not answer" in said["error"]
        assert found == []


def _task_in(stack: ExitStack, task: Task) -> int:
    reading, writing = os.pipe()
    for end in (reading, writing):
        stack.callback(os.close, end)
    os.write(writing, encode(task) + b"\n")
    return reading


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


def test_a_restored_backup_does_not_copy_over_what_is_newer(tmp_path: Path) -> None:
    with open_copied(tmp_path / "data") as store:
        store.append(*(store.prepare(id=f"a-{n}") for n in range(3)))
        store.copy()
        archive, _ = make_backup(store.data, tmp_path / "backup.tar.zst")
        store.append(*(store.prepare(id=f"b-{n}") for n in range(3)))
        store.copy()
        restore_backup(archive, tmp_path / "restored")
        here = store.stack.enter_context(opened(tmp_path / "restored"))
        restored = Copied(here.data, here, store.stack, acme=store.acme, there_url=store.there_url)
        restored.record(id="c-0")
        with pytest.raises(DeliveryFailed, match="Name an empty database"):
            restored.copy()
        # Neither once it has recorded as many.
        restored.append(*(restored.prepare(id=f"c-{n}") for n in range(1, 9)))
        restored.batch = 2
        with pytest.raises(DeliveryFailed, match="Name an empty database"):
            restored.copy()
        assert store.there.query("SELECT count() FROM activity").result_rows == [(6,)]


def test_serving_without_the_url_lets_nothing_wait_for_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site(tmp_path / "data")
    monkeypatch.setenv("TRAILKEEPER_CLICKHOUSE_URL", "chdb://memory")
    with opened(site.data) as here:
        make_followers(here.store)
    monkeypatch.delenv("TRAILKEEPER_CLICKHOUSE_URL")
    site.start()
    site.stop()
    with opened(site.data) as here:
        (place,) = Places(here.store).of(1, KIND)
        assert place.pause_reason in NOT_WANTED
