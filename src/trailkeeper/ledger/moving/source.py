"""The SQLite installation that is moved: nobody changes it from the first row to the last."""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from trailkeeper.ledger.marker import DatabaseError, sync_folder
from trailkeeper.ledger.migrate import migrate
from trailkeeper.ledger.sqlite import DATABASE_FILE, writer_engine

MOVING_FILE = "moving"
MOVED_SUFFIX = ".moved"


class Moving(Struct, frozen=True):
    """That a folder is being moved, and where to; `installation` is its id there."""

    installation: str
    to: str


def read_moving(data: Path) -> Moving | None:
    """Raises DatabaseError."""
    file = data / MOVING_FILE
    try:
        return msgspec.json.decode(file.read_bytes(), type=Moving)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise DatabaseError(f"{file} cannot be read: {error}") from None


def refuse_moving(data: Path) -> None:
    """Refuse to open a folder that is being moved. Raises DatabaseError."""
    if (moving := read_moving(data)) is not None:
        raise DatabaseError(
            f"{data} is being moved to {moving.to}; run `trailkeeper migrate-store` once more to"
            " finish that, or give it up with `--give-up`"
        )


def begin_moving(data: Path, to: str) -> Moving:
    """Keep everybody else from opening the folder until it is moved, or given up. Again for the
    same database it is the same moving; for another one it is refused."""
    there = read_moving(data)
    if there is not None:
        if there.to != to:
            raise DatabaseError(
                f"{data} is being moved to {there.to} already; finish that, or give it up with"
                f" `trailkeeper migrate-store --data {data} --give-up`"
            )
        return there
    moving = Moving(str(uuid.uuid4()), to)
    new = data / f".{MOVING_FILE}.new"
    with new.open("wb") as file:
        file.write(msgspec.json.encode(moving) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(data / MOVING_FILE)
    sync_folder(data)
    return moving


def end_moving(data: Path) -> None:
    (data / MOVING_FILE).unlink(missing_ok=True)
    sync_folder(data)


@contextmanager
def nobody_else(lock: Path) -> Generator[None]:
    """While no server runs, and none starts its followers. Raises DatabaseError."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DatabaseError(
                f"A server runs on {lock.parent}, or it is being moved; stop that first"
            ) from None
        yield
    finally:
        os.close(descriptor)


@contextmanager
def frozen(data: Path) -> Generator[Connection]:
    """The database with all that was committed, and nobody who commits more."""
    engine = writer_engine(data / DATABASE_FILE)
    try:
        migrate(engine)
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                _refuse_what_is_elsewhere(connection, data)
                yield connection
            finally:
                connection.exec_driver_sql("ROLLBACK")
    finally:
        engine.dispose()


def _refuse_what_is_elsewhere(connection: Connection, data: Path) -> None:
    """Only what stands in the database can be compared with what was moved."""
    if connection.exec_driver_sql("SELECT 1 FROM moved").first():
        raise DatabaseError(
            f"Older activities of {data} stand in ClickHouse only, and such an installation cannot"
            f" be moved; go on with `trailkeeper migrate-store --data {data} --give-up`"
        )


def put_aside(data: Path) -> None:
    """Rename the SQLite file, whole, so that it is not taken for the installation any more."""
    file = data / DATABASE_FILE
    if not file.exists():
        return
    engine = writer_engine(file)
    with engine.connect() as connection:
        # All that is in the write-ahead log goes into the file, which then stands alone.
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    engine.dispose()
    file.rename(data / f"{DATABASE_FILE}{MOVED_SUFFIX}")
    for suffix in ("-wal", "-shm"):
        (data / f"{DATABASE_FILE}{suffix}").unlink(missing_ok=True)
    sync_folder(data)
