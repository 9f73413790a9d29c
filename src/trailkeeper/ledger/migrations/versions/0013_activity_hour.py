"""Counts by hour, of the activities that are there."""

from alembic import op

revision = "0013"
down_revision = "0012"

STATEMENTS = (
    """
    CREATE TABLE activity_hour (
        workspace INTEGER NOT NULL REFERENCES workspace (key),
        hour BIGINT NOT NULL,
        action INTEGER NOT NULL,
        failed BOOLEAN NOT NULL,
        count BIGINT NOT NULL,
        PRIMARY KEY (workspace, hour, action, failed)
    ) WITHOUT ROWID
    """,
    # A key is the time in microseconds times 1,024.
    """
    INSERT INTO activity_hour (workspace, hour, action, failed, count)
    SELECT workspace, key / (3600000000 * 1024), action,
        json_extract(CAST(public AS TEXT), '$.outcome') = 'failure', count(*)
    FROM activity GROUP BY 1, 2, 3, 4
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
