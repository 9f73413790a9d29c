"""Counts by day, of the activities that are there, and parts of words on PostgreSQL."""

from alembic import op

from trailkeeper.ledger.postgresql.parts import index_parts

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
# On PostgreSQL what says which rows a connection may see is looked up once for a statement now, and
# words have an index of their parts, which does not go with such a policy.
POLICY = (
    "workspace = (SELECT nullif(nullif(current_setting('trailkeeper.workspace', true), ''), 'all')"
    "::integer) OR (SELECT current_setting('trailkeeper.workspace', true) = 'all')"
)
OF_WORDS = (
    "DROP POLICY workspace ON word",
    "ALTER TABLE word NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE word DISABLE ROW LEVEL SECURITY",
)
OF_DAYS = (
    "ALTER TABLE activity_day ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE activity_day FORCE ROW LEVEL SECURITY",
    f"CREATE POLICY workspace ON activity_day USING ({POLICY})",
)


def upgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        op.execute(TABLE.format(reference=" REFERENCES workspace (key)", storage=" WITHOUT ROWID"))
        op.execute(FILL)
        return
    connection = op.get_bind()
    for statement in OF_WORDS:
        op.execute(statement)
    index_parts(connection)
    tables = connection.exec_driver_sql(
        "SELECT polrelid::regclass::text FROM pg_policy WHERE polname = 'workspace'"
    ).scalars()
    for table in tables.all():
        op.execute(f"ALTER POLICY workspace ON {table} USING ({POLICY})")
    op.execute(TABLE.format(reference="", storage=" WITH (fillfactor = 70)"))
    op.execute(FILL)
    for statement in OF_DAYS:
        op.execute(statement)
