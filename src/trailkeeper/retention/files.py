"""Removing the files of old packages, a step at a time, inside the writer's transaction.

A package's file is as old as the package, be that deleted or not. The package itself stays, with
the name, the size and the SHA-256 of its file.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, and_, delete, func, select, true

from trailkeeper.ledger.schema import asset, package_file
from trailkeeper.query.filters import Filter
from trailkeeper.retention.held import Holdable, held
from trailkeeper.retention.steps import Removed, Step, first_bytes

ROWS = Holdable(
    at=asset.c.created_at,
    target_type="package",
    target_id=asset.c.id,
    target_name=asset.c.name,
    text=(asset.c.name_key,),
    outcomes={"success": true()},
)


_WITH_FILES = asset.join(package_file, package_file.c.asset == asset.c.key)


def count_files(connection: Connection, workspace: int, before: int) -> int:
    """The files of packages of a workspace that were made before a time."""
    counted = select(func.count()).select_from(_WITH_FILES).where(_is_old(workspace, before))
    return connection.execute(counted).scalar_one()


def remove_files(
    connection: Connection,
    workspace: int,
    after: int,
    *,
    before: int,
    holds: list[Filter],
    limit: int,
) -> Step[int]:
    """Remove up to `limit` files of packages whose keys follow `after` and that were made before a
    time, but none that a hold holds."""
    found = connection.execute(
        select(
            asset.c.key,
            asset.c.created_at,
            held(holds, ROWS).label("held"),
            func.length(package_file.c.bytes).label("size"),
        )
        .select_from(_WITH_FILES)
        .where(_is_old(workspace, before), asset.c.key > after)
        .order_by(asset.c.key)
        .limit(limit)
    ).all()
    rows = first_bytes(found, lambda row: row.size)
    gone = [row for row in rows if not row.held]
    connection.execute(
        delete(package_file).where(package_file.c.asset.in_([row.key for row in gone]))
    )
    removed = Removed(
        len(gone),
        len(rows) - len(gone),
        min((row.created_at for row in gone), default=None),
        max((row.created_at for row in gone), default=None),
    )
    return Step(rows[-1].key if rows else None, removed)


def _is_old(workspace: int, before: int) -> ColumnElement[bool]:
    return and_(
        asset.c.workspace == workspace,
        asset.c.kind == "package",
        asset.c.created_at < before,
    )
