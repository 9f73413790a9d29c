"""A process of our own that reads batches, so that they do not wait for the interpreter's lock.

The writer's thread and the event loop need that lock, too; a batch of a thousand would hold it for
20 ms. The helper gets bodies through a pipe and answers with batches; it stores nothing, and what
it cannot do (it died, it is busy, a body is not right) is done in the caller's process instead.

As a program, `python -m trailkeeper.ledger.helper`, it is that process: it reads requests from
its standard input until that ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import select
import signal
import struct
import subprocess
import sys
import threading
from functools import lru_cache
from typing import IO

import msgspec
import structlog
from msgspec import Struct

from trailkeeper.catalogue import catalogue
from trailkeeper.errors import Problem
from trailkeeper.ledger.batch import Batch, read_batch
from trailkeeper.ledger.recorder import Preparing, Rules
from trailkeeper.process import settle_memory
from trailkeeper.redaction import Redactor

FAILURES_MAX = 5
"""A helper that has died so often is not started again."""

STOP_S = 5

PIPE_BYTES = 1024 * 1024
"""A batch goes through without the two processes waiting for each other at every 64 KiB."""

READY = b"ready"

_LENGTHS = struct.Struct("!QQ?")
_LENGTH = struct.Struct("!Q")

_encode = msgspec.msgpack.Encoder().encode
_decode_batch = msgspec.msgpack.Decoder(Batch).decode
_decode_rules = msgspec.msgpack.Decoder(Rules).decode

log = structlog.get_logger()


class Setting(Struct, frozen=True):
    """What the helper has to know for good."""

    redact_keys: tuple[str, ...]


class Helper:
    """The parent's side. Safe to use from several threads; one body is read at a time. The process
    is started at the first body, and until it is up, bodies are left to the caller."""

    def __init__(self, redact_keys: tuple[str, ...]) -> None:
        self._setting = msgspec.json.encode(Setting(redact_keys)).decode()
        self._process: subprocess.Popen[bytes] | None = None
        self._failures = 0
        self._is_ready = False
        self._is_closed = False
        self._lock = threading.Lock()

    def read(self, body: bytes, rules: Rules, *, lines: bool) -> Batch | None:
        """The batch of a body. None where the caller has to read it: there is no helper, or it
        has found something wrong with the body as a whole."""
        request = _encode(rules)
        with self._lock:
            process = self._ready_process()
            if process is None or process.stdin is None or process.stdout is None:
                return None
            try:
                process.stdin.write(_LENGTHS.pack(len(request), len(body), lines))
                process.stdin.write(request)
                process.stdin.write(body)
                process.stdin.flush()
                answer = _read_exactly(process.stdout, _LENGTH.size)
                answer = _read_exactly(process.stdout, _LENGTH.unpack(answer)[0])
            except (OSError, EOFError):
                self._bury()
                return None
        return _decode_batch(answer) if answer else None

    def close(self) -> None:
        """End the process; the body that it reads is finished before."""
        with self._lock:
            self._is_closed = True
            process, self._process = self._process, None
        if process is not None:
            _end(process)

    def _ready_process(self) -> subprocess.Popen[bytes] | None:
        """The process, once it has said that it is there; it is started at first use."""
        if self._process is None and not self._is_closed and self._failures < FAILURES_MAX:
            self._start()
        process = self._process
        if process is None or process.stdout is None:
            return None
        if not self._is_ready and select.select([process.stdout], [], [], 0)[0]:
            self._is_ready = process.stdout.read(len(READY)) == READY
            if not self._is_ready:
                self._bury()
                return None
        return process if self._is_ready else None

    def _start(self) -> None:
        self._is_ready = False
        try:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-P", "-m", "trailkeeper.ledger.helper", self._setting],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        except OSError as error:
            self._failures += 1
            log.warning("the helper for batches cannot be started", error=str(error))
            return
        for pipe in filter(None, (self._process.stdin, self._process.stdout)):
            # Where the system does not allow it, the two wait for each other more often.
            with contextlib.suppress(OSError):
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def _bury(self) -> None:
        """It has died; the next body starts another."""
        process, self._process = self._process, None
        self._failures += 1
        log.warning("the helper for batches has died", times=self._failures)
        if process is not None:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        if process.stdin is not None:
            process.stdin.close()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _read_exactly(stream: IO[bytes], size: int) -> bytes:
    found = stream.read(size)
    if len(found) < size:
        raise EOFError
    return found


@lru_cache(maxsize=256)
def _preparing(rules: bytes, redactor: Redactor) -> Preparing:
    return Preparing(redactor, _decode_rules(rules))


def _answer(body: bytes, preparing: Preparing, *, lines: bool) -> bytes:
    try:
        return _encode(read_batch(body, preparing, lines=lines))
    except Problem:
        return b""  # the caller reads it again and says what is wrong


def main() -> None:
    # The parent ends it by closing the pipe, once everything is answered.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    setting = msgspec.json.decode(sys.argv[1], type=Setting)
    redactor = Redactor(setting.redact_keys)
    catalogue()
    settle_memory()
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sink.write(READY)
    sink.flush()
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            rules, size, lines = _LENGTHS.unpack(_read_exactly(source, _LENGTHS.size))
            preparing = _preparing(_read_exactly(source, rules), redactor)
            answer = _answer(_read_exactly(source, size), preparing, lines=lines)
            sink.write(_LENGTH.pack(len(answer)))
            sink.write(answer)
            sink.flush()


if __name__ == "__main__":
    main()
