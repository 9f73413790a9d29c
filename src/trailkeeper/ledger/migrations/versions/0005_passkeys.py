"""Passkeys as a second factor."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE passkey (
            key INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            user INTEGER NOT NULL REFERENCES user (key),
            credential_id BLOB NOT NULL UNIQUE,
            public_key BLOB NOT NULL,
            sign_count BIGINT NOT NULL,
            name TEXT NOT NULL,
            created_at BIGINT NOT NULL,
            last_used_at BIGINT
        )
        """
    )
    op.execute("CREATE INDEX ix_passkey_user ON passkey (user)")
