"""DuckDB, locked down: it reads the files it is given and nothing else, in so much memory and time.

https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator
from importlib import import_module
from pathlib import Path
from typing import Any

from trailkeeper.errors import ArchiveUnavailable

THREADS = 2
MEMORY = "512MB"
LONGEST_S = 60.0
"""All statements of one search; they are broken off then."""

AT_ONCE = 4
WAIT_S = 20.0

_CONFIG = {
    "threads": THREADS,
    "memory_limit": MEMORY,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_unsigned_extensions": False,
    "temp_directory": "",
}
_turns = threading.BoundedSemaphore(AT_ONCE)


class Engine:
    """Runs statements over these files."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def rows(self, statement: str, values: list[Any]) -> list[tuple[Any, ...]]:
        """Raises ArchiveUnavailable where it takes too long, too much memory, or a file cannot be
        read."""
        duckdb: Any = import_module("duckdb")
        try:
            return self._connection.execute(statement, values).fetchall()
        except duckdb.InterruptException:
            raise ArchiveUnavailable(
                f"The search took more than {LONGEST_S:.0f} seconds:"
                " ask for a shorter range of time"
            ) from None
        except duckdb.OutOfMemoryException:
            raise ArchiveUnavailable(
                f"The search needs more than {MEMORY} of memory: ask for a shorter range of time"
            ) from None
        except (duckdb.IOException, duckdb.InvalidInputException) as error:
            first = str(error).partition("\n")[0][:300]
            raise ArchiveUnavailable(f"A file of the archive cannot be read: {first}") from None


@contextlib.contextmanager
def engine(paths: list[Path]) -> Generator[Engine]:
    """For these files. Few work at a time; others wait. Raises ArchiveUnavailable."""
    if not _turns.acquire(timeout=WAIT_S):
        raise ArchiveUnavailable("Too many searches of archives are under way: try again later")
    try:
        connection: Any = import_module("duckdb").connect(":memory:", config=_CONFIG)
        try:
            allowed = ", ".join(_quoted(str(path)) for path in paths)
            connection.execute(f"SET allowed_paths = [{allowed}]")
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            timer = threading.Timer(LONGEST_S, connection.interrupt)
            timer.daemon = True
            timer.start()
            try:
                yield Engine(connection)
            finally:
                timer.cancel()
        finally:
            connection.close()
    finally:
        _turns.release()


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
