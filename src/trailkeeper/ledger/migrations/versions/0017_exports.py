"""Exports of the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_table(
        "audit_export",
        sa.Column("key", sa.Integer, primary_key=True),
        sa.Column("workspace", sa.Integer, sa.ForeignKey("workspace.key"), nullable=False),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("compression", sa.Text, nullable=False),
        sa.Column("direction", sa.Text, nullable=False),
        sa.Column("params", sa.Text, nullable=False),
        sa.Column("filter", sa.Text, nullable=False),
        sa.Column("end_seq", sa.BigInteger, nullable=False),
        sa.Column("requester", sa.Text, nullable=False),
        sa.Column("requested_at", sa.BigInteger, nullable=False),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("total", sa.BigInteger),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("worker", sa.Text),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
    )
    op.create_index(
        "ix_audit_export_workspace_requested_at", "audit_export", ["workspace", "requested_at"]
    )
    op.create_index("ix_audit_export_state", "audit_export", ["state"])
