"""Archives: where closed days are kept as Parquet files, and which of them are there."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "archive",
        sa.Column("key", sa.Integer, primary_key=True),
        sa.Column("workspace", sa.Integer, sa.ForeignKey("workspace.key"), nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("secrets_sealed", sa.LargeBinary),
        sa.Column("secrets_kept", sa.Text, nullable=False),
        sa.Column("keep_days", sa.Integer),
        sa.Column("closed_until", sa.BigInteger, nullable=False),
        sa.Column("closed_seq", sa.BigInteger, nullable=False),
        sa.Column("swept_at", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("workspace", name="uq_archive_workspace"),
        sa.UniqueConstraint("id", name="uq_archive_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "archive_day",
        sa.Column("archive", sa.Integer, sa.ForeignKey("archive.key"), primary_key=True),
        sa.Column("date", sa.Text, primary_key=True),
        sa.Column("first_seq", sa.BigInteger, nullable=False),
        sa.Column("end_seq", sa.BigInteger, nullable=False),
        sa.Column("manifest_sha256", sa.Text, nullable=False),
        sa.Column("written_at", sa.BigInteger, nullable=False),
        sa.Column("removing", sa.Boolean, nullable=False),
    )
    op.create_table(
        "archive_file",
        sa.Column("archive", sa.Integer, sa.ForeignKey("archive.key"), primary_key=True),
        sa.Column("first_seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("end_seq", sa.BigInteger, nullable=False),
        sa.Column("date", sa.Text, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("erased", sa.Integer, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("canonical_sha256", sa.Text, nullable=False),
        sa.Column("occurred_first", sa.BigInteger, nullable=False),
        sa.Column("occurred_last", sa.BigInteger, nullable=False),
        sa.Column("received_first", sa.BigInteger, nullable=False),
        sa.Column("received_last", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_archive_file_archive_date", "archive_file", ["archive", "date"])
