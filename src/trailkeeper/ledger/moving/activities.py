"""Moving the activities of each workspace, in order of their seqs."""

from __future__ import annotations

from functools import partial

import msgspec
from sqlalchemy import Connection, Table, func, insert, select

from trailkeeper.catalogue import catalogue
from trailkeeper.catalogue.details import CustomAction
from trailkeeper.catalogue.spec import humanise
from trailkeeper.ledger.moving.progress import Progress
from trailkeeper.ledger.moving.reindex import Label, recorded
from trailkeeper.ledger.moving.tables import Tell
from trailkeeper.ledger.postgresql.engine import adapted
from trailkeeper.ledger.postgresql.restore import Recorded, Restorer
from trailkeeper.ledger.schema import (
    activity,
    activity_day,
    activity_hour,
    custom_action,
    removed_activity,
    workspace,
)

BATCH_ROWS = 1_000
BATCH_BYTES = 8 * 1024 * 1024

_decode_custom = msgspec.json.Decoder(CustomAction).decode


def move_activities(source: Connection, target: Connection, tell: Tell) -> None:
    """Copy what is not there yet. Each step is one transaction of `target`."""
    restorer = Restorer(adapted(target))
    for key, name in source.execute(select(workspace.c.key, workspace.c.name)).all():
        for table in (activity_hour, activity_day):
            _move_counts(source, target, table, key)
        _move_removed(source, target, restorer, key)
        _move_workspace(source, target, restorer, key, partial(_tell_of, tell, name))


def _tell_of(tell: Tell, name: str, said: str) -> None:
    tell(f"{name}: {said}")


def _move_workspace(
    source: Connection, target: Connection, restorer: Restorer, key: int, tell: Tell
) -> None:
    progress, part = Progress(target), f"activities {key}"
    label = _labels(source, key)
    count = source.execute(
        select(func.count()).select_from(activity).where(activity.c.workspace == key)
    ).scalar_one()
    position = progress.position(part)
    while True:
        rows = source.execute(
            select(activity)
            .where(activity.c.workspace == key, activity.c.seq > position)
            .order_by(activity.c.seq)
            .limit(BATCH_ROWS)
        )
        batch: list[Recorded] = []
        size = 0
        for row in rows:
            batch.append(recorded(row, label))
            position = row.seq
            size += len(row.public) + len(row.personal or b"")
            if size > BATCH_BYTES:
                break
        rows.close()
        if not batch:
            return
        target.exec_driver_sql("BEGIN")
        restorer.restore(key, batch)
        progress.keep(part, position)
        target.exec_driver_sql("COMMIT")
        tell(f"activities up to seq {position}, of {count} in all")


def _move_counts(source: Connection, target: Connection, table: Table, key: int) -> None:
    progress, part = Progress(target), f"{table.name} {key}"
    if progress.position(part) >= 0:
        return
    asked = select(table).where(table.c.workspace == key)
    rows = [dict(row) for row in source.execute(asked).mappings()]
    target.exec_driver_sql("BEGIN")
    if rows:
        target.execute(insert(table), rows)
    progress.keep(part, 0)
    target.exec_driver_sql("COMMIT")


def _move_removed(source: Connection, target: Connection, restorer: Restorer, key: int) -> None:
    progress, part = Progress(target), f"removed_activity {key}"
    table = removed_activity
    position = progress.position(part)
    while True:
        # A fingerprint is no number: the position counts rows, in the order of the primary key.
        batch = source.execute(
            select(table.c.fingerprint, table.c.seq, table.c.received_at, table.c.content_hash)
            .where(table.c.workspace == key)
            .order_by(table.c.fingerprint)
            .limit(BATCH_ROWS)
            .offset(max(position, 0))
        ).all()
        if not batch:
            return
        position = max(position, 0) + len(batch)
        target.exec_driver_sql("BEGIN")
        restorer.restore_removed(key, [tuple(row) for row in batch])
        progress.keep(part, position)
        target.exec_driver_sql("COMMIT")


def _labels(source: Connection, key: int) -> Label:
    """What the search knows the actions of a workspace by."""
    rows = source.execute(
        select(custom_action.c.name, custom_action.c.declaration)
        .where(custom_action.c.workspace == key)
        .order_by(custom_action.c.version)
    ).all()
    custom = {name: _decode_custom(declaration).label for name, declaration in rows}

    def label(action: str) -> str:
        if action in custom:
            return custom[action]
        spec = catalogue().get(action)
        return spec.display if spec else humanise(action)

    return label
