"""The tables that PostgreSQL has in a form of its own.

The workspace stands first in every key, so that the tables can be spread by it. What is large is
partitioned by month (postgresql/partitions.py). Row-level security is the second wall between
workspaces: whoever has not said which one they are in sees nothing.
"""

from __future__ import annotations

from sqlalchemy import Connection

from trailkeeper.activity import now_us
from trailkeeper.ledger.postgresql.partitions import OLD, first_month, make_old
from trailkeeper.ledger.postgresql.parts import index_parts
from trailkeeper.ledger.postgresql.wall import wall

OWN: frozenset[str] = frozenset(
    {
        "activity",
        "activity_day",
        "activity_fresh",
        "activity_hour",
        "entity",
        "removed_activity",
        "term",
        "word",
    }
)
"""Tables of ledger/schema.py that `create` makes instead, or that PostgreSQL does not need."""

TEXT = 'text COLLATE "C"'

WALLED = ("activity", "activity_id", "activity_hour", "activity_day", "term", "entity")
"""Not `activity_index` and `word`: behind the wall their text indexes could not be used, since no
comparison of texts counts as leakproof. They have words and numbers, and give nothing but keys to
`activity`. Nor `moved`, which is asked over all workspaces and has nothing of an activity."""

STATEMENTS = (
    # A workspace's row is updated by every append to it.
    """
    ALTER TABLE workspace ADD COLUMN newest_key bigint NOT NULL DEFAULT -1,
        ADD COLUMN dictionary_version bigint NOT NULL DEFAULT 0, SET (fillfactor = 50)
    """,
    """
    CREATE TABLE ledger_state (
        only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
        units bigint NOT NULL DEFAULT 0
    ) WITH (fillfactor = 50)
    """,
    "INSERT INTO ledger_state DEFAULT VALUES",
    # Without foreign keys: who appends has locked the workspace, and checking each row costs more
    # than inserting it.
    f"""
    CREATE TABLE activity (
        workspace integer NOT NULL,
        key bigint NOT NULL,
        seq bigint NOT NULL,
        received_at bigint NOT NULL,
        action integer NOT NULL,
        actor integer NOT NULL,
        target integer NOT NULL,
        id {TEXT} NOT NULL,
        content_hash bytea NOT NULL,
        public bytea NOT NULL,
        salt bytea,
        personal bytea,
        PRIMARY KEY (workspace, key)
    ) PARTITION BY RANGE (key)
    """,
    "CREATE INDEX ix_activity_workspace_seq ON activity (workspace, seq)",
    # For ids that are made of another one (`<id>:…`).
    "CREATE INDEX ix_activity_derived ON activity (workspace, id) WHERE id LIKE '%%:%%'",
    """
    CREATE TABLE activity_index (
        workspace integer NOT NULL,
        key bigint NOT NULL,
        action integer NOT NULL,
        actor integer NOT NULL,
        target integer NOT NULL,
        failed boolean NOT NULL,
        words tsvector NOT NULL,
        PRIMARY KEY (workspace, key)
    ) PARTITION BY RANGE (key)
    """,
    "CREATE INDEX ix_activity_index_action ON activity_index (workspace, action, key)",
    "CREATE INDEX ix_activity_index_actor ON activity_index (workspace, actor, key)",
    "CREATE INDEX ix_activity_index_target ON activity_index (workspace, target, key)",
    "CREATE INDEX ix_activity_index_failed ON activity_index (workspace, key) WHERE failed",
    # What waits to be moved into the index is searched row by row: it is kept small.
    """
    CREATE INDEX ix_activity_index_words ON activity_index USING gin (words)
        WITH (fastupdate = on, gin_pending_list_limit = 512)
    """,
    """
    CREATE TABLE activity_id (
        workspace integer NOT NULL,
        id_key uuid NOT NULL,
        seq bigint NOT NULL,
        key bigint NOT NULL,
        received_at bigint NOT NULL,
        content_hash bytea NOT NULL,
        PRIMARY KEY (workspace, id_key)
    )
    """,
    # For the ids of activities that were removed on SQLite (ledger/postgresql/restore.py).
    "CREATE INDEX ix_activity_id_moved ON activity_id (workspace) WHERE key = -1",
    """
    CREATE TABLE activity_hour (
        workspace integer NOT NULL,
        hour bigint NOT NULL,
        action integer NOT NULL,
        failed boolean NOT NULL,
        count bigint NOT NULL,
        PRIMARY KEY (workspace, hour, action, failed)
    ) WITH (fillfactor = 70)
    """,
    """
    CREATE TABLE activity_day (
        workspace integer NOT NULL,
        day bigint NOT NULL,
        action integer NOT NULL,
        failed boolean NOT NULL,
        count bigint NOT NULL,
        PRIMARY KEY (workspace, day, action, failed)
    ) WITH (fillfactor = 70)
    """,
    # Words are searched for parts of them, one workspace's from end to end.
    f"""
    CREATE TABLE word (
        workspace integer NOT NULL,
        word {TEXT} NOT NULL,
        PRIMARY KEY (workspace, word)
    )
    """,
    f"""
    CREATE TABLE term (
        workspace integer NOT NULL REFERENCES workspace (key),
        key integer GENERATED BY DEFAULT AS IDENTITY,
        kind {TEXT} NOT NULL,
        value {TEXT} NOT NULL,
        PRIMARY KEY (workspace, key),
        UNIQUE (workspace, kind, value)
    )
    """,
    f"""
    CREATE TABLE entity (
        workspace integer NOT NULL REFERENCES workspace (key),
        key integer GENERATED BY DEFAULT AS IDENTITY,
        type {TEXT} NOT NULL,
        id {TEXT} NOT NULL,
        name {TEXT},
        email {TEXT},
        folded {TEXT} NOT NULL,
        named_at bigint NOT NULL,
        is_actor boolean NOT NULL,
        is_target boolean NOT NULL,
        is_aside boolean NOT NULL DEFAULT false,
        PRIMARY KEY (workspace, key),
        UNIQUE (workspace, type, id)
    ) WITH (fillfactor = 80)
    """,
    "CREATE INDEX ix_entity_workspace_id ON entity (workspace, id)",
    # By hash, since names may be longer than an entry of a B-tree.
    "CREATE INDEX ix_entity_email ON entity USING hash (email)",
    "CREATE INDEX ix_entity_name ON entity USING hash (name)",
)


def create(connection: Connection) -> None:
    """Make them, once all others are there."""
    for statement in STATEMENTS:
        connection.exec_driver_sql(statement)
    index_parts(connection)
    make_old(connection, first_month(now_us()))
    for table in (*WALLED, OLD.format("activity")):
        for statement in wall(table):
            connection.exec_driver_sql(statement)


INSTALLATION = """
CREATE TABLE installation (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    id text NOT NULL,
    key_check bytea NOT NULL
)
"""
"""Which installation the database holds (see home.py)."""
