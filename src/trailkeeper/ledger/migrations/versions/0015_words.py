"""The words of each workspace's log, to search for parts of them.

Those of what is there already are taken from the inverted index, which does not know whose they
are: every workspace gets all of them. What its own log does not have is removed with the first old
activities (see retention/sweeper.py).
"""

from alembic import op

revision = "0015"
down_revision = "0014"

# Between the two lie the tokens of ledger/index.py.
STATEMENTS = (
    """
    CREATE TABLE word (
        workspace INTEGER NOT NULL,
        word TEXT NOT NULL,
        CONSTRAINT pk_word PRIMARY KEY (workspace, word),
        CONSTRAINT fk_word_workspace FOREIGN KEY(workspace) REFERENCES workspace ("key")
    ) WITHOUT ROWID
    """,
    "INSERT INTO activity_index (rowid, body) SELECT key, body FROM activity_fresh ORDER BY key",
    "DELETE FROM activity_fresh",
    "CREATE VIRTUAL TABLE activity_word USING fts5vocab(activity_index, 'row')",
    """
    INSERT INTO word (workspace, word)
        SELECT workspace.key, term FROM workspace CROSS JOIN activity_word
        WHERE (term < char(57344) OR term >= char(63744))
            AND EXISTS (SELECT 1 FROM activity WHERE activity.workspace = workspace.key)
    """,
    "DROP TABLE activity_word",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
