"""The tables, as SQLAlchemy Core knows them. Times are microseconds since 1970 UTC."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy import Text as AnyText

Text = AnyText().with_variant(AnyText(collation="C"), "postgresql")
"""Texts are compared and sorted by their bytes, on both databases."""

LargeKey = BigInteger().with_variant(Integer, "sqlite")
"""SQLite's own keys are those of type INTEGER, and have 64 bits."""

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
    Column("require_two_factor", Boolean, nullable=False, default=False),
    Column("error_emails", Text, nullable=False, default=""),
    Column("error_throttling", Boolean, nullable=False, default=True),
    Column("next_asset_id", BigInteger, nullable=False, default=10_001),
    Column("retention_days", Integer, default=365),
    Column("retention_next_days", Integer),
    Column("retention_next_at", BigInteger),
    Column("undelivered_from", BigInteger),
    Column("swept_at", BigInteger, nullable=False, default=0),
    Column("next_job_seq", BigInteger, nullable=False, default=0),
)
"""`error_emails` is separated by line ends. `next_asset_id` is one series over all kinds."""

activity = Table(
    "activity",
    metadata,
    Column("key", LargeKey, primary_key=True),
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

fresh = Table(
    "activity_fresh",
    metadata,
    Column("key", LargeKey, primary_key=True),
    Column("body", Text, nullable=False),
)
"""Rows of the inverted index that are not in it yet (see ledger/sqlite/fresh.py)."""

activity_hour = Table(
    "activity_hour",
    metadata,
    Column("workspace", Integer, ForeignKey("workspace.key"), primary_key=True),
    Column("hour", BigInteger, primary_key=True),
    Column("action", Integer, primary_key=True),
    Column("failed", Boolean, primary_key=True),
    Column("count", BigInteger, nullable=False),
)
"""How many activities there are; `hour` counts from 1970 in UTC (see ledger/rollup.py)."""

activity_day = Table(
    "activity_day",
    metadata,
    Column("workspace", Integer, ForeignKey("workspace.key"), primary_key=True),
    Column("day", BigInteger, primary_key=True),
    Column("action", Integer, primary_key=True),
    Column("failed", Boolean, primary_key=True),
    Column("count", BigInteger, nullable=False),
)
"""The same by day."""

moved = Table(
    "moved",
    metadata,
    Column("workspace", Integer, ForeignKey("workspace.key"), primary_key=True),
    Column("before_key", BigInteger, nullable=False),
    Column("before_seq", BigInteger, nullable=False),
    Column("recount_before", BigInteger),
)
"""Of a workspace the activities whose key and seq are both below these stand in ClickHouse and not
here (see ledger/older.py). `recount_before`: below this key the counts by hour may be too high."""

word = Table(
    "word",
    metadata,
    Column("workspace", Integer, ForeignKey("workspace.key"), primary_key=True),
    Column("word", Text, primary_key=True),
    Index(
        "ix_word_not_hex",
        "workspace",
        "word",
        sqlite_where=text("word GLOB '*[^0-9a-f]*'"),
    ).ddl_if("sqlite"),
)
"""The words of a workspace's log (see ledger/vocabulary.py). PostgreSQL has another index of them
(see postgresql/parts.py)."""

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
    Column("totp_sealed", LargeBinary),
    Column("totp_last_step", BigInteger),
)
"""People who can log in; `email` is kept in lower case. `totp_sealed` is the sealed key of the
second factor, once that is enabled, and `totp_last_step` the time step of the last code used."""

passkey = Table(
    "passkey",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("user", Integer, ForeignKey("user.key"), nullable=False),
    Column("credential_id", LargeBinary, nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
    Index(None, "user"),
)

recovery_code = Table(
    "recovery_code",
    metadata,
    Column("user", Integer, ForeignKey("user.key"), primary_key=True),
    Column("code_hash", LargeBinary, primary_key=True),
    Column("used_at", BigInteger),
)
"""Only the SHA-256 of a code is kept."""

one_time_link = Table(
    "one_time_link",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("user", Integer, ForeignKey("user.key"), nullable=False),
    Column("email", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index(None, "user"),
)
"""Links sent by mail: `password_reset`, `email_change` to
`email`, and the challenges of `passkey` log-ins. A used one is deleted."""

role = Table(
    "role",
    metadata,
    Column("workspace", Integer, ForeignKey("workspace.key"), primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("name", Text, primary_key=True),
    Column("privileges", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
"""Custom roles; members and invitations name theirs. `privileges` is separated by spaces."""

invitation = Table(
    "invitation",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("workspace", Integer, ForeignKey("workspace.key"), nullable=False),
    Column("id", Text, nullable=False, unique=True),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("email", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("invited_by", Integer, ForeignKey("user.key")),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    UniqueConstraint("workspace", "email"),
)
"""Invitations that wait; an accepted or canceled one is deleted, an expired one is renewed."""

delegated_admin = Table(
    "delegated_admin",
    metadata,
    Column("workspace", Integer, ForeignKey("workspace.key"), primary_key=True),
    Column("user", Integer, ForeignKey("user.key"), primary_key=True),
    Column("acting_for", Integer, ForeignKey("user.key"), nullable=False),
    Column("password_hash", Text),
    Column("created_at", BigInteger, nullable=False),
)
"""Users who may act for the user who added them, with a password of their own for that."""

notification_sent = Table(
    "notification_sent",
    metadata,
    Column("workspace", Integer, ForeignKey("workspace.key"), primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("sent_at", BigInteger, nullable=False),
)
"""When an error notification with this subject was last sent."""

stream = Table(
    "stream",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("workspace", Integer, ForeignKey("workspace.key"), nullable=False),
    Column("id", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("destination", Text),
    Column("settings", Text, nullable=False),
    Column("secrets_sealed", LargeBinary),
    Column("secrets_kept", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column("masks", Text, nullable=False),
    Column("packing", Text, nullable=False),
    Column("compression", Text, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("include_jobs", Boolean, nullable=False),
    Column("include_job_steps", Boolean, nullable=False),
    Column("include_login_activity", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("workspace", "name"),
)
"""Where the audit log is streamed to. `settings` is JSON and holds no secrets; `secrets_kept` names
those that are sealed, `masks` is JSON."""

workspace_sso = Table(
    "workspace_sso",
    metadata,
    Column("workspace", Integer, ForeignKey("workspace.key"), primary_key=True),
    Column("enabled", Boolean, nullable=False),
    Column("required", Boolean, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("secret_sealed", LargeBinary),
    Column("domains", Text, nullable=False),
    Column("kind", Text, nullable=False, default="oidc"),
    Column("sign_on_url", Text, nullable=False, default=""),
    Column("certificate", Text, nullable=False, default=""),
)
"""A workspace's identity provider; `domains` is separated by spaces. If it is `required`, only the
owner may come with a password."""

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
    Column("acting_for", Integer, ForeignKey("user.key")),
    Column("ip_address", Text),
    Column("user_agent", Text),
    Column("sso", Boolean, nullable=False, default=False),
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
    Column("user", Integer, ForeignKey("user.key")),
    Column("last_used_at", BigInteger),
    Index(None, "workspace"),
    Index(None, "user"),
)
"""Only the SHA-256 of a token is kept; `scopes` is separated by spaces. With a `user` it is that
member's own API key."""

source_state = Table(
    "source_state",
    metadata,
    Column("workspace", Integer, ForeignKey("workspace.key"), primary_key=True),
    Column("source", Text, primary_key=True),
    Column("state", LargeBinary, nullable=False),
)
"""What an importer has to remember from one file to the next."""

asset = Table(
    "asset",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("workspace", Integer, ForeignKey("workspace.key"), nullable=False),
    Column("id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("folder", Integer, ForeignKey("asset.key")),
    Column("parent", Integer, ForeignKey("asset.key")),
    Column("place", Integer, Computed("coalesce(folder, parent, 0)", persisted=True)),
    Column("state", Text),
    Column("version", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("public", Boolean, nullable=False, default=False),
    Column("content", Text, nullable=False),
    Column("secrets_sealed", LargeBinary),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text),
    Column("updated_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    UniqueConstraint("workspace", "id"),
    Index(
        "uq_asset_live_name",
        "workspace",
        "kind",
        "place",
        "name_key",
        unique=True,
        sqlite_where=text("deleted_at IS NULL"),
        postgresql_where=text("deleted_at IS NULL"),
    ),
    Index(None, "workspace", "kind"),
    Index(None, "workspace", "kind", "name_key"),
    Index(None, "workspace", "place"),
)
"""The assets of all kinds (see assets/kinds.py). `content` is JSON without secrets; `name_key` is
the name as names are compared. A deleted asset stays, with `deleted_at`. `version` counts changes
of content or name, `revision` every change."""

asset_version = Table(
    "asset_version",
    metadata,
    Column("asset", Integer, ForeignKey("asset.key"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("author_id", Text),
    Column("author_name", Text),
)
"""Every version of every asset, the present one too."""

package_file = Table(
    "package_file",
    metadata,
    Column("asset", Integer, ForeignKey("asset.key"), primary_key=True),
    Column("bytes", LargeBinary, nullable=False),
)
"""The file of a package."""

asset_sync = Table(
    "asset_sync",
    metadata,
    Column("asset", Integer, ForeignKey("asset.key"), primary_key=True),
    Column("workspace", Integer, ForeignKey("workspace.key"), nullable=False),
    Column("identity", Text, nullable=False),
    UniqueConstraint("workspace", "identity"),
)
"""The assets that came from files (see assets/sync), and what each file is known by."""

follower = Table(
    "follower",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("workspace", Integer, ForeignKey("workspace.key"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("log", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("cursor", BigInteger, nullable=False),
    Column("batch_end", BigInteger),
    Column("failures", Integer, nullable=False),
    Column("retry_at", BigInteger, nullable=False),
    Column("pause_reason", Text),
    Column("last_error", Text),
    Column("last_error_at", BigInteger),
    Column("delivered", BigInteger, nullable=False),
    Column("delivered_at", BigInteger),
    Column("lease_owner", Text, nullable=False),
    Column("lease_until", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("workspace", "kind", "id"),
    sqlite_autoincrement=True,
)
"""The places of the followers, each in one log (see followers/follower.py). A key is never used
again: a thread may still be at work for a follower that is deleted."""

dead_letter = Table(
    "dead_letter",
    metadata,
    Column("follower", Integer, ForeignKey("follower.key"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("again", Boolean, nullable=False, default=False),
    Index(
        "ix_dead_letter_again",
        "follower",
        "seq",
        sqlite_where=text("again"),
        postgresql_where=text("again"),
    ),
)
"""What a follower went on without: activities or jobs, by its log; with `again` it is to be tried
once more."""

delivery = Table(
    "delivery",
    metadata,
    Column("follower", Integer, ForeignKey("follower.key"), primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("first_seq", BigInteger, nullable=False),
    Column("end_seq", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    Column("bytes", BigInteger),
    Column("attempt", Integer, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("took_us", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("error", Text),
)
"""The latest tries of each follower (see followers/deliveries.py); `number` counts them."""

delivery_minute = Table(
    "delivery_minute",
    metadata,
    Column("follower", Integer, ForeignKey("follower.key"), primary_key=True),
    Column("minute", BigInteger, primary_key=True),
    Column("delivered", BigInteger, nullable=False),
    Column("failed", Integer, nullable=False),
)
"""What each follower delivered in a minute (counted since 1970), and how many tries failed."""

removed_activity = Table(
    "removed_activity",
    metadata,
    Column("workspace", Integer, ForeignKey("workspace.key"), primary_key=True),
    Column("fingerprint", LargeBinary, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""What stays of activities whose time of retention is over: an id belongs to one activity for
ever (see ledger/removal.py)."""

legal_hold = Table(
    "legal_hold",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("workspace", Integer, ForeignKey("workspace.key"), nullable=False),
    Column("id", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text),
    Column("released_at", BigInteger),
    Index(None, "workspace"),
)
"""What must not be removed, as a filter in the query language; an empty one holds everything."""

archive = Table(
    "archive",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("workspace", Integer, ForeignKey("workspace.key"), nullable=False, unique=True),
    Column("id", Text, nullable=False, unique=True),
    Column("destination", Text, nullable=False),
    Column("settings", Text, nullable=False),
    Column("secrets_sealed", LargeBinary),
    Column("secrets_kept", Text, nullable=False),
    Column("keep_days", Integer),
    Column("closed_until", BigInteger, nullable=False),
    Column("closed_seq", BigInteger, nullable=False),
    Column("swept_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
"""Where a workspace's closed days are kept as Parquet files. `settings` is JSON and holds no
secrets; `secrets_kept` names those that are sealed. All activities before `closed_seq` were
received before `closed_until`, and no other will ever be. A key is never used again: a thread may
still be at work for an archive that is deleted."""

archive_day = Table(
    "archive_day",
    metadata,
    Column("archive", Integer, ForeignKey("archive.key"), primary_key=True),
    Column("date", Text, primary_key=True),
    Column("first_seq", BigInteger, nullable=False),
    Column("end_seq", BigInteger, nullable=False),
    Column("manifest_sha256", Text, nullable=False),
    Column("written_at", BigInteger, nullable=False),
    Column("removing", Boolean, nullable=False),
)
"""The days that are in an archive, whole: their manifest is written. With `removing` a day is on
its way out."""

archive_file = Table(
    "archive_file",
    metadata,
    Column("archive", Integer, ForeignKey("archive.key"), primary_key=True),
    Column("first_seq", BigInteger, primary_key=True),
    Column("end_seq", BigInteger, nullable=False),
    Column("date", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("erased", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("canonical_sha256", Text, nullable=False),
    Column("occurred_first", BigInteger, nullable=False),
    Column("occurred_last", BigInteger, nullable=False),
    Column("received_first", BigInteger, nullable=False),
    Column("received_last", BigInteger, nullable=False),
    Index(None, "archive", "date"),
)
"""The files of an archive, as their day's manifest tells of them (see archive/manifest.py)."""

job = Table(
    "job",
    metadata,
    Column("key", LargeKey, primary_key=True),
    Column("workspace", Integer, ForeignKey("workspace.key"), nullable=False),
    Column("id", Text, nullable=False),
    Column("id_is_number", Boolean, nullable=False),
    Column("recipe_id", Text, nullable=False),
    Column("recipe_name", Text),
    Column("status", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("is_test", Boolean, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("completed_at", BigInteger),
    Column("received_at", BigInteger, nullable=False),
    Column("seq", BigInteger),
    Column("error_type", Text),
    Column("title", Text),
    Column("error", Text),
    Column("folded", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("workspace", "id"),
    UniqueConstraint("workspace", "seq"),
    Index(None, "workspace", "state", "started_at"),
    Index(None, "workspace", "recipe_id", "state", "started_at"),
)
"""Job history. `body` is the whole job in Workato's form, but for its lines; `title`, `error` and
`error_type` are the beginnings of what it says there, and `folded` both for searches. `state` is
what `status` means (see jobs/status.py). A finished job has a `seq`, dense per workspace."""

job_lines = Table(
    "job_lines",
    metadata,
    Column("job", LargeKey, ForeignKey("job.key"), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("raw_bytes", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("packed", LargeBinary, nullable=False),
)
"""The steps of jobs that came with any: JSON, packed with zstd. `digest` is of the JSON."""

audit_export = Table(
    "audit_export",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("workspace", Integer, ForeignKey("workspace.key"), nullable=False),
    Column("id", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("compression", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("params", Text, nullable=False),
    Column("filter", Text, nullable=False),
    Column("end_seq", BigInteger, nullable=False),
    Column("requester", Text, nullable=False),
    Column("requested_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("total", BigInteger),
    Column("count", BigInteger, nullable=False, default=0),
    Column("bytes", BigInteger, nullable=False, default=0),
    Column("sha256", Text),
    Column("error", Text),
    Column("attempts", Integer, nullable=False, default=0),
    Column("worker", Text),
    Column("lease_until", BigInteger, nullable=False, default=0),
    Index(None, "workspace", "requested_at"),
    Index(None, "state"),
)
"""Exports of the log into files (see exports/). `params` is the filter as it was asked for,
`filter` as it is read, `requester` who asked, all three JSON; a `worker` has one until
`lease_until`."""
