"""Copying: each activity stands in ClickHouse exactly once, whatever goes wrong."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from tests.clickhouse.copied import Copied, open_copied
from tests.conftest import wait_for

from trailkeeper.activity import from_us
from trailkeeper.clickhouse.connection import Connection
from trailkeeper.clickhouse.service import make_followers, turn_off
from trailkeeper.errors import StoreUnavailable
from trailkeeper.followers.follower import NOT_WANTED, DeliveryFailed
from trailkeeper.followers.places import Places

TOKENIZER = "tokenize='unicode61 remove_diacritics 2'"
MONTH_US = 30 * 86_400_000_000


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with open_copied(tmp_path / "data") as made:
        yield made


def fill(store: Copied, count: int) -> None:
    """Activities of several months, each with a text of its own."""
    store.append(
        *(
            store.prepare(
                id=f"a-{number}",
                occurred_at=from_us(1_700_000_000_000_000 + number % 7 * MONTH_US),
                reason=f"so {number}",
            )
            for number in range(count)
        )
    )


def copied(store: Copied) -> list[tuple[int, bytes, bytes, bytes]]:
    return list(
        store.there.query(
            "SELECT seq, public, personal, salt FROM activity ORDER BY seq",
            column_formats=dict.fromkeys(("public", "personal", "salt"), "bytes"),
        ).result_rows
    )


def kept(store: Copied) -> list[tuple[int, bytes, bytes, bytes]]:
    return [(row.seq, row.public, row.personal, row.salt) for row in store.rows()]


def test_the_copy_has_the_canonical_bytes_of_every_activity(store: Copied) -> None:
    fill(store, 1_203)
    store.copy()
    assert copied(store) == kept(store)


def test_the_running_follower_copies_what_is_recorded(store: Copied) -> None:
    fill(store, 30)
    store.here.followers.start()
    store.clickhouse.start()
    wait_for(lambda: store.place_if_there() is not None and store.place().cursor == 30, 30)
    fill_more = store.record(id="later")
    wait_for(lambda: store.place().cursor == fill_more.seq + 1, 30)
    assert copied(store) == kept(store)


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("point", ["before the insert", "after the insert", "after the batch"])
def test_a_batch_that_is_tried_again_is_there_once(store: Copied, point: str) -> None:
    fill(store, 100)
    make_followers(store.operations)
    batch = store.next_batch(store.acme)
    assert batch is not None
    insert = Connection.insert

    def fails(self: Connection, columns: Any, token: str) -> None:
        if point == "after the insert":
            insert(self, columns, token)
        raise StoreUnavailable("gone") from Interrupted("no answer")

    if point == "after the batch":
        store.work().do(batch)  # the cursor does not move
    else:
        work = store.work()
        with patch.object(Connection, "insert", fails), pytest.raises(DeliveryFailed) as raised:
            work.do(batch)
        assert raised.value.why == "no answer"
        work.do(batch)
        assert copied(store) == kept(store)
    store.copy()
    assert copied(store) == kept(store)


def test_a_token_is_enough_while_clickhouse_knows_it(store: Copied) -> None:
    fill(store, 100)
    make_followers(store.operations)
    batch = store.next_batch(store.acme)
    assert batch is not None
    with patch.object(type(store.work()), "_there", lambda *_: {}):
        for _ in range(3):
            store.work().do(batch)
    assert copied(store) == kept(store)


def test_half_of_a_batch_that_is_there_already_is_not_inserted_again(store: Copied) -> None:
    fill(store, 100)
    make_followers(store.operations)
    batch = store.next_batch(store.acme)
    assert batch is not None
    store.work().do(batch)
    store.there.command("DELETE FROM activity WHERE seq % 2 = 1", settings={"mutations_sync": 2})
    with patch.object(Connection, "insert", _with_another_token(Connection.insert)):
        store.work().do(batch)
    assert copied(store) == kept(store)


def _with_another_token(insert: Any) -> Any:
    """As if ClickHouse had forgotten it."""
    return lambda self, columns, token: insert(self, columns, f"{token} again")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_kill_9_around_the_insert_neither_loses_nor_doubles(tmp_path: Path, moment: str) -> None:
    data, engine = tmp_path / "data", tmp_path / "clickhouse"
    with open_copied(data) as store:
        fill(store, 300)
    with start_copier(data, engine, "die", moment) as killed:
        assert killed.wait(60) == -signal.SIGKILL
    done = run_copier(data, engine, "copy", "")
    assert done == {"kept": 300, "copied": 300, "distinct": 300, "cursor": 300}


def start_copier(data: Path, engine: Path, *what: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.clickhouse.copier", str(data), *what],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TRAILKEEPER_CLICKHOUSE_URL": f"chdb://{engine}/default"},
    )


def run_copier(data: Path, engine: Path, *what: str) -> dict[str, int]:
    with start_copier(data, engine, *what) as process:
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return json.loads(out)


def test_clickhouse_that_is_down_holds_up_nobody_else(tmp_path: Path) -> None:
    with open_copied(tmp_path / "data") as store:
        fill(store, 5)
        with patch.object(Connection, "rows", _down), patch.object(Connection, "insert", _down):
            make_followers(store.operations)
            batch = store.next_batch(store.acme)
            assert batch is not None
            with pytest.raises(StoreUnavailable):
                store.work()
            assert store.record(id="still").seq == 5
            # Nothing has left the database: nobody has to ask ClickHouse.
            assert len(store.here.reader.after(store.acme, 0, 100)) == 6
        store.copy()
        assert copied(store) == kept(store)


def _down(*_: Any) -> Any:
    raise StoreUnavailable("ClickHouse is down")


def test_another_table_of_the_name_is_left_alone(store: Copied) -> None:
    store.there.command("CREATE TABLE activity (x Int8) ENGINE = MergeTree ORDER BY x")
    make_followers(store.operations)
    with pytest.raises(ValueError, match=r"not Trailkeeper's.*database of its own"):
        store.work()


def test_without_clickhouse_nothing_waits_for_its_follower(store: Copied) -> None:
    fill(store, 3)
    make_followers(store.operations)
    turn_off(store.operations)
    assert store.place().pause_reason in NOT_WANTED
    make_followers(store.operations)
    assert store.place().state == "running"
    assert len(Places(store.operations).of(store.acme)) == 1


def test_texts_are_split_into_words_as_the_index_splits_them(store: Copied) -> None:
    random_ = random.Random(3)
    made = "".join(
        chr(random_.choice((random_.randrange(1, 0x300), random_.randrange(0x300, 0xD7FF))))
        for _ in range(4_000)
    )
    store.append(*(store.prepare(reason=made[at : at + 40] + "end") for at in range(0, 4_000, 40)))
    store.copy()
    with store.here.engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        raw.execute("PRAGMA query_only=0")
        raw.execute(f"CREATE VIRTUAL TABLE temp.whole USING fts5(body, {TOKENIZER})")
        raw.execute("CREATE VIRTUAL TABLE temp.word USING fts5vocab(temp, whole, instance)")
        for row in store.rows():
            text = store.here.reader.after(store.acme, row.seq, 1)[0].reason
            raw.execute("INSERT INTO temp.whole (rowid, body) VALUES (?, ?)", (row.seq + 1, text))
        expected: dict[int, list[str]] = {}
        for doc, term in raw.execute("SELECT doc, term FROM temp.word ORDER BY doc, offset"):
            expected.setdefault(doc - 1, []).append(term)
        raw.execute("PRAGMA query_only=1")
    rows = dict(store.there.query("SELECT seq, words FROM activity").result_rows)
    assert len(expected) == 100
    for seq, words in expected.items():
        assert "\n".join(words) in "\n".join(rows[seq])
