"""Streams send finished jobs, too: each has a second place, in the order of those."""

from alembic import op

revision = "0012"
down_revision = "0011"

STATEMENTS = (
    "ALTER TABLE follower ADD COLUMN log TEXT NOT NULL DEFAULT 'activities'",
    "ALTER TABLE follower ADD COLUMN revision INTEGER NOT NULL DEFAULT 0",
    # Jobs are sent from now on where they were asked for already. Such a stream goes on or stands
    # as it did for activities.
    """
    INSERT INTO follower (workspace, kind, log, id, name, revision, state, cursor, failures,
        retry_at, pause_reason, delivered, lease_owner, lease_until, created_at)
    SELECT s.workspace, 'stream_jobs', 'jobs', s.id, s.name, 0,
        CASE WHEN s.include_jobs THEN f.state ELSE 'paused' END, w.next_job_seq, 0, 0,
        CASE WHEN s.include_jobs THEN f.pause_reason ELSE 'job history is not included' END,
        0, '', 0, s.created_at
    FROM stream AS s
    JOIN workspace AS w ON w.key = s.workspace
    JOIN follower AS f ON f.workspace = s.workspace AND f.kind = 'stream' AND f.id = s.id
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
