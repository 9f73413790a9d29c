"""The newest rows of the inverted index get a table of their own."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("CREATE TABLE activity_fresh (key INTEGER PRIMARY KEY, body TEXT NOT NULL)")
