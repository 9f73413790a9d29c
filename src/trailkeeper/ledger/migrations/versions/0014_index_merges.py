"""The inverted index is tidied up after removals later.

A segment of it of which a tenth was removed would be merged at once: a month's removal set that off
for the largest one, and everybody who recorded something meanwhile waited for its pieces. Now it is
merged when half of it was removed, or when others of its size are.
"""

from alembic import op

revision = "0014"
down_revision = "0013"

STATEMENTS = ("INSERT INTO activity_index (activity_index, rank) VALUES ('deletemerge', 50)",)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
