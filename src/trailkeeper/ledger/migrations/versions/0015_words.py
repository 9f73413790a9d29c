"""The words of the inverted index can be listed, to search for parts of them."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    # On PostgreSQL they are a table, made with the first revision that it has.
    if op.get_context().dialect.name == "sqlite":
        op.execute("CREATE VIRTUAL TABLE activity_word USING fts5vocab(activity_index, 'row')")
