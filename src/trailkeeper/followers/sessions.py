"""Presence by PostgreSQL's sessions, and NOTIFY between the processes of an installation.

Each process holds an advisory lock, which the database takes back when its connection ends: by its
own end, or by kill -9. What a lost connection or a missed notice would delay is still found: leases
run out, and followers look for work by themselves.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import structlog

from trailkeeper.ledger.postgresql.engine import connect
from trailkeeper.ledger.postgresql.failures import as_problem, first_line

LOCKS = 7_451_905
"""The class of the advisory locks by which processes are there."""

CHANNEL = "trailkeeper"
TELL_S = 0.02
"""Not more often than that others are told: a NOTIFY is a transaction."""

LISTEN_S = 0.25
AGAIN_S = 1.0

_ALIVE = """
SELECT objid::bigint FROM pg_locks
WHERE locktype = 'advisory' AND classid = %s AND objsubid = 2 AND granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

log = structlog.get_logger()


class SessionPresence:
    """A process's session in the database of this URL, from `enter` to `leave`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: psycopg.Connection[Any] | None = None
        self._closing = threading.Event()
        self._committed = threading.Event()
        self._heard: Callable[[], None] = lambda: None
        self._threads = [
            threading.Thread(target=target, name=name, daemon=True)
            for target, name in ((self._hear, "notices heard"), (self._say, "notices told"))
        ]

    def enter(self, me: str, alone: Callable[[], None]) -> None:
        """NB: `alone` is never called: `gone` tells more."""
        del alone
        if self._session is not None and not self._session.closed:
            return
        with _explained():
            session = connect(self._url)
            try:
                session.execute("SELECT pg_advisory_lock_shared(%s, %s)", (LOCKS, _signed(me)))
            except BaseException:
                session.close()
                raise
        self._session = session

    def gone(self, owners: Callable[[], set[str]]) -> set[str]:
        """NB: it is also asked to find out that the own session has ended."""
        if self._session is None:
            return set()
        # The owners first: whoever takes a lease afterwards has entered before.
        asked = owners()
        with _explained():
            rows = self._session.execute(_ALIVE.encode(), (LOCKS,)).fetchall()
        alive = {row[0] for row in rows}
        return {owner for owner in asked if _number(owner) not in alive}

    def tell(self) -> None:
        self._committed.set()

    def listen(self, heard: Callable[[], None]) -> None:
        self._heard = heard
        for thread in self._threads:
            thread.start()

    def leave(self) -> None:
        self._closing.set()
        self._committed.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        if self._session is not None:
            self._session.close()
            self._session = None

    def _say(self) -> None:
        while not self._closing.is_set():
            self._committed.wait()
            self._committed.clear()
            session = self._session
            if session is not None:
                # Who misses it finds the work by looking.
                with contextlib.suppress(psycopg.Error):
                    session.execute(f"NOTIFY {CHANNEL}".encode())
            self._closing.wait(TELL_S)

    def _hear(self) -> None:
        while not self._closing.is_set():
            try:
                with connect(self._url) as line:
                    line.execute(f"LISTEN {CHANNEL}".encode())
                    self._heard()  # what was told while nobody listened
                    self._follow(line)
            except psycopg.Error as error:
                log.warning("notices of other processes are not heard", error=first_line(error))
                self._closing.wait(AGAIN_S)

    def _follow(self, line: psycopg.Connection[Any]) -> None:
        while not self._closing.is_set():
            for notice in line.notifies(timeout=LISTEN_S):
                session = self._session
                if session is None or session.closed or notice.pid != session.info.backend_pid:
                    self._heard()


def _number(owner: str) -> int:
    """Of an owner's name, the lock's number: 32 bits of a random name."""
    return int(owner[:8], 16)


def _signed(owner: str) -> int:
    """The same as PostgreSQL's integer."""
    number = _number(owner)
    return number - 2**32 if number >= 2**31 else number


@contextlib.contextmanager
def _explained() -> Any:
    try:
        yield
    except psycopg.Error as error:
        if problem := as_problem(error):
            raise problem from error
        raise
