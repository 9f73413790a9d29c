"""Inviting people by mail, and what the invited do with the link."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, delete, func, insert, select, update

from trailkeeper.activity import ActivityInput, Actor, Change, Context, Target, now_us, uuid7
from trailkeeper.errors import Conflict, FieldError, Forbidden, NotFound
from trailkeeper.identity.acting import By
from trailkeeper.identity.names import checked_email, checked_name
from trailkeeper.identity.passwords import hash_chosen
from trailkeeper.identity.secrets import digest, new_cookie
from trailkeeper.identity.sessions import Sessions, SsoNeeded
from trailkeeper.identity.signed_in import SignedIn
from trailkeeper.identity.store import Store
from trailkeeper.ledger.schema import invitation, member, user, workspace
from trailkeeper.ledger.writer import Transaction
from trailkeeper.mail import Mailer
from trailkeeper.team.roles import privileges_in

GOOD_FOR_DAYS = 7
TOKEN_MAX = 100


class InvitationEnded(NotFound):
    """The invitation was accepted, canceled or sent anew, or is too old."""

    def __init__(self) -> None:
        super().__init__(
            "This invitation was used, canceled or sent again, or is older than a week."
            " Ask who invited you for a new one."
        )


class Invitation(Struct, frozen=True):
    """An invitation that waits; times are microseconds."""

    key: int
    workspace: int
    workspace_name: str
    id: str
    email: str
    role: str
    invited_by: str | None
    created_at: int
    expires_at: int

    @property
    def expired(self) -> bool:
        return self.expires_at <= now_us()

    @property
    def target(self) -> Target:
        return Target(type="invite", id=self.id, name=self.email, email=self.email)


class Invitations:
    """The invitations of all workspaces. Of a link only the SHA-256 of its token is kept."""

    def __init__(self, store: Store, sessions: Sessions, mailer: Mailer, public_url: str) -> None:
        self._store = store
        self._sessions = sessions
        self._mailer = mailer
        self._url = public_url

    def listed(self, workspace_key: int) -> list[Invitation]:
        """The invitations of a workspace that wait or have expired, newest first."""
        with self._store.reading() as connection:
            rows = connection.execute(
                _INVITATIONS.where(invitation.c.workspace == workspace_key).order_by(
                    invitation.c.created_at.desc()
                )
            ).all()
        return [Invitation(*row) for row in rows]

    def find(self, workspace_key: int, id: str) -> Invitation:
        """One of a workspace. Raises NotFound."""
        for found in self.listed(workspace_key):
            if found.id == id:
                return found
        raise NotFound(f"There is no invitation {id[:80]} in this workspace")

    def create(self, by: By, email: str, role: str) -> str:
        """Invite someone, by a link in a mail that is good for a week; returns the invitation's id.
        Raises Forbidden, InvalidInput, Conflict."""
        self._store.require(by, "team.manage", "Invite a collaborator")
        email = checked_email(email, "/email")
        self._check_role(by, role)
        at = now_us()
        id, token = uuid7(at), new_cookie()
        sent = by.activity(
            "invite.created",
            Target(type="invite", id=id, name=email, email=email),
            details={"role": role},
        )

        def work(transaction: Transaction) -> str:
            connection = transaction.connection
            privileges_in(connection, by.workspace, role)
            _check_not_member(connection, by.workspace, email)
            # An expired one makes room for the next.
            connection.execute(
                delete(invitation).where(
                    invitation.c.workspace == by.workspace,
                    invitation.c.email == email,
                    invitation.c.expires_at <= at,
                )
            )
            waiting = connection.execute(
                select(invitation.c.key).where(
                    invitation.c.workspace == by.workspace, invitation.c.email == email
                )
            ).first()
            if waiting:
                raise Conflict(
                    f"{email} is invited already; send that invitation again, or change it",
                    FieldError("is invited already", "/email"),
                )
            connection.execute(
                insert(invitation).values(
                    workspace=by.workspace,
                    id=id,
                    token_hash=digest(token),
                    email=email,
                    role=role,
                    invited_by=by.user,
                    **_times(at),
                )
            )
            self._store.record(transaction, by.workspace, sent)
            return _name(connection, by.workspace)

        self._send(by, email, self._store.change(work), role, token)
        return id

    def modify(self, by: By, id: str, role: str) -> None:
        """Give an invitation another role; its link stays good. Raises Forbidden, NotFound,
        InvalidInput, Conflict."""
        self._store.require(by, "team.manage", "Change an invitation")
        found = self.find(by.workspace, id)
        self._check_role(by, found.role, "Change an invitation")
        self._check_role(by, role)
        if role == found.role:
            return
        sent = by.activity(
            "invite.modified",
            found.target,
            changes=[Change(field="role", old=found.role, new=role)],
            details={"role": role, "previous_role": found.role},
        )

        def work(transaction: Transaction) -> None:
            privileges_in(transaction.connection, by.workspace, role)
            self._update(transaction, found, role=role)
            self._store.record(transaction, by.workspace, sent)

        self._store.change(work)

    def cancel(self, by: By, id: str) -> None:
        """Take an invitation back; its link no longer works. Raises Forbidden, NotFound."""
        self._store.require(by, "team.manage", "Cancel an invitation")
        found = self.find(by.workspace, id)
        sent = by.activity("invite.canceled", found.target, details={"role": found.role})

        def work(transaction: Transaction) -> None:
            _take(transaction.connection, found)
            self._store.record(transaction, by.workspace, sent)

        self._store.change(work)

    def resend(self, by: By, id: str) -> None:
        """Send an invitation again with a new link, good for another week; the old one no longer
        works. Raises Forbidden, NotFound, Conflict."""
        self._store.require(by, "team.manage", "Send an invitation again")
        found = self.find(by.workspace, id)
        self._check_role(by, found.role, "Send an invitation again")
        token = new_cookie()
        sent = by.activity("invite.resent", found.target, details={"role": found.role})

        def work(transaction: Transaction) -> None:
            self._update(transaction, found, token_hash=digest(token), **_times(now_us()))
            self._store.record(transaction, by.workspace, sent)

        self._store.change(work)
        self._send(by, found.email, found.workspace_name, found.role, token)

    def look(self, token: str) -> tuple[Invitation, bool]:
        """What a link invites to, and whether the invited has an account. Raises
        InvitationEnded."""
        with self._store.reading() as connection:
            found = _by_token(connection, token)
            account = connection.execute(
                select(user.c.key).where(user.c.email == found.email)
            ).first()
        return found, account is not None

    def accept_as_new(
        self, token: str, name: str, password: str, context: Context
    ) -> tuple[str, SignedIn] | None:
        """Make an account for the invited address, join, and log in; without the log-in where the
        team asks for single sign-on. Raises InvitationEnded, InvalidInput, Conflict."""
        found, has_account = self.look(token)
        if has_account:
            raise Conflict(f"{found.email} has an account: log in with it to accept")
        name = checked_name(name, "Your name", "/name")
        password_hash = hash_chosen(password, "/new", found.email, name)
        at = now_us()
        id = uuid7(at)

        def join(transaction: Transaction) -> int:
            again = _by_token(transaction.connection, token)
            key = transaction.connection.execute(
                insert(user)
                .values(
                    id=id, email=again.email, name=name, password_hash=password_hash, created_at=at
                )
                .returning(user.c.key)
            ).scalar_one()
            actor = Actor(type="user", id=id, name=name, email=again.email)
            self._join(transaction, again, key, actor, context)
            return key

        try:
            return self._enter_new(join, found, context)
        except SsoNeeded:
            self._store.change(join)
            return None

    def _enter_new(
        self, join: Callable[[Transaction], int], found: Invitation, context: Context
    ) -> tuple[str, SignedIn]:
        return self._sessions.enter(
            join,
            found.workspace,
            lambda who: ActivityInput(
                action="user.logged_in",
                actor=who.actor,
                targets=[who.target],
                context=context,
                details={"activity": "password_login"},
            ),
            context,
        )

    def accept(self, who: SignedIn, token: str, context: Context) -> tuple[str, SignedIn] | None:
        """Join with the account that is logged in, and switch to the team; without the switch
        where the team asks for single sign-on. Raises InvitationEnded, Conflict when the
        invitation is for another address, Forbidden when the account itself is not proven."""
        found, _ = self.look(token)
        if found.email != who.email:
            raise Conflict(
                f"This invitation is for {found.email}, and you are logged in as {who.email}."
                " Log in with the invited address."
            )

        def join(transaction: Transaction) -> None:
            again = _by_token(transaction.connection, token)
            actor = Actor(type="user", id=who.user_id, name=who.name, email=who.email)
            self._join(transaction, again, who.user, actor, context)

        if who.through_sso or who.acting_for:
            raise Forbidden("Log in with your password to join another team")
        try:
            return self._sessions.switch(who, found.workspace, context, also=join)
        except SsoNeeded:
            self._store.change(join)
            return None

    def _join(
        self,
        transaction: Transaction,
        found: Invitation,
        user_key: int,
        actor: Actor,
        context: Context,
    ) -> None:
        connection = transaction.connection
        _check_not_member(connection, found.workspace, found.email)
        connection.execute(
            insert(member).values(
                workspace=found.workspace, user=user_key, role=found.role, created_at=now_us()
            )
        )
        _take(connection, found)
        sent = ActivityInput(
            action="invite.accepted",
            actor=actor,
            targets=[found.target],
            context=context,
            details={"role": found.role},
        )
        self._store.record(transaction, found.workspace, sent)

    def _check_role(self, by: By, role: str, asked: str = "Invite with a role") -> None:
        with self._store.reading() as connection:
            privileges = privileges_in(connection, by.workspace, role)
        self._store.require_all(by, privileges, asked)

    def _update(self, transaction: Transaction, found: Invitation, **values: Any) -> None:
        changed = transaction.connection.execute(
            update(invitation)
            .where(
                invitation.c.workspace == found.workspace,
                invitation.c.key == found.key,
                invitation.c.role == found.role,
            )
            .values(values)
        )
        if not changed.rowcount:
            raise Conflict("The invitation was used or changed meanwhile; look again")

    def _send(self, by: By, email: str, workspace_name: str, role: str, token: str) -> None:
        who = by.actor.name or "The workspace"
        self._mailer.send(
            email,
            "You are invited to a team on Trailkeeper",
            f"{who} invites you to join {workspace_name} on Trailkeeper with the role {role}.\n\n"
            f"Follow this link to accept:\n\n{self._url}/invite/{token}\n\n"
            f"It is good for {GOOD_FOR_DAYS} days and works once.\n",
        )


_INVITATIONS = (
    select(
        invitation.c.key,
        invitation.c.workspace,
        workspace.c.name,
        invitation.c.id,
        invitation.c.email,
        invitation.c.role,
        user.c.name.label("invited_by"),
        invitation.c.created_at,
        invitation.c.expires_at,
    )
    .join(workspace, workspace.c.key == invitation.c.workspace)
    .outerjoin(user, user.c.key == invitation.c.invited_by)
)


def _by_token(connection: Connection, token: str) -> Invitation:
    row = connection.execute(
        _INVITATIONS.where(
            invitation.c.token_hash == digest(token[:TOKEN_MAX]),
            invitation.c.expires_at > now_us(),
        )
    ).first()
    if row is None:
        raise InvitationEnded
    return Invitation(*row)


def _take(connection: Connection, found: Invitation) -> None:
    taken = connection.execute(delete(invitation).where(invitation.c.key == found.key))
    if not taken.rowcount:
        raise InvitationEnded


def _check_not_member(connection: Connection, workspace_key: int, email: str) -> None:
    there = connection.execute(
        select(func.count())
        .select_from(member)
        .join(user, user.c.key == member.c.user)
        .where(member.c.workspace == workspace_key, user.c.email == email)
    ).scalar_one()
    if there:
        raise Conflict(
            f"{email} is a collaborator already", FieldError("is a collaborator", "/email")
        )


def _name(connection: Connection, workspace_key: int) -> str:
    return connection.execute(
        select(workspace.c.name).where(workspace.c.key == workspace_key)
    ).scalar_one()


def _times(at: int) -> dict[str, int]:
    return {"created_at": at, "expires_at": at + GOOD_FOR_DAYS * 86_400_000_000}
