"""Mails about failures: to whom they go, and how often."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct
from sqlalchemy import insert, select, update

from trailkeeper.activity import Change, Target, now_us
from trailkeeper.errors import Conflict, FieldError, InvalidInput
from trailkeeper.identity.acting import By
from trailkeeper.identity.names import checked_email
from trailkeeper.identity.store import Store
from trailkeeper.ledger.schema import notification_sent, workspace
from trailkeeper.ledger.writer import Transaction
from trailkeeper.mail import Mailer

EMAILS_MAX = 20
SUBJECT_MAX = 150
EVERY_US = 3_600_000_000


class NotificationSettings(Struct, frozen=True):
    """To whom mails about failures go, and whether at most one an hour does per subject."""

    emails: list[str]
    throttling: bool


class Notifications:
    """The notifications of all workspaces."""

    def __init__(self, store: Store, mailer: Mailer, public_url: str) -> None:
        self._store = store
        self._mailer = mailer
        self._url = public_url

    def settings(self, workspace_key: int) -> NotificationSettings:
        with self._store.reading() as connection:
            return _settings(_row(connection, workspace_key))

    def set_emails(self, by: By, emails: Iterable[str]) -> None:
        """Change the addresses, and record that when it changes something. None: no mails. Raises
        Forbidden, InvalidInput."""
        self._store.require(by, "settings.manage", "Change the error notifications")
        wanted = list(dict.fromkeys(checked_email(email, "/emails") for email in emails))
        if len(wanted) > EMAILS_MAX:
            detail = f"at most {EMAILS_MAX} addresses"
            raise InvalidInput(f"There may be {detail}", FieldError(detail, "/emails"))

        def work(transaction: Transaction) -> None:
            row = _row(transaction.connection, by.workspace)
            old = _settings(row).emails
            if old == wanted:
                return
            self._update(transaction, by, error_emails="\n".join(wanted))
            sent = by.activity(
                "error_notifications.emails_updated",
                Target(type="workspace", id=row.id, name=row.name),
                changes=[Change(field="emails", old=old, new=wanted)],
                details={"emails": wanted},
            )
            self._store.record(transaction, by.workspace, sent)

        self._store.change(work)

    def set_throttling(self, by: By, enabled: bool) -> None:
        """Turn throttling on or off, and record that when it changes something. Raises
        Forbidden."""
        self._store.require(by, "settings.manage", "Change the error notifications")

        def work(transaction: Transaction) -> None:
            row = _row(transaction.connection, by.workspace)
            if bool(row.error_throttling) == enabled:
                return
            self._update(transaction, by, error_throttling=enabled)
            sent = by.activity(
                "error_notifications.throttling_toggled",
                Target(type="workspace", id=row.id, name=row.name),
                changes=[Change(field="throttling", old=not enabled, new=enabled)],
                details={"enabled": enabled},
            )
            self._store.record(transaction, by.workspace, sent)

        self._store.change(work)

    def send_test(self, by: By) -> None:
        """Send a test mail to the addresses, on the way that failures take. Raises Forbidden,
        Conflict where there are no addresses or one was sent within the hour."""
        self._store.require(by, "settings.manage", "Send a test notification")
        if not self.settings(by.workspace).emails:
            raise Conflict("There is no address to send to; save one first")
        text = "This is a test. Error notifications reach you.\n"
        if not self.notify(by.workspace, "Test notification", text):
            raise Conflict("A test was sent within the last hour, and throttling is on")

    def notify(self, workspace_key: int, subject: str, text: str) -> int:
        """Tell the workspace's addresses of a failure; returns to how many a mail was sent. With
        throttling that is none when one with this subject was sent less than an hour ago."""
        subject = " ".join(subject.split())[:SUBJECT_MAX]

        def work(transaction: Transaction) -> tuple[list[str], str]:
            row = _row(transaction.connection, workspace_key)
            settings = _settings(row)
            due = _is_due(transaction, workspace_key, subject)
            return (settings.emails if due or not settings.throttling else []), row.name

        emails, name = self._store.change(work)
        for email in emails:
            self._mailer.send(
                email,
                f"[{name}] {subject}",
                f"{text}\nWorkspace: {name}\n\nWho gets these mails: {self._url}/settings/jobs\n",
            )
        return len(emails)

    def _update(self, transaction: Transaction, by: By, **values: object) -> None:
        transaction.connection.execute(
            update(workspace).where(workspace.c.key == by.workspace).values(values)
        )


def _row(connection: Any, workspace_key: int) -> Any:
    return connection.execute(
        select(
            workspace.c.id, workspace.c.name, workspace.c.error_emails, workspace.c.error_throttling
        ).where(workspace.c.key == workspace_key)
    ).one()


def _settings(row: Any) -> NotificationSettings:
    return NotificationSettings(
        row.error_emails.split("\n") if row.error_emails else [], bool(row.error_throttling)
    )


def _is_due(transaction: Transaction, workspace_key: int, subject: str) -> bool:
    """Whether none with this subject was sent within the hour; if so, one is sent now."""
    at = now_us()
    mine = (notification_sent.c.workspace == workspace_key) & (
        notification_sent.c.subject == subject
    )
    last = transaction.connection.execute(select(notification_sent.c.sent_at).where(mine)).scalar()
    if last is not None and at - last < EVERY_US:
        return False
    if last is None:
        statement = insert(notification_sent).values(
            workspace=workspace_key, subject=subject, sent_at=at
        )
    else:
        statement = update(notification_sent).where(mine).values(sent_at=at)
    transaction.connection.execute(statement)
    return True
