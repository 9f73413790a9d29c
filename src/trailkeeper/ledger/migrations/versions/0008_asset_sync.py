"""Which assets came from files."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE asset_sync (
            asset INTEGER NOT NULL PRIMARY KEY REFERENCES asset (key),
            workspace INTEGER NOT NULL REFERENCES workspace (key),
            identity TEXT NOT NULL,
            UNIQUE (workspace, identity)
        )
        """
    )
