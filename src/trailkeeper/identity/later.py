"""Work that is done a moment after the answer, so that how long the answer takes tells nothing."""

from __future__ import annotations

import queue
import secrets
import threading
import time
from collections.abc import Callable

import structlog

DELAY_S = 0.4
SPREAD_MS = 200
"""Up to so much longer, by chance: nor does it tell anything what it slows down then."""

log = structlog.get_logger()

Work = Callable[[], object]


class Later:
    """One thread that does what it is given, in order, each at least DELAY_S later."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[float, Work] | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def do(self, work: Work) -> None:
        """Have it done. What it raises is logged."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="later", daemon=True)
                self._thread.start()
        due = time.monotonic() + DELAY_S + secrets.randbelow(SPREAD_MS) / 1_000
        self._queue.put((due, work))

    def close(self) -> None:
        """Do at once what waits, then stop."""
        self._closing.set()
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()

    def _loop(self) -> None:
        while (entry := self._queue.get()) is not None:
            due, work = entry
            self._closing.wait(max(0, due - time.monotonic()))
            try:
                work()
            except Exception:
                log.exception("work after an answer failed")
