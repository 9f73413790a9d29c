"""Single sign-on: a workspace's identity provider, and sessions that came by one."""

from alembic import op

revision = "0004"
down_revision = "0003"

STATEMENTS = (
    "ALTER TABLE session ADD COLUMN sso BOOLEAN NOT NULL DEFAULT 0",
    """
    CREATE TABLE workspace_sso (
        workspace INTEGER NOT NULL PRIMARY KEY REFERENCES workspace (key),
        enabled BOOLEAN NOT NULL,
        required BOOLEAN NOT NULL,
        issuer TEXT NOT NULL,
        client_id TEXT NOT NULL,
        secret_sealed BLOB,
        domains TEXT NOT NULL
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
