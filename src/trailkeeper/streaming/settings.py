"""The settings of a workspace's audit log stream: whether it runs, what it includes, and where to.

Secrets of the destination are sealed with the installation's key and never shown again.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, insert, select, update

from trailkeeper.activity import Change, Target
from trailkeeper.errors import Conflict, FieldError, InvalidInput
from trailkeeper.identity.acting import By
from trailkeeper.identity.seal import Seal
from trailkeeper.identity.store import Store
from trailkeeper.ledger.schema import audit_stream
from trailkeeper.ledger.writer import Transaction

VALUE_MAX = 2_000
KEPT = "(kept)"
"""Instead of the value of a secret, in what is shown."""


class Field(Struct, frozen=True, kw_only=True):
    """One setting of a kind of destination. `kind` is `text`, `url` or `secret`."""

    name: str
    label: str
    kind: str = "text"
    required: bool = True
    help: str = ""


DESTINATIONS: dict[str, tuple[str, tuple[Field, ...]]] = {
    "s3": (
        "Amazon S3 or compatible",
        (
            Field(name="bucket", label="Bucket"),
            Field(name="region", label="Region", help="For example eu-central-1."),
            Field(name="prefix", label="Folder", required=False),
            Field(
                name="endpoint",
                label="Endpoint",
                kind="url",
                required=False,
                help="For services compatible with S3; empty for Amazon's own.",
            ),
            Field(name="access_key_id", label="Access key id"),
            Field(name="secret_access_key", label="Secret access key", kind="secret"),
        ),
    ),
    "http": (
        "HTTPS endpoint or SIEM",
        (
            Field(name="url", label="Address", kind="url"),
            Field(
                name="authorization",
                label="Authorization header",
                kind="secret",
                required=False,
                help="For example: Bearer …",
            ),
        ),
    ),
    "splunk": (
        "Splunk HTTP Event Collector",
        (
            Field(name="url", label="Address", kind="url"),
            Field(name="index", label="Index", required=False),
            Field(name="token", label="Token", kind="secret"),
        ),
    ),
}
"""The kinds of destination: what each is called, and its settings."""


class StreamSettings(Struct, frozen=True):
    """A stream's settings as they may be shown: of a secret, only that it is kept."""

    enabled: bool = False
    job_history: bool = False
    recipe_step_details: bool = False
    login_user_activity: bool = True
    destination: str | None = None
    settings: dict[str, str] = {}

    @property
    def included(self) -> list[str]:
        flags = ("job_history", "recipe_step_details", "login_user_activity")
        return [name for name in flags if getattr(self, name)]


class AuditStreams:
    """The streams of all workspaces."""

    def __init__(self, store: Store, secret: bytes) -> None:
        self._store = store
        self._seal = Seal(secret, "audit stream")

    def settings(self, workspace_key: int) -> StreamSettings:
        with self._store.reading() as connection:
            return self._read(connection, workspace_key)

    def toggle(self, by: By, enabled: bool) -> None:
        """Turn the stream on or off, recorded when it changes something. Raises Forbidden, and
        Conflict without a destination."""
        self._require(by)

        def work(transaction: Transaction) -> None:
            old = self._read(transaction.connection, by.workspace)
            if old.enabled == enabled:
                return
            if enabled and old.destination is None:
                raise Conflict("Save a destination first: the stream would lead nowhere")
            self._keep(transaction, by, enabled=enabled)
            self._record(
                transaction, by, "audit_stream.toggled", [("enabled", old.enabled, enabled)],
                enabled=enabled,
            )  # fmt: skip

        self._store.change(work)

    def include(
        self, by: By, *, job_history: bool, recipe_step_details: bool, login_user_activity: bool
    ) -> None:
        """Change what the stream includes, recorded when it changes something. Steps come only
        with the jobs they belong to. Raises Forbidden, InvalidInput."""
        self._require(by)
        if recipe_step_details and not job_history:
            detail = "needs job history, too"
            raise InvalidInput(
                f"Recipe step details {detail}", FieldError(detail, "/recipe_step_details")
            )
        new = StreamSettings(
            job_history=job_history,
            recipe_step_details=recipe_step_details,
            login_user_activity=login_user_activity,
        )

        def work(transaction: Transaction) -> None:
            old = self._read(transaction.connection, by.workspace)
            if old.included == new.included:
                return
            self._keep(
                transaction,
                by,
                include_jobs=job_history,
                include_job_steps=recipe_step_details,
                include_login_activity=login_user_activity,
            )
            self._record(
                transaction,
                by,
                "audit_stream.data_inclusion_updated",
                [("included", old.included, new.included)],
                included=new.included,
            )

        self._store.change(work)

    def set_destination(self, by: By, kind: str, given: dict[str, str]) -> None:
        """Change where the stream leads, and record that, without secrets. A secret that is left
        empty stays, as long as nothing else of the destination changes: otherwise it could be
        sent to another server. Raises Forbidden, InvalidInput."""
        self._require(by)
        fields = _fields(kind)
        values = {field.name: _checked(field, given.get(field.name, "")) for field in fields}
        open_values = {
            field.name: values[field.name]
            for field in fields
            if field.kind != "secret" and values[field.name]
        }
        new_secrets = {
            field.name: values[field.name]
            for field in fields
            if field.kind == "secret" and values[field.name]
        }

        def work(transaction: Transaction) -> None:
            old = self._read(transaction.connection, by.workspace)
            old_open = {name: value for name, value in old.settings.items() if value != KEPT}
            same = old.destination == kind and old_open == open_values
            there = self._secrets(transaction.connection, by.workspace) if same else {}
            kept = {**there, **new_secrets}
            for field in fields:
                if field.kind == "secret" and field.required and field.name not in kept:
                    detail = "is needed"
                    raise InvalidInput(
                        f"{field.label} {detail}", FieldError(detail, f"/{field.name}")
                    )
            if same and not new_secrets:
                return
            sealed = self._seal.seal(msgspec.json.encode(kept).decode(), str(by.workspace))
            self._keep(
                transaction,
                by,
                destination=kind,
                settings=msgspec.json.encode(open_values).decode(),
                secrets_sealed=sealed if kept else None,
            )
            before, after = describe(old.destination, old.settings), describe(kind, open_values)
            changed = [("destination", before, after)] if before != after else []
            if new_secrets:
                changed.append(("credentials", None, "replaced"))
            self._record(
                transaction, by, "audit_stream.destination_updated", changed, destination=after
            )

        self._store.change(work)

    def _require(self, by: By) -> None:
        self._store.require(by, "streams.manage", "Change the audit log streaming")

    def _read(self, connection: Connection, workspace_key: int) -> StreamSettings:
        row = connection.execute(
            select(audit_stream).where(audit_stream.c.workspace == workspace_key)
        ).first()
        if row is None:
            return StreamSettings()
        settings: dict[str, str] = msgspec.json.decode(row.settings)
        kept = dict.fromkeys(self._secrets(connection, workspace_key), KEPT)
        return StreamSettings(
            enabled=bool(row.enabled),
            job_history=bool(row.include_jobs),
            recipe_step_details=bool(row.include_job_steps),
            login_user_activity=bool(row.include_login_activity),
            destination=row.destination,
            settings={**settings, **kept},
        )

    def _secrets(self, connection: Connection, workspace_key: int) -> dict[str, str]:
        sealed = connection.execute(
            select(audit_stream.c.secrets_sealed).where(audit_stream.c.workspace == workspace_key)
        ).scalar()
        if sealed is None:
            return {}
        return msgspec.json.decode(self._seal.open(sealed, str(workspace_key)), type=dict[str, str])

    def _keep(self, transaction: Transaction, by: By, **values: Any) -> None:
        connection = transaction.connection
        mine = audit_stream.c.workspace == by.workspace
        if connection.execute(select(audit_stream.c.workspace).where(mine)).first():
            connection.execute(update(audit_stream).where(mine).values(values))
            return
        fresh = StreamSettings()
        first: dict[str, Any] = {
            "workspace": by.workspace,
            "enabled": fresh.enabled,
            "include_jobs": fresh.job_history,
            "include_job_steps": fresh.recipe_step_details,
            "include_login_activity": fresh.login_user_activity,
            "settings": "{}",
        }
        connection.execute(insert(audit_stream).values({**first, **values}))

    def _record(
        self,
        transaction: Transaction,
        by: By,
        action: str,
        changes: list[tuple[str, Any, Any]],
        **details: Any,
    ) -> None:
        here = self._store.workspace_target(transaction.connection, by.workspace)
        sent = by.activity(
            action,
            Target(type="audit_stream", id=here.id, name=here.name),
            changes=[Change(field=field, old=old, new=new) for field, old, new in changes],
            details=details,
        )
        self._store.record(transaction, by.workspace, sent)


def describe(kind: str | None, settings: dict[str, str]) -> str | None:
    """A destination in one line, for people."""
    if kind is None:
        return None
    where = settings.get("url") or "/".join(
        part for part in (settings.get("bucket"), settings.get("prefix")) if part
    )
    return f"{DESTINATIONS[kind][0]}: {where}"


def _fields(kind: str) -> tuple[Field, ...]:
    if kind not in DESTINATIONS:
        detail = f"must be one of {', '.join(DESTINATIONS)}"
        raise InvalidInput(f"The destination {detail}", FieldError(detail, "/destination"))
    return DESTINATIONS[kind][1]


def _checked(field: Field, value: str) -> str:
    value = value.strip()
    detail = ""
    if len(value) > VALUE_MAX or (value and not value.isprintable()):
        detail = f"must have at most {VALUE_MAX} printable characters"
    elif not value and field.required and field.kind != "secret":
        detail = "is needed"
    elif value and field.kind == "url" and not _is_address(value):
        detail = "must be an address with https:// or http://, without a name, password or ? in it"
    if detail:
        raise InvalidInput(f"{field.label} {detail}", FieldError(detail, f"/{field.name}"))
    return value


def _is_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return (
            parts.scheme in ("https", "http")
            and bool(parts.hostname)
            and parts.username is None
            and not parts.query
            and not parts.fragment
            and parts.port != 0
        )
    except ValueError:
        return False
