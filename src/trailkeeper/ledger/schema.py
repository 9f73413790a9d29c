"""The tables, as SQLAlchemy Core knows them. Times are microseconds since 1970 UTC."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

workspace = Table(
    "workspace",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("strict_actions", Boolean, nullable=False, default=False),
    Column("next_seq", BigInteger, nullable=False, default=0),
    Column("last_received_at", BigInteger, nullable=False, default=0),
)

activity = Table(
    "activity",
    metadata,
    Column("key", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("workspace", Integer, ForeignKey("workspace.key"), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("id", Text, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("action", Integer, nullable=False),
    Column("actor", Integer, nullable=False),
    Column("target", Integer, nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
    Column("public", LargeBinary, nullable=False),
    Column("salt", LargeBinary),
    Column("personal", LargeBinary),
    UniqueConstraint("workspace", "seq"),
    UniqueConstraint("workspace", "id"),
)
"""`key` is unique in the database and ordered by `occurred_at`, then `seq`; the inverted index
`activity_index` has the same (an FTS5 table, see ledger/index.py, made by the migrations). `public`
and `personal` are the canonical bytes, kept as they were written."""

term = Table(
    "term",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("workspace", Integer, ForeignKey("workspace.key"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),
    UniqueConstraint("workspace", "kind", "value"),
)
"""The dictionary of actions, target types, environments and sources seen in a workspace."""

entity = Table(
    "entity",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("workspace", Integer, ForeignKey("workspace.key"), nullable=False),
    Column("type", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("name", Text),
    Column("email", Text),
    Column("folded", Text, nullable=False),
    Column("named_at", BigInteger, nullable=False),
    Column("is_actor", Boolean, nullable=False),
    Column("is_target", Boolean, nullable=False),
    UniqueConstraint("workspace", "type", "id"),
    Index(None, "workspace", "id"),
    Index(None, "workspace", "email"),
    Index(None, "workspace", "name"),
)
"""The dictionary of actors and targets, with their latest names; it serves the pickers."""

custom_action = Table(
    "custom_action",
    metadata,
    Column("workspace", Integer, ForeignKey("workspace.key"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("declaration", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

user = Table(
    "user",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
"""People who can log in; `email` is kept in lower case."""

member = Table(
    "member",
    metadata,
    Column("workspace", Integer, ForeignKey("workspace.key"), primary_key=True),
    Column("user", Integer, ForeignKey("user.key"), primary_key=True),
    Column("role", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index(None, "user"),
)

session = Table(
    "session",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("user", Integer, ForeignKey("user.key"), nullable=False),
    Column("workspace", Integer, ForeignKey("workspace.key"), nullable=False),
    Column("csrf", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index(None, "user"),
)
"""Only the SHA-256 of a session's cookie is kept; `id` is its name in the log."""

api_token = Table(
    "api_token",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("workspace", Integer, ForeignKey("workspace.key"), nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
)
"""Only the SHA-256 of a token is kept; `scopes` is separated by spaces."""

source_state = Table(
    "source_state",
    metadata,
    Column("workspace", Integer, ForeignKey("workspace.key"), primary_key=True),
    Column("source", Text, primary_key=True),
    Column("state", LargeBinary, nullable=False),
)
"""What an importer has to remember from one file to the next."""
