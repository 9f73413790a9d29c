"""Sessions of people: started, found again, listed and ended."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from trailkeeper.activity import (
    ActivityInput,
    Context,
    now_us,
    uuid7,
)
from trailkeeper.errors import Forbidden, NotFound
from trailkeeper.identity.privileges import privileges_of
from trailkeeper.identity.secrets import digest, new_cookie
from trailkeeper.identity.signed_in import SIGNED_IN, SignedIn, member_query
from trailkeeper.identity.signed_in import signed_in as signed_in_as
from trailkeeper.identity.store import Store
from trailkeeper.ledger.schema import (
    member,
    session,
    workspace,
    workspace_sso,
)
from trailkeeper.ledger.writer import Transaction

SESSION_HOURS = 12

_BY_COOKIE = SIGNED_IN.where(
    session.c.token_hash == bindparam("token_hash"), session.c.expires_at > bindparam("now")
)
"""Every request of a browser asks it."""


class SsoNeeded(Forbidden):
    """The workspace asks for single sign-on."""

    def __init__(self) -> None:
        super().__init__("This team asks for single sign-on. Log in that way.")


class OpenSession(Struct, frozen=True):
    """A session as its user sees it in the list. Times are microseconds."""

    id: str
    workspace_name: str
    created_at: int
    expires_at: int
    ip_address: str | None
    user_agent: str | None


Entered = Callable[[SignedIn], ActivityInput]
"""What is recorded of a session that starts."""


class Sessions:
    """All sessions. That one starts or ends is recorded in the same transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def enter(
        self,
        user_key: int | Callable[[Transaction], int],
        workspace_key: int,
        entered: Entered,
        context: Context,
        *,
        ends: SignedIn | None = None,
        left: ActivityInput | None = None,
        acting_for: int | None = None,
        also: Callable[[Transaction], None] | None = None,
        sso: bool = False,
    ) -> tuple[str, SignedIn]:
        """Start a session with a new cookie: its value, and who it is.

        In one transaction `also` is run, or `user_key`, which then makes the user; the session
        `ends` is ended (recorded as `left`, in its workspace), and what `entered` says of the new
        session is recorded. Raises NotFound when the user may not be there (any more), and
        SsoNeeded when the workspace asks for single sign-on.
        """
        cookie = new_cookie()
        at = now_us()
        id = uuid7(at)

        def work(transaction: Transaction) -> SignedIn:
            connection = transaction.connection
            if also:
                also(transaction)
            key = user_key if isinstance(user_key, int) else user_key(transaction)
            connection.execute(delete(session).where(session.c.expires_at <= at))
            if ends:
                connection.execute(delete(session).where(session.c.id == ends.session_id))
            connection.execute(
                insert(session).values(
                    token_hash=digest(cookie),
                    id=id,
                    user=key,
                    workspace=workspace_key,
                    csrf=secrets.token_urlsafe(24),
                    created_at=at,
                    expires_at=at + SESSION_HOURS * 3_600_000_000,
                    acting_for=acting_for,
                    ip_address=context.ip_address,
                    user_agent=context.user_agent,
                    sso=sso,
                )
            )
            row = connection.execute(SIGNED_IN.where(session.c.id == id)).first()
            if row is None and _needs_sso(connection, workspace_key):
                raise SsoNeeded
            if row is None:
                raise NotFound("You are no member of this workspace")
            signed_in = signed_in_as(row)
            if ends and left:
                self._store.record(transaction, ends.workspace, left)
            sent = entered(signed_in)
            here = replace(sent.context or context, session_id=id)
            self._store.record(transaction, workspace_key, replace(sent, context=here))
            return signed_in

        return cookie, self._store.change(work)

    def switch(
        self,
        who: SignedIn,
        workspace_key: int,
        context: Context,
        *,
        acting_for: int | None = None,
        also: Callable[[Transaction], None] | None = None,
    ) -> tuple[str, SignedIn]:
        """Go on in another workspace, or for another account, in a new session. Recorded as the
        start of a session there and the end of the present one here. Raises NotFound."""
        left = who.by(context).activity(
            "user.logged_out", who.target, details={"activity": "switch_team"}
        )

        def entered(new: SignedIn) -> ActivityInput:
            details = {"activity": "switch_team", "previous_team": who.workspace_name}
            return new.by(context).activity("user.team_switched", new.team, details=details)

        return self.enter(
            who.user,
            workspace_key,
            entered,
            context,
            ends=who,
            left=left,
            acting_for=acting_for,
            also=also,
        )

    def find(self, cookie: str) -> SignedIn | None:
        """Who stands behind a cookie, if its session is still on and its user still a member."""
        if not cookie or len(cookie) > 100:
            return None
        with self._store.reading() as connection:
            row = connection.execute(
                _BY_COOKIE, {"token_hash": digest(cookie), "now": now_us()}
            ).first()
        return signed_in_as(row) if row else None

    def with_key(self, workspace_key: int, user_key: int, api_key: str) -> SignedIn | None:
        """Who stands behind a member's own API key, if the user still is a member."""
        with self._store.reading() as connection:
            row = connection.execute(
                member_query().where(member.c.workspace == workspace_key, member.c.user == user_key)
            ).first()
        if row is None:
            return None
        return SignedIn(
            user=user_key,
            user_id=row.user_id,
            email=row.email,
            name=row.name,
            workspace=workspace_key,
            workspace_id=row.workspace_id,
            workspace_name=row.workspace_name,
            role=row.role,
            session_id="",
            csrf="",
            privileges=privileges_of(row.role, row.privileges),
            api_key=api_key,
            must_enable_two_factor=bool(row.require_two_factor) and not row.has_two_factor,
        )

    def log_out(self, signed_in: SignedIn, context: Context) -> None:
        """End the session and record that."""
        left = signed_in.by(context).activity(
            "user.logged_out", signed_in.target, details={"activity": "user_logout"}
        )

        def work(transaction: Transaction) -> None:
            transaction.connection.execute(
                delete(session).where(session.c.id == signed_in.session_id)
            )
            self._store.record(transaction, signed_in.workspace, left)

        self._store.change(work)

    def open_sessions(self, signed_in: SignedIn) -> list[OpenSession]:
        """The user's sessions that are on, newest first."""
        with self._store.reading() as connection:
            rows = connection.execute(
                select(
                    session.c.id,
                    workspace.c.name,
                    session.c.created_at,
                    session.c.expires_at,
                    session.c.ip_address,
                    session.c.user_agent,
                )
                .join(workspace, workspace.c.key == session.c.workspace)
                .where(session.c.user == signed_in.user, session.c.expires_at > now_us())
                .order_by(session.c.created_at.desc())
                .limit(200)
            ).all()
        return [OpenSession(*row) for row in rows]

    def end_others(self, signed_in: SignedIn, context: Context, only: str | None = None) -> int:
        """End all other sessions of the user, or only the one with that id, and record it; returns
        how many ended. Raises NotFound for an id that is none of the user's others."""

        def work(transaction: Transaction) -> int:
            others = delete(session).where(
                session.c.user == signed_in.user, session.c.id != signed_in.session_id
            )
            if only is not None:
                others = others.where(session.c.id == only)
            count = transaction.connection.execute(others).rowcount
            if only is not None and not count:
                raise NotFound("There is no other session of yours with this id")
            if count:
                ended = signed_in.by(context).activity(
                    "user.sessions_ended", signed_in.target, details={"count": count}
                )
                self._store.record(transaction, signed_in.workspace, ended)
            return count

        return self._store.change(work)


def end_sessions(
    transaction: Transaction,
    user_key: int,
    *,
    but: str | None = None,
    workspace_key: int | None = None,
) -> None:
    """End a user's sessions inside another operation: all, or those in one workspace, or all but
    the one with the id `but`. Those of a delegated admin who acts for the user end, too."""
    ended = delete(session).where(
        (session.c.user == user_key) | (session.c.acting_for == user_key),
        session.c.id != (but or ""),
    )
    if workspace_key is not None:
        ended = ended.where(session.c.workspace == workspace_key)
    transaction.connection.execute(ended)


def end_role_sessions(
    transaction: Transaction, workspace_key: int, role: str, *, but_user: int | None
) -> None:
    """End the sessions in a workspace of everyone with a role, except one user's."""
    holders = select(member.c.user).where(
        member.c.workspace == workspace_key, member.c.role == role, member.c.user != (but_user or 0)
    )
    transaction.connection.execute(
        delete(session).where(
            session.c.workspace == workspace_key,
            session.c.user.in_(holders) | session.c.acting_for.in_(holders),
        )
    )


def end_delegated_sessions(transaction: Transaction, user_key: int, workspace_key: int) -> None:
    """End the sessions in which a user acts for the account of a workspace."""
    transaction.connection.execute(
        delete(session).where(
            session.c.user == user_key,
            session.c.workspace == workspace_key,
            session.c.acting_for.is_not(None),
        )
    )


def renew(transaction: Transaction, session_id: str, cookie: str) -> None:
    """Give a session a new id and cookie, as after every change of what it may do. Its form token
    stays: the page that answers still has it."""
    transaction.connection.execute(
        update(session)
        .where(session.c.id == session_id)
        .values(token_hash=digest(cookie), id=uuid7(now_us()))
    )


def _needs_sso(connection: Connection, workspace_key: int) -> bool:
    row = connection.execute(
        select(workspace_sso.c.workspace).where(
            workspace_sso.c.workspace == workspace_key,
            workspace_sso.c.enabled,
            workspace_sso.c.required,
        )
    ).first()
    return row is not None
