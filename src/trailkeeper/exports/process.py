"""The process that writes the file of an export: `python -m trailkeeper.exports.process`.

An export is the work of one processor for as long as it takes; in the server's own process it would
hold the interpreter's lock against recording. The task comes on standard input, which stays open:
when it ends, the server has ended, and so does this process. What is written so far, and at last
the result, are lines of JSON on standard output.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from pathlib import Path

import msgspec
from msgspec import Struct

from trailkeeper.errors import StoreUnavailable
from trailkeeper.exports.kinds import Compression, Format
from trailkeeper.exports.write import TooLong, Written, write_export
from trailkeeper.ledger.dump import Dump, Order
from trailkeeper.ledger.home import home_of
from trailkeeper.ledger.older import Older
from trailkeeper.process import settle_memory
from trailkeeper.query.filters import Filter
from trailkeeper.settings import load_settings

SAY_EVERY_S = 0.5
NICENESS = 10
"""Requests go first."""


class Task(Struct, frozen=True, kw_only=True):
    """What to write, from where, to where. The file must not be there yet."""

    data: str
    database_url: str
    workspace: int
    asked: Filter
    order: Order
    end_seq: int
    format: Format
    compression: Compression
    file: str
    max_bytes: int


class Said(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far it is. At the end there is a hash, or an error."""

    count: int = 0
    bytes: int = 0
    total: int | None = None
    sha256: str | None = None
    error: str | None = None


encode = msgspec.json.Encoder().encode
decode_said = msgspec.json.Decoder(Said).decode
_decode_task = msgspec.json.Decoder(Task).decode


class _Saying:
    """Says how far it is, twice a second: by that the server knows, too, that it is still alive."""

    def __init__(self) -> None:
        self.total: int | None = None
        self._count = self._bytes = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def progress(self, count: int, size: int) -> None:
        self._count, self._bytes = count, size

    def last_word(self, said: Said) -> None:
        self._ended.set()
        self._thread.join()
        _say(said)

    def _loop(self) -> None:
        while not self._ended.wait(SAY_EVERY_S):
            _say(Said(count=self._count, bytes=self._bytes, total=self.total))


def _say(said: Said) -> None:
    sys.stdout.buffer.write(encode(said) + b"\n")
    sys.stdout.buffer.flush()


def _older(data: Path) -> Older | None:
    """What has left the database is in ClickHouse."""
    settings = load_settings(data)
    if not settings.clickhouse_url:
        return None
    # Most installations have none, and this process is to be small.
    from trailkeeper.clickhouse.connection import connection_of  # noqa: PLC0415
    from trailkeeper.clickhouse.joined import ClickHouseOlder  # noqa: PLC0415

    connection = connection_of(settings)
    return ClickHouseOlder(connection) if connection else None


def _write(task: Task, saying: _Saying) -> Written:
    data = Path(task.data)
    engine = home_of(data, task.database_url).reader_engine()
    dump = Dump(
        engine,
        task.workspace,
        task.asked,
        order=task.order,
        end_seq=task.end_seq,
        older=_older(data),
    )
    saying.total = dump.count()
    descriptor = os.open(task.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        written = write_export(
            dump,
            file,
            task.format,
            task.compression,
            progress=saying.progress,
            max_bytes=task.max_bytes,
        )
        file.flush()
        os.fsync(file.fileno())
    engine.dispose()
    return written


def _end_with_the_server() -> None:
    os.read(sys.stdin.fileno(), 1)  # nothing more comes; without a lock that the end would wait for
    os._exit(1)


def main() -> int:
    # The server ends it by closing the pipe.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    task = _decode_task(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    settle_memory()
    saying = _Saying()
    try:
        written = _write(task, saying)
    except TooLong as error:
        saying.last_word(Said(error=f"{error}; ask for less, or packed"))
    except OSError as error:
        saying.last_word(Said(error=f"The file could not be written: {error.strerror or error}"))
    except StoreUnavailable as error:
        saying.last_word(Said(error=f"{error}"))
    except Exception as error:
        saying.last_word(Said(error=f"The server could not do this ({type(error).__name__})"))
        raise
    else:
        saying.last_word(Said(count=written.count, bytes=written.bytes, sha256=written.sha256))
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
