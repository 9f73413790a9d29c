"""An installation: the data folder with its database and keys, opened for work."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.exc import OperationalError

from trailkeeper.catalogue import catalogue
from trailkeeper.identity.sessions import Sessions
from trailkeeper.identity.tokens import Tokens, still_holds
from trailkeeper.ledger.migrate import migrate
from trailkeeper.ledger.reader import Reader
from trailkeeper.ledger.recorder import Recorder
from trailkeeper.ledger.sqlite import DATABASE_FILE, reader_engine, writer_engine
from trailkeeper.ledger.writer import Writer
from trailkeeper.redaction import Redactor
from trailkeeper.settings import Settings, load_settings
from trailkeeper.team.access import Access
from trailkeeper.team.actions import Actions
from trailkeeper.team.workspaces import Workspaces

KEY_FILE = "secret.key"
CHECKPOINT_EVERY_UNITS = 500

log = structlog.get_logger()


class InstallationError(RuntimeError):
    """The data folder cannot be used as asked; the message says what to do."""


@dataclass(frozen=True)
class Installation:
    """Everything below the edge, ready."""

    data: Path
    settings: Settings
    secret: bytes
    engine: Any
    writer: Writer
    reader: Reader
    recorder: Recorder
    sessions: Sessions
    tokens: Tokens
    workspaces: Workspaces
    actions: Actions
    access: Access


def create(data: Path) -> None:
    """Make a data folder with an empty database and a new key.

    Raises InstallationError when there is an installation already: it is never overwritten.
    """
    if (data / DATABASE_FILE).exists():
        raise InstallationError(f"{data} holds an installation already; it was left as it is")
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = data / KEY_FILE
        if not key.exists():
            descriptor = os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(32))
    except OSError as error:
        raise InstallationError(f"{data} cannot be written: {error.strerror}") from None
    engine = writer_engine(data / DATABASE_FILE)
    migrate(engine)
    (data / DATABASE_FILE).chmod(0o600)
    engine.dispose()


@contextmanager
def opened(data: Path) -> Generator[Installation]:
    """Open an installation and close it in order: the writer's queue is worked off first.

    Raises InstallationError, SettingsError, SchemaError.
    """
    # msgspec builds what it knows of a struct at first use, which must not happen in two threads
    # at once; the catalogue is the one that is read late.
    catalogue()
    path = data / DATABASE_FILE
    if not path.exists():
        raise InstallationError(
            f"{data} holds no installation; make one with `trailkeeper init --data {data} …`"
        )
    settings = load_settings(data)
    try:
        secret = (data / KEY_FILE).read_bytes()
    except OSError as error:
        raise InstallationError(f"{data / KEY_FILE}: {error.strerror}") from None
    writing = writer_engine(path)
    try:
        migrate(writing)
    except OperationalError as error:
        raise InstallationError(f"The database {path} cannot be opened: {error.orig}") from None
    reading = reader_engine(path)
    checkpoints = _Checkpoints(writing)
    writer = Writer(
        writing,
        queue_max_bytes=settings.queue_max_bytes,
        queue_max_units=settings.queue_max_units,
        after_commit=checkpoints.committed,
        still_holds=still_holds,
    )
    recorder = Recorder(reading, Redactor(settings.redact_keys))
    try:
        yield Installation(
            data=data,
            settings=settings,
            secret=secret,
            engine=reading,
            writer=writer,
            reader=Reader(reading, secret),
            recorder=recorder,
            sessions=Sessions(reading, writer, recorder),
            tokens=Tokens(reading, writer, recorder),
            workspaces=Workspaces(reading, writer, recorder),
            actions=Actions(reading, writer, recorder),
            access=Access(writer, recorder),
        )
    finally:
        writer.close()
        checkpoints.close()
        reading.dispose()
        writing.dispose()


class _Checkpoints:
    """Moves the write-ahead log into the database in a thread, so that the writer seldom must."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self._units = 0
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._loop, name="checkpoints", daemon=True)
        self._thread.start()

    def committed(self, units: int) -> None:
        self._units += units
        if self._units >= CHECKPOINT_EVERY_UNITS:
            self._units = 0
            self._wake.set()

    def close(self) -> None:
        self._closing = True
        self._wake.set()
        self._thread.join()

    def _loop(self) -> None:
        with self._engine.connect() as connection:
            raw = connection.connection.driver_connection
            while True:
                self._wake.wait()
                self._wake.clear()
                if self._closing:
                    break
                with contextlib.suppress(Exception):  # it is tried again after more commits
                    raw.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
