"""Moving an installation: from the first look to the switch of its data folder.

It can be killed at any moment and started again: what was committed on PostgreSQL stays, and is not
done twice. Until all is verified the SQLite file is the installation; then, in this order, the new
database says which installation it is, the folder does, and the SQLite file is put aside.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text

from trailkeeper.ledger.marker import DatabaseError, Marker, read_marker, write_marker
from trailkeeper.ledger.migrate import migrate
from trailkeeper.ledger.moving import source as sources
from trailkeeper.ledger.moving.activities import move_activities
from trailkeeper.ledger.moving.progress import Progress
from trailkeeper.ledger.moving.source import Moving
from trailkeeper.ledger.moving.tables import (
    PLAIN,
    Tell,
    add_own_references,
    drop_own_references,
    move_table,
    set_newest_keys,
    set_sequences,
)
from trailkeeper.ledger.moving.verify import Verified, verify
from trailkeeper.ledger.postgresql.address import shown
from trailkeeper.ledger.postgresql.home import PostgresqlHome, key_check
from trailkeeper.ledger.sqlite import DATABASE_FILE


def move(data: Path, url: str, secret: bytes, lock: Path, tell: Tell) -> Verified | None:
    """Move all, or what is left to move; None where only the switch was left.

    Raises DatabaseError: a server runs, the new database is not empty, something is not the same.
    """
    home = PostgresqlHome(data, url)
    home.refuse_unsuitable()
    if not (data / DATABASE_FILE).exists() and sources.read_moving(data) is None:
        raise DatabaseError(
            f"{data} holds no installation on SQLite"
            + (f"; it is in {marker.at} already" if (marker := read_marker(data)) else "")
        )
    with sources.nobody_else(lock):
        moving = sources.begin_moving(data, shown(url))
        engine = home.writer_engine()
        try:
            migrate(engine)
            with engine.connect() as target:
                verified = None
                if _installed(target) != moving.installation:
                    verified = _copy(data, target, moving, secret, tell)
                _switch(data, target, moving)
        finally:
            engine.dispose()
    return verified


def give_up(data: Path, lock: Path) -> None:
    """Let the SQLite installation be used again. The new database is left as it is. Raises
    DatabaseError when it is the installation already."""
    with sources.nobody_else(lock):
        if sources.read_moving(data) is None:
            raise DatabaseError(f"{data} is not being moved")
        if read_marker(data) is not None:
            raise DatabaseError(f"{data} is moved; run the command once more to finish that")
        sources.end_moving(data)


def _copy(data: Path, target: Connection, moving: Moving, secret: bytes, tell: Tell) -> Verified:
    with sources.frozen(data) as source:
        progress = Progress(target)
        target.exec_driver_sql("BEGIN")
        progress.begin(moving.installation, moving.to)
        drop_own_references(target)
        target.exec_driver_sql("COMMIT")
        for table in PLAIN:
            move_table(source, target, table, tell)
        move_activities(source, target, tell)
        target.exec_driver_sql("BEGIN")
        set_sequences(source, target)
        set_newest_keys(target)
        target.exec_driver_sql("COMMIT")
        target.exec_driver_sql("ANALYZE")
        verified = verify(source, target, tell)
        target.exec_driver_sql("BEGIN")
        add_own_references(target)
        target.execute(
            text("INSERT INTO installation (id, key_check) VALUES (:id, :key_check)"),
            {"id": moving.installation, "key_check": key_check(secret, moving.installation)},
        )
        target.exec_driver_sql("COMMIT")
        return verified


def _switch(data: Path, target: Connection, moving: Moving) -> None:
    """Each step may have been done before."""
    write_marker(data, Marker(moving.installation, moving.to))
    sources.put_aside(data)
    target.exec_driver_sql("BEGIN")
    Progress(target).drop()
    target.exec_driver_sql("COMMIT")
    sources.end_moving(data)


def _installed(target: Connection) -> str | None:
    return target.execute(text("SELECT id FROM installation")).scalar()
