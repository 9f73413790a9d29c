"""Delegated administrators: the owner lets another user act for them, with a password for that.

Whatever they do then is recorded with them as the actor and the owner as `on_behalf_of`.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import delete, func, insert, select, update

from trailkeeper.activity import ActivityInput, Actor, Context, Target, now_us
from trailkeeper.errors import Conflict, FieldError, InvalidInput, NotFound, TooManyRequests
from trailkeeper.identity.acting import By
from trailkeeper.identity.confirm import PasswordConfirm
from trailkeeper.identity.names import checked_email
from trailkeeper.identity.passwords import hash_chosen, verify_password
from trailkeeper.identity.sessions import Sessions, end_delegated_sessions
from trailkeeper.identity.signed_in import SignedIn
from trailkeeper.identity.store import Store
from trailkeeper.identity.throttle import Throttle
from trailkeeper.ledger.schema import delegated_admin, user, workspace
from trailkeeper.ledger.writer import Transaction

WRONG = "is not your delegated-admin password for this account"


class DelegatedAdmin(Struct, frozen=True):
    """Someone who may act for the owner, once they have set a password for that."""

    id: str
    name: str
    email: str
    has_password: bool
    since: int


class Account(Struct, frozen=True):
    """An account that a user may administer: whose workspace it is."""

    workspace: int
    workspace_id: str
    workspace_name: str
    owner: Actor
    owner_key: int
    password_hash: str | None


class Delegation:
    """All grants of delegated administration."""

    def __init__(self, store: Store, sessions: Sessions, confirm: PasswordConfirm) -> None:
        self._store = store
        self._sessions = sessions
        self._confirm = confirm
        self._throttle = Throttle()

    def admins(self, workspace_key: int) -> list[DelegatedAdmin]:
        """Who may act for the owner of a workspace, by name."""
        with self._store.reading() as connection:
            rows = connection.execute(
                select(
                    user.c.id,
                    user.c.name,
                    user.c.email,
                    delegated_admin.c.password_hash.is_not(None),
                    delegated_admin.c.created_at,
                )
                .join(delegated_admin, delegated_admin.c.user == user.c.key)
                .where(delegated_admin.c.workspace == workspace_key)
                .order_by(func.lower(user.c.name))
            ).all()
        return [DelegatedAdmin(*row) for row in rows]

    def accounts(self, user_key: int) -> list[Account]:
        """The accounts that a user may administer."""
        owner = user.alias("owner")
        with self._store.reading() as connection:
            rows = connection.execute(
                select(
                    workspace.c.key,
                    workspace.c.id,
                    workspace.c.name,
                    owner.c.id.label("owner_id"),
                    owner.c.name.label("owner_name"),
                    owner.c.email.label("owner_email"),
                    owner.c.key.label("owner_key"),
                    delegated_admin.c.password_hash,
                )
                .join(delegated_admin, delegated_admin.c.workspace == workspace.c.key)
                .join(owner, owner.c.key == delegated_admin.c.acting_for)
                .where(delegated_admin.c.user == user_key)
                .order_by(func.lower(workspace.c.name))
            ).all()
        return [
            Account(
                row.key,
                row.id,
                row.name,
                Actor(type="user", id=row.owner_id, name=row.owner_name, email=row.owner_email),
                row.owner_key,
                row.password_hash,
            )
            for row in rows
        ]

    def add(self, by: By, email: str) -> None:
        """Let a user of this installation act for the owner. Raises Forbidden unless the owner
        asks, InvalidInput, Conflict."""
        asked = "Add a delegated administrator"
        if not by.is_owner or by.user is None:
            self._store.refuse(by, asked, "Only the owner may let somebody act for them")
        email = checked_email(email, "/email")
        with self._store.reading() as connection:
            row = connection.execute(select(*_PERSON).where(user.c.email == email)).first()
        if row is None:
            detail = "is no user of this installation; invite them first"
            raise InvalidInput(f"{email} {detail}", FieldError(detail, "/email"))
        if row.key == by.user:
            raise InvalidInput("That is you", FieldError("is your own address", "/email"))
        sent = by.activity("delegated_admin.added", _target(row))

        def work(transaction: Transaction) -> None:
            there = transaction.connection.execute(
                select(delegated_admin.c.user).where(
                    delegated_admin.c.workspace == by.workspace, delegated_admin.c.user == row.key
                )
            ).first()
            if there:
                raise Conflict("This user is a delegated administrator already")
            transaction.connection.execute(
                insert(delegated_admin).values(
                    workspace=by.workspace, user=row.key, acting_for=by.user, created_at=now_us()
                )
            )
            self._store.record(transaction, by.workspace, sent)

        self._store.change(work)

    def remove(self, by: By, id: str) -> None:
        """Let a user act no longer; their sessions for the account end at once. Raises Forbidden,
        NotFound."""
        if not by.is_owner:
            asked = "Remove a delegated administrator"
            self._store.refuse(by, asked, "Only the owner may decide who acts for them")

        def work(transaction: Transaction) -> None:
            if not drop_grants(self._store, transaction, by, only=id):
                raise NotFound("There is no such delegated administrator")

        self._store.change(work)

    def set_password(
        self, who: SignedIn, workspace_id: str, current: str, new: str, context: Context
    ) -> None:
        """Set the password with which a delegated admin acts for an account; `current` is the
        one they log in with. It must be another one. Recorded in the account's workspace. Raises
        NotFound, InvalidInput."""
        account = self._account(who.user, workspace_id)
        self._confirm.check(who.user, current, "/current")
        if new == current:
            detail = "must not be the one you log in with"
            raise InvalidInput(f"The password {detail}", FieldError(detail, "/new"))
        password_hash = hash_chosen(new, "/new", who.email, who.name)
        sent = _activity(
            "delegated_admin.password_updated",
            who,
            account,
            context,
            Target(type="delegated_admin", id=who.user_id, name=who.name, email=who.email),
        )

        def work(transaction: Transaction) -> None:
            changed = transaction.connection.execute(
                update(delegated_admin)
                .where(
                    delegated_admin.c.workspace == account.workspace,
                    delegated_admin.c.user == who.user,
                )
                .values(password_hash=password_hash)
            )
            if not changed.rowcount:
                raise NotFound("You may not act for this account any more")
            end_delegated_sessions(transaction, who.user, account.workspace)
            self._store.record(transaction, account.workspace, sent)

        self._store.change(work)

    def enter(
        self, who: SignedIn, workspace_id: str, password: str, context: Context
    ) -> tuple[str, SignedIn]:
        """Start acting for an account: a new session there, which ends the present one. A wrong
        password is recorded there. Raises NotFound, InvalidInput, TooManyRequests."""
        account = self._account(who.user, workspace_id)
        address = context.ip_address or "unknown"
        throttled = f"{who.user} {account.workspace}"
        if wait := self._throttle.wait_s(throttled, address):
            raise TooManyRequests(
                f"Too many wrong passwords. Try again in {wait} seconds.", retry_after_s=wait
            )
        if account.password_hash is None:
            raise Conflict("Set your delegated-admin password for this account first")
        if not verify_password(account.password_hash, password):
            self._throttle.failed(throttled, address)
            failed = _activity(
                "user.login_failed", who, account, context, who.target, failed="wrong password"
            )
            self._store.append(account.workspace, failed)
            raise InvalidInput(f"This {WRONG}", FieldError(WRONG, "/password"))
        return self._sessions.switch(who, account.workspace, context, acting_for=account.owner_key)

    def _account(self, user_key: int, workspace_id: str) -> Account:
        for account in self.accounts(user_key):
            if account.workspace_id == workspace_id:
                return account
        raise NotFound("You are no delegated administrator of such an account")


def drop_grants(store: Store, transaction: Transaction, by: By, only: str | None = None) -> int:
    """Take away delegated administration of a workspace, from all or from the user with the id
    `only`, and record each, inside another operation; returns how many."""
    grants = (
        select(*_PERSON)
        .join(delegated_admin, delegated_admin.c.user == user.c.key)
        .where(delegated_admin.c.workspace == by.workspace)
    )
    if only is not None:
        grants = grants.where(user.c.id == only)
    rows = transaction.connection.execute(grants).all()
    for row in rows:
        transaction.connection.execute(
            delete(delegated_admin).where(
                delegated_admin.c.workspace == by.workspace, delegated_admin.c.user == row.key
            )
        )
        end_delegated_sessions(transaction, row.key, by.workspace)
        store.record(
            transaction, by.workspace, by.activity("delegated_admin.removed", _target(row))
        )
    return len(rows)


_PERSON = (user.c.key, user.c.id, user.c.name, user.c.email)


def _target(row: Any) -> Target:
    return Target(type="delegated_admin", id=row.id, name=row.name, email=row.email)


def _activity(
    action: str,
    who: SignedIn,
    account: Account,
    context: Context,
    target: Target,
    *,
    failed: str | None = None,
) -> ActivityInput:
    return ActivityInput(
        action=action,
        actor=Actor(type="delegated_admin", id=who.user_id, name=who.name, email=who.email),
        on_behalf_of=account.owner,
        targets=[target],
        outcome="failure" if failed else None,
        reason=failed,
        context=context,
    )
