"""A load that knows what was acknowledged, and a look at the file afterwards."""

from __future__ import annotations

import http.client
import json
import random
import socket
import threading
from contextlib import closing
from typing import Any

import pysqlite3.dbapi2 as driver
from tests.conftest import Site, activity

from trailkeeper.ledger.sqlite.fresh import move

PATH = "/api/v1/activities"
TROUBLE = (OSError, http.client.HTTPException)


class Load:
    """Posts single activities and batches on several connections, until it is told to stop or the
    server goes away.

    Each activity has an id of its own, and a word of its own in its text. What was not answered
    is sent again when the load is started again, with the same id. After each answer a connection
    rests for `pause_s`.
    """

    def __init__(self, site: Site, connections: int = 6, seed: int = 1, pause_s: float = 0) -> None:
        self._site = site
        self._pause_s = pause_s
        self._random = [random.Random(seed + n) for n in range(connections)]
        self._open: list[list[dict[str, Any]]] = [[] for _ in range(connections)]
        self._threads: list[threading.Thread] = []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.acknowledged: dict[str, int] = {}
        """The seq of each acknowledged id."""
        self.refused: list[tuple[int, str]] = []
        """Statuses and bodies of answers that were no acknowledgement."""
        self._made = 0

    def start(self) -> None:
        self._stop.clear()
        self._threads = [
            threading.Thread(target=self._run, args=(number,), daemon=True)
            for number in range(len(self._random))
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Send no more requests, and wait for the answers that are due."""
        self._stop.set()
        self.join()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()

    def _run(self, number: int) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", self._site.port, timeout=30)) as line:
            while not self._stop.is_set():
                batch = self._open[number] = self._open[number] or self._new(self._random[number])
                try:
                    self._send(line, batch)
                except TROUBLE:
                    return
                self._open[number] = []
                if self._pause_s:
                    self._stop.wait(self._pause_s)

    def _new(self, chance: random.Random) -> list[dict[str, Any]]:
        count = chance.choice((1, 1, 1, chance.randint(2, 40)))
        with self._lock:
            first = self._made
            self._made += count
        return [
            activity(
                id=f"load-{n}", details={"word": f"word{n}x", "fill": "f" * chance.randint(0, 500)}
            )
            for n in range(first, first + count)
        ]

    def _send(self, line: http.client.HTTPConnection, batch: list[dict[str, Any]]) -> None:
        headers = {
            "Authorization": f"Bearer {self._site.token}",
            "Content-Type": "application/json",
        }
        body = json.dumps(batch[0] if len(batch) == 1 else batch)
        line.request("POST", PATH, body, headers)
        response = line.getresponse()
        answer = json.loads(response.read())
        if response.status not in (200, 201):
            self.refused.append((response.status, json.dumps(answer)))
            return
        receipts = [answer] if len(batch) == 1 else answer
        for sent, receipt in zip(batch, receipts, strict=True):
            if receipt.get("status", 201) not in (200, 201):
                self.refused.append((receipt["status"], json.dumps(receipt)))
                continue
            assert receipt["id"] == sent["id"]
            before = self.acknowledged.setdefault(sent["id"], receipt["seq"])
            assert before == receipt["seq"]


def check_ledger(site: Site, acknowledged: dict[str, int]) -> None:
    """The file is whole; each acknowledged activity is in it once, under its seq, and is found by
    its word; seq is dense; the index has just the rows of the table."""
    with closing(driver.connect(str(site.data / "trailkeeper.db"))) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        database.execute("INSERT INTO activity_index(activity_index) VALUES ('integrity-check')")
        database.rollback()
        rows = database.execute("SELECT seq, id, key FROM activity ORDER BY seq").fetchall()
        assert [seq for seq, _, _ in rows] == list(range(len(rows)))
        (next_seq,) = database.execute("SELECT next_seq FROM workspace").fetchone()
        assert next_seq == len(rows)
        there = {id: (seq, key) for seq, id, key in rows}
        assert len(there) == len(rows)
        assert {id: there[id][0] for id in acknowledged} == acknowledged
        # Each row is either in the index or waits to be moved there.
        indexed = database.execute(
            "SELECT rowid FROM activity_index UNION ALL SELECT key FROM activity_fresh"
        ).fetchall()
        assert sorted(key for (key,) in indexed) == sorted(key for _, _, key in rows)
        database.execute("BEGIN")
        move(database)
        for id in acknowledged:
            if id.startswith("load-"):
                word = f"word{id.removeprefix('load-')}x"
                found = database.execute(
                    "SELECT rowid FROM activity_index WHERE body MATCH ?", (word,)
                ).fetchall()
                assert found == [(there[id][1],)], id
        database.rollback()


def listens(site: Site) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", site.port)) == 0
