"""The log of deliveries, and dead letters that are tried again."""

from alembic import op

revision = "0011"
down_revision = "0010"

STATEMENTS = (
    "ALTER TABLE dead_letter ADD COLUMN again BOOLEAN NOT NULL DEFAULT 0",
    "CREATE INDEX ix_dead_letter_again ON dead_letter (follower, seq) WHERE again",
    """
    CREATE TABLE delivery (
        follower INTEGER NOT NULL REFERENCES follower (key),
        number BIGINT NOT NULL,
        first_seq BIGINT NOT NULL,
        end_seq BIGINT NOT NULL,
        count INTEGER NOT NULL,
        bytes BIGINT,
        attempt INTEGER NOT NULL,
        started_at BIGINT NOT NULL,
        took_us BIGINT NOT NULL,
        outcome TEXT NOT NULL,
        error TEXT,
        PRIMARY KEY (follower, number)
    )
    """,
    """
    CREATE TABLE delivery_minute (
        follower INTEGER NOT NULL REFERENCES follower (key),
        minute BIGINT NOT NULL,
        delivered BIGINT NOT NULL,
        failed INTEGER NOT NULL,
        PRIMARY KEY (follower, minute)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
