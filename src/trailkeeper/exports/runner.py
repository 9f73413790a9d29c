"""Makes the exports that were asked for, each in a process of its own, and deletes old ones.

An export that the end of a server interrupts is begun again by the next one, from the start: its
filter and its end are fixed, so that it holds the same, but for what retention has removed.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import structlog

from trailkeeper.activity import now_us
from trailkeeper.exports.export import Export
from trailkeeper.exports.exports import DAY_US, Exports
from trailkeeper.exports.places import Places
from trailkeeper.exports.process import Said, Task, decode_said, encode
from trailkeeper.identity.acting import everything
from trailkeeper.identity.store import Store
from trailkeeper.ledger.recorder import system_actor

AT_ONCE = 2
"""In one process of the server, over all workspaces; others wait."""

LOOK_S = 2.0
"""So often it looks for exports that other processes were asked for, or left."""

CLEAN_S = 600.0
LEASE_S = 8.0
TELL_S = 1.5
STOP_S = 5.0

ACTOR = system_actor("exports", "Exports")

log = structlog.get_logger()


class Runner:
    """From `start` to `close`."""

    def __init__(
        self, store: Store, exports: Exports, data: Path, database_url: str, folder: Path
    ) -> None:
        self._store = store
        self._exports = exports
        self._data = data
        self._url = database_url
        self._folder = folder
        self._places = Places(store, uuid.uuid4().hex, LEASE_S)
        self._running: dict[str, _Making] = {}
        self._closing = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="exports", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def look(self) -> None:
        """Something was asked for, or deleted: look at once."""
        for making in tuple(self._running.values()):
            making.look()
        self._wake.set()

    def close(self) -> None:
        """Stop; what is under way is begun again by whoever serves next."""
        self._closing.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join()
        for making in tuple(self._running.values()):
            making.stop()

    def _loop(self) -> None:
        cleaned = -CLEAN_S
        while not self._closing.is_set():
            try:
                self._start_some()
                if time.monotonic() - cleaned >= CLEAN_S:
                    cleaned = time.monotonic()
                    self._clean()
            except Exception:
                log.exception("looking for exports failed; it is tried again")
            self._wake.wait(LOOK_S)
            self._wake.clear()

    def _start_some(self) -> None:
        for id, making in tuple(self._running.items()):
            if not making.is_alive():
                del self._running[id]
        while len(self._running) < AT_ONCE and (one := self._places.take()):
            making = _Making(one, self._places, self._task(one), self._ready, self._wake)
            self._running[one.id] = making
            making.start()

    def _task(self, one: Export) -> Task:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        for left in self._folder.glob(f"{one.id}.*.part"):  # by a process whose server is gone
            left.unlink(missing_ok=True)
        return Task(
            data=str(self._data.absolute()),
            database_url=self._url,
            workspace=one.workspace,
            asked=one.wish.asked,
            order=one.wish.order,
            end_seq=one.end_seq,
            format=one.wish.format,
            compression=one.wish.compression,
            file=str(self._folder / f"{one.id}.{uuid.uuid4().hex[:8]}.part"),
            max_bytes=self._exports.limits.max_bytes,
        )

    def _ready(self, one: Export, said: Said, part: Path) -> None:
        """A file is whole: it gets its name, and others make room for it."""
        part.rename(self._folder / one.stored_name)
        _sync(self._folder)
        assert said.sha256 is not None  # noqa: S101 # by that it is known to be whole
        if not self._places.finish(one, said.count, said.bytes, said.sha256):
            self._exports.drop_file(one)
            return
        held = self._places.held(one.workspace)
        too_many = sum(other.bytes for other in held) - self._exports.limits.max_bytes
        for other in held:
            if too_many <= 0 or other.id == one.id:
                break
            too_many -= other.bytes
            self._remove(other, "to make room for a new one")

    def _clean(self) -> None:
        """Delete what is too old, and files that belong to nothing."""
        days = self._exports.limits.keep_days
        for one in self._places.ended_before(now_us() - days * DAY_US):
            self._remove(one, f"after {days} days")
        if self._folder.is_dir():
            files = {file: file.name.partition(".")[0] for file in self._folder.iterdir()}
            known = self._places.known(set(files.values()))
            for file, id in files.items():
                # Other processes may be about to give a file its name.
                if id not in known or (file.suffix == ".part" and _age_s(file) > 2 * CLEAN_S):
                    file.unlink(missing_ok=True)

    def _remove(self, one: Export, why: str) -> None:
        by = everything(one.workspace, ACTOR)
        self._store.change(lambda transaction: self._exports.remove(transaction, by, one, why))
        self._exports.drop_file(one)


class _Making(threading.Thread):
    """One export that is being made: its process, and what that says."""

    def __init__(
        self, one: Export, places: Places, task: Task, ready: Any, ended: threading.Event
    ) -> None:
        super().__init__(name="export", daemon=True)
        self._one = one
        self._places = places
        self._task = task
        self._part = Path(task.file)
        self._ready = ready
        self._ended = ended
        self._stopping = False
        self._told = 0.0
        self._said = Said()
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "trailkeeper.exports.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def look(self) -> None:
        """Whether it is still wanted is asked at the next word of the process."""
        self._told = 0.0

    def stop(self) -> None:
        self._stopping = True
        self._end_process()
        self.join(STOP_S)

    def run(self) -> None:
        try:
            assert self._process.stdin and self._process.stdout  # noqa: S101, PT018 # both are pipes
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(encode(self._task) + b"\n")
                self._process.stdin.flush()
            wanted = True
            for line in self._process.stdout:
                self._said = decode_said(line)
                if self._said.sha256 or self._said.error:
                    break
                if not (wanted := self._tell()):
                    break
            if wanted and not self._stopping:
                self._conclude()
        except Exception:
            log.exception("an export could not be made")
            with contextlib.suppress(Exception):
                self._places.fail(self._one, "The server could not do this; its log says why")
        finally:
            self._end_process()
            with contextlib.suppress(OSError):
                self._part.unlink(missing_ok=True)
            if self._stopping:
                with contextlib.suppress(Exception):
                    self._places.give_back(self._one)
            self._ended.set()

    def _tell(self) -> bool:
        """Keep how far it is now and then. False once nobody wants it any more."""
        if time.monotonic() - self._told < TELL_S:
            return True
        self._told = time.monotonic()
        return self._places.tell(self._one, self._said.count, self._said.bytes, self._said.total)

    def _conclude(self) -> None:
        if self._said.sha256:
            self._ready(self._one, self._said, self._part)
        elif self._said.error:
            self._places.fail(self._one, self._said.error)
        else:
            code = self._process.wait(STOP_S)
            self._places.fail(self._one, f"The process that made it ended early (code {code})")

    def _end_process(self) -> None:
        with self._lock:
            process = self._process
            with contextlib.suppress(OSError):
                if process.stdin and not process.stdin.closed:
                    process.stdin.close()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if threading.current_thread() is self and process.stdout:
                process.stdout.close()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _age_s(file: Path) -> float:
    try:
        return time.time() - file.stat().st_mtime
    except OSError:
        return 0.0
