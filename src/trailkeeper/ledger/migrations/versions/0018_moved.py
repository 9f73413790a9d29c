"""Which activities stand in ClickHouse only."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "moved",
        sa.Column("workspace", sa.Integer, sa.ForeignKey("workspace.key"), primary_key=True),
        sa.Column("before_key", sa.BigInteger, nullable=False),
        sa.Column("before_seq", sa.BigInteger, nullable=False),
        sa.Column("recount_before", sa.BigInteger),
    )
