"""Imports that run in the background of the server, so that no request hangs.

The table of them is this process's memory: an import that a restart ends has changed nothing.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Literal

import structlog
from msgspec import Struct

from trailkeeper.activity import now_us, uuid7
from trailkeeper.assets.asset import Asset
from trailkeeper.assets.packages import Packages, Prepared
from trailkeeper.errors import NotFound, Problem, StoreUnavailable, TooManyRequests
from trailkeeper.identity.acting import By

AT_ONCE = 2
KEPT_S = 60 * 60
KEPT_MAX = 1_000
"""So long, and at most so many, imports that have ended are remembered."""

State = Literal["running", "done", "failed"]

log = structlog.get_logger()


class ImportState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far an import is: `done` of `total` assets are made, which counts once all are. At its
    end it has a package, or a problem."""

    id: str
    state: State
    done: int
    total: int
    package_id: str | None = None
    problem: dict[str, Any] | None = None


class _Running:
    """An import as it changes; `ended` is set once, at the end."""

    def __init__(self, workspace: int, total: int) -> None:
        self.id = uuid7(now_us())
        self.workspace = workspace
        self.done = 0
        self.total = total
        self.package: Asset | None = None
        self.problem: Problem | None = None
        self.ended = threading.Event()
        self.ended_at = 0.0
        self.thread: threading.Thread | None = None

    def progress(self, done: int, total: int) -> None:
        self.done, self.total = done, total

    def state(self) -> ImportState:
        ended = self.ended.is_set()
        return ImportState(
            id=self.id,
            state="running" if not ended else "failed" if self.problem else "done",
            done=self.done,
            total=self.total,
            package_id=self.package.id if self.package else None,
            problem=self.problem.document() if self.problem else None,
        )


class Imports:
    """The imports of all workspaces, AT_ONCE at the same time."""

    def __init__(self, packages: Packages) -> None:
        self._packages = packages
        self._free = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._all: dict[str, _Running] = {}
        self._closing = False

    def start(
        self,
        by: By,
        raw: bytes,
        folder_name: str | None = None,
        parent_folder_id: str | None = None,
        *,
        file_name: str | None = None,
    ) -> ImportState:
        """Check a package's file and begin to import it. Raises what Packages.prepare raises, and
        TooManyRequests while others are imported."""
        if not self._free.acquire(blocking=False):
            raise TooManyRequests(
                f"{AT_ONCE} packages are being imported; try again in a moment", retry_after_s=5
            )
        try:
            prepared = self._packages.prepare(
                by, raw, folder_name, parent_folder_id, file_name=file_name
            )
            return self._begin(by, prepared)
        except BaseException:
            self._free.release()
            raise

    def find(self, workspace: int, id: str) -> ImportState:
        """How far an import is. Raises NotFound, also for one that ended long ago."""
        return self._find(workspace, id).state()

    def wait(self, workspace: int, id: str, seconds: float) -> Asset | None:
        """The package, once it is imported; None if that takes longer. Raises the problem of an
        import that failed, and NotFound."""
        running = self._find(workspace, id)
        running.ended.wait(seconds)
        if running.problem:
            raise running.problem
        return running.package

    def close(self) -> None:
        """Begin no more, and wait until those that run have ended."""
        with self._lock:
            self._closing = True
            threads = [one.thread for one in self._all.values() if one.thread]
        for thread in threads:
            thread.join()

    def _begin(self, by: By, prepared: Prepared) -> ImportState:
        running = _Running(by.workspace, len(prepared.package.items))
        running.thread = threading.Thread(
            target=self._run, args=(running, by, prepared), name="import", daemon=True
        )
        with self._lock:
            if self._closing:
                raise StoreUnavailable("The server is stopping; send it again", retry_after_s=5)
            self._forget()
            self._all[running.id] = running
            running.thread.start()
        return running.state()

    def _run(self, running: _Running, by: By, prepared: Prepared) -> None:
        try:
            running.package = self._packages.carry_out(by, prepared, running.progress)
        except Problem as problem:
            running.problem = problem
        except Exception:
            log.exception("an import failed")
            running.problem = Problem("The server could not do this; its log says why")
        finally:
            running.ended_at = time.monotonic()
            running.thread = None
            self._free.release()
            running.ended.set()

    def _find(self, workspace: int, id: str) -> _Running:
        with self._lock:
            running = self._all.get(id)
        if running is None or running.workspace != workspace:
            raise NotFound(f"There is no import {id[:80]} in this workspace, or not any more")
        return running

    def _forget(self) -> None:
        """Forget those that ended long ago, and the oldest of too many."""
        ended = [one for one in self._all.values() if one.ended.is_set()]
        recent = time.monotonic() - KEPT_S
        for number, one in enumerate(reversed(ended), 1):
            if number >= KEPT_MAX or one.ended_at < recent:
                del self._all[one.id]
