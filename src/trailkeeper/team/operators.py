"""What the operator of the installation does for users who cannot help themselves."""

from __future__ import annotations

from sqlalchemy import update

from trailkeeper.activity import Target
from trailkeeper.errors import Conflict
from trailkeeper.identity import links
from trailkeeper.identity.acting import By
from trailkeeper.identity.names import checked_email
from trailkeeper.identity.passwords import hash_password
from trailkeeper.identity.sessions import end_sessions
from trailkeeper.identity.store import Store
from trailkeeper.identity.two_factor import remove
from trailkeeper.ledger.schema import user
from trailkeeper.ledger.writer import Transaction
from trailkeeper.team.members import Member, Members
from trailkeeper.team.workspaces import TeamError


class Operators:
    """Recorded with the command line as the actor."""

    def __init__(self, store: Store, members: Members) -> None:
        self._store = store
        self._members = members

    def reset_password(self, by: By, email: str, password: str) -> None:
        """Give a collaborator a new password; their sessions and links in mails end. Raises
        TeamError, WeakPassword."""
        found = self._find(by, email)
        password_hash = hash_password(password)
        sent = by.activity("user.password_changed", _target(found), details={"method": "operator"})

        def work(transaction: Transaction) -> None:
            transaction.connection.execute(
                update(user).where(user.c.key == found.key).values(password_hash=password_hash)
            )
            links.drop(transaction.connection, found.key)
            end_sessions(transaction, found.key)
            self._store.record(transaction, by.workspace, sent)

        self._store.change(work)

    def disable_two_factor(self, by: By, email: str) -> None:
        """Turn off a collaborator's second factor; their sessions end. Raises TeamError, Conflict
        where it is off."""
        found = self._find(by, email)
        if not found.has_two_factor:
            raise Conflict(f"Two-factor authentication of {found.email} is off already")

        def work(transaction: Transaction) -> None:
            methods = remove(transaction, found.key)
            sent = by.activity(
                "user.two_factor_disabled", _target(found), details={"method": methods}
            )
            end_sessions(transaction, found.key)
            self._store.record(transaction, by.workspace, sent)

        self._store.change(work)

    def _find(self, by: By, email: str) -> Member:
        email = checked_email(email, "/email")
        for found in self._members.listed(by.workspace):
            if found.email == email:
                return found
        raise TeamError(f"There is no collaborator with the e-mail {email} in this workspace")


def _target(found: Member) -> Target:
    return Target(type="user", id=found.id, name=found.name, email=found.email)
