"""On SQLite an index of the words that are no hexadecimal number; see sqlite/search.py."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        op.execute(
            "CREATE INDEX ix_word_not_hex ON word (workspace, word) WHERE word GLOB '*[^0-9a-f]*'"
        )
