"""Account and team: roles, invitations, two-factor, delegated admins, notifications, stream."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    "ALTER TABLE user ADD COLUMN totp_sealed BLOB",
    "ALTER TABLE user ADD COLUMN totp_last_step BIGINT",
    "ALTER TABLE session ADD COLUMN acting_for INTEGER REFERENCES user (key)",
    "ALTER TABLE session ADD COLUMN ip_address TEXT",
    "ALTER TABLE session ADD COLUMN user_agent TEXT",
    "ALTER TABLE api_token ADD COLUMN user INTEGER REFERENCES user (key)",
    "ALTER TABLE api_token ADD COLUMN last_used_at BIGINT",
    "CREATE INDEX ix_api_token_workspace ON api_token (workspace)",
    "CREATE INDEX ix_api_token_user ON api_token (user)",
    "ALTER TABLE workspace ADD COLUMN require_two_factor BOOLEAN NOT NULL DEFAULT 0",
    "ALTER TABLE workspace ADD COLUMN error_emails TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE workspace ADD COLUMN error_throttling BOOLEAN NOT NULL DEFAULT 1",
    """
    CREATE TABLE recovery_code (
        user INTEGER NOT NULL REFERENCES user (key),
        code_hash BLOB NOT NULL,
        used_at BIGINT,
        PRIMARY KEY (user, code_hash)
    )
    """,
    """
    CREATE TABLE one_time_link (
        token_hash BLOB NOT NULL PRIMARY KEY,
        purpose TEXT NOT NULL,
        user INTEGER NOT NULL REFERENCES user (key),
        email TEXT,
        created_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL
    )
    """,
    "CREATE INDEX ix_one_time_link_user ON one_time_link (user)",
    """
    CREATE TABLE role (
        workspace INTEGER NOT NULL REFERENCES workspace (key),
        id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        privileges TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        PRIMARY KEY (workspace, name)
    )
    """,
    """
    CREATE TABLE invitation (
        key INTEGER PRIMARY KEY,
        workspace INTEGER NOT NULL REFERENCES workspace (key),
        id TEXT NOT NULL UNIQUE,
        token_hash BLOB NOT NULL UNIQUE,
        email TEXT NOT NULL,
        role TEXT NOT NULL,
        invited_by INTEGER REFERENCES user (key),
        created_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL,
        UNIQUE (workspace, email)
    )
    """,
    """
    CREATE TABLE delegated_admin (
        workspace INTEGER NOT NULL REFERENCES workspace (key),
        user INTEGER NOT NULL REFERENCES user (key),
        acting_for INTEGER NOT NULL REFERENCES user (key),
        password_hash TEXT,
        created_at BIGINT NOT NULL,
        PRIMARY KEY (workspace, user)
    )
    """,
    """
    CREATE TABLE notification_sent (
        workspace INTEGER NOT NULL REFERENCES workspace (key),
        subject TEXT NOT NULL,
        sent_at BIGINT NOT NULL,
        PRIMARY KEY (workspace, subject)
    )
    """,
    """
    CREATE TABLE audit_stream (
        workspace INTEGER NOT NULL PRIMARY KEY REFERENCES workspace (key),
        enabled BOOLEAN NOT NULL,
        include_jobs BOOLEAN NOT NULL,
        include_job_steps BOOLEAN NOT NULL,
        include_login_activity BOOLEAN NOT NULL,
        destination TEXT,
        settings TEXT NOT NULL,
        secrets_sealed BLOB
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
