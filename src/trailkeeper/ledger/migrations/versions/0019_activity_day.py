"""Counts by day, of the activities that are there."""

from alembic import op

revision = "0019"
down_revision = "0018"

TABLE = """
    CREATE TABLE activity_day (
        workspace INTEGER NOT NULL{reference},
        day BIGINT NOT NULL,
        action INTEGER NOT NULL,
        failed BOOLEAN NOT NULL,
        count BIGINT NOT NULL,
        PRIMARY KEY (workspace, day, action, failed)
    ){storage}
"""
FILL = """
    INSERT INTO activity_day (workspace, day, action, failed, count)
    SELECT workspace, hour / 24, action, failed, sum(count)
    FROM activity_hour GROUP BY 1, 2, 3, 4
"""
POLICY = (
    "workspace = nullif(nullif(current_setting('trailkeeper.workspace', true), ''), 'all')::integer"
    " OR current_setting('trailkeeper.workspace', true) = 'all'"
)


def upgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        op.execute(TABLE.format(reference=" REFERENCES workspace (key)", storage=" WITHOUT ROWID"))
        op.execute(FILL)
        return
    op.execute(TABLE.format(reference="", storage=" WITH (fillfactor = 70)"))
    op.execute(FILL)
    op.execute("ALTER TABLE activity_day ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE activity_day FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY workspace ON activity_day USING ({POLICY})")
