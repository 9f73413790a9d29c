"""Job history."""

from alembic import op

revision = "0010"
down_revision = "0009"

STATEMENTS = (
    "ALTER TABLE workspace ADD COLUMN next_job_seq BIGINT NOT NULL DEFAULT 0",
    """
    CREATE TABLE job (
        key INTEGER PRIMARY KEY,
        workspace INTEGER NOT NULL REFERENCES workspace (key),
        id TEXT NOT NULL,
        id_is_number BOOLEAN NOT NULL,
        recipe_id TEXT NOT NULL,
        recipe_name TEXT,
        status TEXT NOT NULL,
        state TEXT NOT NULL,
        is_test BOOLEAN NOT NULL,
        started_at BIGINT NOT NULL,
        completed_at BIGINT,
        received_at BIGINT NOT NULL,
        seq BIGINT,
        error_type TEXT,
        title TEXT,
        error TEXT,
        folded TEXT NOT NULL,
        body BLOB NOT NULL,
        UNIQUE (workspace, id),
        UNIQUE (workspace, seq)
    )
    """,
    "CREATE INDEX ix_job_workspace_state_started_at ON job (workspace, state, started_at)",
    """
    CREATE INDEX ix_job_workspace_recipe_id_state_started_at
    ON job (workspace, recipe_id, state, started_at)
    """,
    """
    CREATE TABLE job_lines (
        job INTEGER PRIMARY KEY REFERENCES job (key),
        count INTEGER NOT NULL,
        raw_bytes BIGINT NOT NULL,
        digest BLOB NOT NULL,
        packed BLOB NOT NULL
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
