"""The asset registry."""

from alembic import op

revision = "0007"
down_revision = "0006"

STATEMENTS = (
    "ALTER TABLE workspace ADD COLUMN next_asset_id BIGINT NOT NULL DEFAULT 10001",
    """
    CREATE TABLE asset (
        key INTEGER PRIMARY KEY,
        workspace INTEGER NOT NULL REFERENCES workspace (key),
        id TEXT NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        name_key TEXT NOT NULL,
        folder INTEGER REFERENCES asset (key),
        parent INTEGER REFERENCES asset (key),
        place INTEGER GENERATED ALWAYS AS (coalesce(folder, parent, 0)) VIRTUAL,
        state TEXT,
        version INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        public BOOLEAN NOT NULL DEFAULT 0,
        content TEXT NOT NULL,
        secrets_sealed BLOB,
        created_at BIGINT NOT NULL,
        created_by TEXT,
        updated_at BIGINT NOT NULL,
        deleted_at BIGINT,
        UNIQUE (workspace, id)
    )
    """,
    """
    CREATE UNIQUE INDEX uq_asset_live_name ON asset (workspace, kind, place, name_key)
    WHERE deleted_at IS NULL
    """,
    "CREATE INDEX ix_asset_workspace_kind ON asset (workspace, kind)",
    "CREATE INDEX ix_asset_workspace_kind_name_key ON asset (workspace, kind, name_key)",
    "CREATE INDEX ix_asset_workspace_place ON asset (workspace, place)",
    """
    CREATE TABLE asset_version (
        asset INTEGER NOT NULL REFERENCES asset (key),
        version INTEGER NOT NULL,
        name TEXT NOT NULL,
        content TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        author_id TEXT,
        author_name TEXT,
        PRIMARY KEY (asset, version)
    )
    """,
    """
    CREATE TABLE package_file (
        asset INTEGER NOT NULL PRIMARY KEY REFERENCES asset (key),
        bytes BLOB NOT NULL
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
