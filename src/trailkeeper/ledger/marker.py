"""The file in a data folder that says in which PostgreSQL database its installation is."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec import Struct

MARKER_FILE = "database"


class DatabaseError(RuntimeError):
    """The database cannot be used as asked; the message is one line, says what to do, and holds no
    password."""


class Marker(Struct, frozen=True):
    """What the data folder knows of its database; `at` is for messages."""

    installation: str
    at: str


def read_marker(data: Path) -> Marker | None:
    """The data folder's marker, if its installation is on PostgreSQL. Raises DatabaseError."""
    file = data / MARKER_FILE
    try:
        return msgspec.json.decode(file.read_bytes(), type=Marker)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise DatabaseError(f"{file} cannot be read: {error}") from None


def write_marker(data: Path, marker: Marker) -> None:
    """On disk when it returns. Raises DatabaseError."""
    file = data / MARKER_FILE
    new = data / f".{MARKER_FILE}.new"
    try:
        with new.open("wb") as writing:
            new.chmod(0o600)
            writing.write(msgspec.json.encode(marker) + b"\n")
            writing.flush()
            os.fsync(writing.fileno())
        new.replace(file)
        sync_folder(data)
    except OSError as error:
        raise DatabaseError(f"{file} cannot be written: {error.strerror}") from None


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
