"""Sessions of people: log-in, log-out, and who stands behind a cookie."""

from __future__ import annotations

import secrets

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Engine, delete, insert, select

from trailkeeper.activity import ActivityInput, Actor, Context, Target, now_us, uuid7
from trailkeeper.errors import TooManyRequests, Unauthorized
from trailkeeper.identity.passwords import verify_password
from trailkeeper.identity.secrets import digest, new_cookie
from trailkeeper.identity.throttle import Throttle
from trailkeeper.ledger.prepare import Prepared
from trailkeeper.ledger.recorder import Recorder
from trailkeeper.ledger.schema import member, session, user, workspace
from trailkeeper.ledger.writer import Transaction, Writer

SESSION_HOURS = 12


class LogInFailed(Unauthorized):
    """E-mail or password is wrong; which of them is not said."""

    def __init__(self) -> None:
        super().__init__("The e-mail address or the password is wrong.")


class Throttled(TooManyRequests):
    """Too many failed log-ins from there; the next is looked at after `retry_after_s`."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("Too many failed log-ins.", retry_after_s=retry_after_s)


class SignedIn(Struct, frozen=True):
    """A user in a session, in one workspace."""

    user_id: str
    email: str
    name: str
    workspace: int
    workspace_name: str
    role: str
    session_id: str
    csrf: str

    @property
    def actor(self) -> Actor:
        return Actor(type="user", id=self.user_id, name=self.name, email=self.email)


class _Account(Struct, frozen=True):
    """A user, and the workspace that a log-in leads to."""

    key: int
    id: str
    email: str
    name: str
    password_hash: str
    workspace: int
    workspace_name: str
    role: str


class Sessions:
    """All sessions. Each log-in, failed log-in and log-out is recorded."""

    def __init__(self, engine: Engine, writer: Writer, recorder: Recorder) -> None:
        self._engine = engine
        self._writer = writer
        self._recorder = recorder
        self._throttle = Throttle()

    def log_in(self, email: str, password: str, context: Context) -> tuple[str, SignedIn]:
        """Start a session in the user's first workspace: the cookie's value, and who it is.

        Raises LogInFailed, alike and after the same time whether the user exists or not, or
        Throttled.
        """
        account = email.strip().lower()[:320]
        address = context.ip_address or "unknown"
        if wait := self._throttle.wait_s(account, address):
            raise Throttled(wait)
        found = self._find_user(account)
        if not verify_password(found.password_hash if found else None, password) or not found:
            self._throttle.failed(account, address)
            self._record_failure(account, found, context)
            raise LogInFailed
        return self._start(found, context)

    def find(self, cookie: str) -> SignedIn | None:
        """Who stands behind a cookie, if its session is still on and its user still a member."""
        if not cookie or len(cookie) > 100:
            return None
        with self._engine.connect() as connection:
            row = connection.execute(
                _SIGNED_IN.where(
                    session.c.token_hash == digest(cookie), session.c.expires_at > now_us()
                )
            ).first()
        return SignedIn(*row) if row else None

    def log_out(self, signed_in: SignedIn, context: Context) -> None:
        """End the session and record that."""
        left = self._own("user.logged_out", signed_in, context, {"activity": "user_logout"})

        def work(transaction: Transaction) -> None:
            transaction.connection.execute(
                delete(session).where(session.c.id == signed_in.session_id)
            )
            transaction.record(signed_in.workspace, left)

        self._writer.run(work)

    def _find_user(self, email: str) -> _Account | None:
        with self._engine.connect() as connection:
            row = connection.execute(
                select(
                    user.c.key,
                    user.c.id,
                    user.c.email,
                    user.c.name,
                    user.c.password_hash,
                    member.c.workspace,
                    workspace.c.name.label("workspace_name"),
                    member.c.role,
                )
                .join(member, member.c.user == user.c.key)
                .join(workspace, workspace.c.key == member.c.workspace)
                .where(user.c.email == email)
                .order_by(member.c.created_at)
                .limit(1)
            ).first()
        return _Account(*row) if row else None

    def _start(self, found: _Account, context: Context) -> tuple[str, SignedIn]:
        cookie = new_cookie()
        at = now_us()
        signed_in = SignedIn(
            user_id=found.id,
            email=found.email,
            name=found.name,
            workspace=found.workspace,
            workspace_name=found.workspace_name,
            role=found.role,
            session_id=uuid7(at),
            csrf=secrets.token_urlsafe(24),
        )
        entered = self._own("user.logged_in", signed_in, context, {"activity": "password_login"})

        def work(transaction: Transaction) -> None:
            transaction.connection.execute(delete(session).where(session.c.expires_at <= at))
            transaction.connection.execute(
                insert(session).values(
                    token_hash=digest(cookie),
                    id=signed_in.session_id,
                    user=found.key,
                    workspace=found.workspace,
                    csrf=signed_in.csrf,
                    created_at=at,
                    expires_at=at + SESSION_HOURS * 3_600_000_000,
                )
            )
            transaction.record(signed_in.workspace, entered)

        self._writer.run(work)
        return cookie, signed_in

    def _own(
        self, action: str, who: SignedIn, context: Context, details: dict[str, str]
    ) -> Prepared:
        return self._recorder.own(
            who.workspace,
            ActivityInput(
                action=action,
                actor=who.actor,
                targets=[Target(type="user", id=who.user_id, name=who.name, email=who.email)],
                context=replace(context, session_id=who.session_id),
                details=details,
            ),
        )

    def _record_failure(
        self,
        account: str,
        found: _Account | None,
        context: Context,
    ) -> None:
        """Record a failed log-in: with the user's workspace, or, when nobody has this e-mail
        address, with the installation's first."""
        if found:
            key, id, name, email = found.workspace, found.id, found.name, found.email
        else:
            key, id, name, email = self._first_workspace(), account[:200], account, account
        if key is None or not id.isprintable() or not id.strip():
            return
        failed = self._recorder.own(
            key,
            ActivityInput(
                action="user.login_failed",
                actor=Actor(type="user", id=id, name=name, email=email),
                targets=[Target(type="user", id=id, name=name, email=email)],
                outcome="failure",
                reason="wrong password" if found else "unknown user",
                context=context,
                details={"activity": "password_login"},
            ),
        )
        self._writer.append(key, [failed])

    def _first_workspace(self) -> int | None:
        with self._engine.connect() as connection:
            return connection.execute(select(workspace.c.key).order_by(workspace.c.key)).scalar()


_SIGNED_IN = (
    select(
        user.c.id,
        user.c.email,
        user.c.name,
        session.c.workspace,
        workspace.c.name,
        member.c.role,
        session.c.id,
        session.c.csrf,
    )
    .select_from(session)
    .join(user, user.c.key == session.c.user)
    .join(workspace, workspace.c.key == session.c.workspace)
    .join(member, (member.c.user == session.c.user) & (member.c.workspace == session.c.workspace))
)
