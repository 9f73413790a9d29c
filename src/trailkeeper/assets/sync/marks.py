"""Which assets came from files: only those are ever deleted by a sync."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from trailkeeper.ledger.schema import asset_sync


def of(connection: Connection, workspace: int) -> dict[int, str]:
    """What the marked assets of a workspace are known by, by their keys in the database."""
    rows = connection.execute(
        select(asset_sync.c.asset, asset_sync.c.identity).where(asset_sync.c.workspace == workspace)
    )
    return {row.asset: row.identity for row in rows}


def put(connection: Connection, workspace: int, asset: int, identity: str) -> None:
    """Mark an asset; whatever was known by that before is not any more."""
    connection.execute(
        delete(asset_sync).where(
            asset_sync.c.workspace == workspace,
            (asset_sync.c.identity == identity) | (asset_sync.c.asset == asset),
        )
    )
    connection.execute(
        insert(asset_sync).values(asset=asset, workspace=workspace, identity=identity)
    )


def drop(connection: Connection, workspace: int, asset: int) -> None:
    """Take an asset's mark away."""
    connection.execute(
        delete(asset_sync).where(asset_sync.c.workspace == workspace, asset_sync.c.asset == asset)
    )
