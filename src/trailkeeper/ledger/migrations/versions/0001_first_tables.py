"""The first tables: ledger, dictionaries, identity.

The tables are written out, not taken from schema.py, so that this step stays what it was when the
schema moves on.
"""

from alembic import op

revision = "0001"
down_revision = None

TABLES = (
    """
    CREATE TABLE workspace (
        key INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL UNIQUE,
        created_at BIGINT NOT NULL,
        strict_actions BOOLEAN NOT NULL DEFAULT 0,
        next_seq BIGINT NOT NULL DEFAULT 0,
        last_received_at BIGINT NOT NULL DEFAULT 0
    )
    """,
    """
    CREATE TABLE activity (
        key INTEGER PRIMARY KEY,
        workspace INTEGER NOT NULL REFERENCES workspace (key),
        seq BIGINT NOT NULL,
        id TEXT NOT NULL,
        received_at BIGINT NOT NULL,
        action INTEGER NOT NULL,
        actor INTEGER NOT NULL,
        target INTEGER NOT NULL,
        content_hash BLOB NOT NULL,
        public BLOB NOT NULL,
        salt BLOB,
        personal BLOB,
        UNIQUE (workspace, seq),
        UNIQUE (workspace, id)
    )
    """,
    """
    CREATE VIRTUAL TABLE activity_index USING fts5(
        body, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2'
    )
    """,
    "INSERT INTO activity_index(activity_index, rank) VALUES ('automerge', 8)",
    """
    CREATE TABLE term (
        key INTEGER PRIMARY KEY,
        workspace INTEGER NOT NULL REFERENCES workspace (key),
        kind TEXT NOT NULL,
        value TEXT NOT NULL,
        UNIQUE (workspace, kind, value)
    )
    """,
    """
    CREATE TABLE entity (
        key INTEGER PRIMARY KEY,
        workspace INTEGER NOT NULL REFERENCES workspace (key),
        type TEXT NOT NULL,
        id TEXT NOT NULL,
        name TEXT,
        email TEXT,
        folded TEXT NOT NULL,
        named_at BIGINT NOT NULL,
        is_actor BOOLEAN NOT NULL,
        is_target BOOLEAN NOT NULL,
        UNIQUE (workspace, type, id)
    )
    """,
    "CREATE INDEX ix_entity_workspace_id ON entity (workspace, id)",
    "CREATE INDEX ix_entity_workspace_email ON entity (workspace, email)",
    "CREATE INDEX ix_entity_workspace_name ON entity (workspace, name)",
    """
    CREATE TABLE custom_action (
        workspace INTEGER NOT NULL REFERENCES workspace (key),
        name TEXT NOT NULL,
        version INTEGER NOT NULL,
        declaration TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        PRIMARY KEY (workspace, name, version)
    )
    """,
    """
    CREATE TABLE user (
        key INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        email TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        password_hash TEXT NOT NULL,
        created_at BIGINT NOT NULL
    )
    """,
    """
    CREATE TABLE member (
        workspace INTEGER NOT NULL REFERENCES workspace (key),
        user INTEGER NOT NULL REFERENCES user (key),
        role TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        PRIMARY KEY (workspace, user)
    )
    """,
    "CREATE INDEX ix_member_user ON member (user)",
    """
    CREATE TABLE session (
        token_hash BLOB NOT NULL PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        user INTEGER NOT NULL REFERENCES user (key),
        workspace INTEGER NOT NULL REFERENCES workspace (key),
        csrf TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL
    )
    """,
    "CREATE INDEX ix_session_user ON session (user)",
    """
    CREATE TABLE api_token (
        token_hash BLOB NOT NULL PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        workspace INTEGER NOT NULL REFERENCES workspace (key),
        name TEXT NOT NULL,
        scopes TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        expires_at BIGINT,
        revoked_at BIGINT
    )
    """,
    """
    CREATE TABLE source_state (
        workspace INTEGER NOT NULL REFERENCES workspace (key),
        source TEXT NOT NULL,
        state BLOB NOT NULL,
        PRIMARY KEY (workspace, source)
    )
    """,
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
