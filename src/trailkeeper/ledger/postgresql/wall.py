"""Row-level security, the second wall between workspaces."""

from __future__ import annotations

POLICY = (
    "workspace = (SELECT nullif(nullif(current_setting('trailkeeper.workspace', true), ''), 'all')"
    "::integer) OR (SELECT current_setting('trailkeeper.workspace', true) = 'all')"
)
"""A connection that has not said which workspace it is in sees nothing; a writer is in `all`. As
queries of their own the settings are looked up once for a statement, not for each row."""


def wall(table: str) -> tuple[str, ...]:
    """The statements that let nobody see another workspace's rows, the owner neither."""
    return (
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY workspace ON {table} USING ({POLICY})",
    )
