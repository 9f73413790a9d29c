"""Logging in with a password, and a code where the user has a second factor."""

from __future__ import annotations

import contextlib
import hmac
from collections.abc import Callable
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer
from msgspec import Struct
from sqlalchemy import select

from trailkeeper.activity import ActivityInput, Actor, Context, Target
from trailkeeper.errors import TooManyRequests, Unauthorized
from trailkeeper.identity.factors import has_second_factor
from trailkeeper.identity.passkeys import Passkeys
from trailkeeper.identity.passwords import verify_password
from trailkeeper.identity.secrets import digest
from trailkeeper.identity.sessions import Sessions, SsoNeeded
from trailkeeper.identity.signed_in import SignedIn
from trailkeeper.identity.store import Store
from trailkeeper.identity.throttle import Throttle
from trailkeeper.identity.two_factor import TwoFactor
from trailkeeper.ledger.schema import member, user, workspace
from trailkeeper.ledger.writer import Transaction

CHALLENGE_MAX_AGE_S = 10 * 60
PASSWORD_LOGIN = "password_login"  # noqa: S105


class LogInFailed(Unauthorized):
    """E-mail or password is wrong; which of them is not said."""

    def __init__(self) -> None:
        super().__init__("The e-mail address or the password is wrong.")


class WrongCode(Unauthorized):
    """The code of the second factor is wrong, or was used before."""

    def __init__(self) -> None:
        super().__init__("The code is wrong or was used before.")


class ChallengeEnded(Unauthorized):
    """The password was given too long ago, or has changed since."""

    def __init__(self) -> None:
        super().__init__("That took too long. Log in again.")


class CodeNeeded(Exception):
    """The password is right, and a code is needed: `challenge` says so, for ten minutes."""

    def __init__(self, challenge: str) -> None:
        super().__init__("A code is needed")
        self.challenge = challenge


class Throttled(TooManyRequests):
    """Too many failed log-ins from there; the next is looked at after `retry_after_s`."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("Too many failed log-ins.", retry_after_s=retry_after_s)


class Account(Struct, frozen=True):
    """A user, and the workspace that a log-in leads to."""

    key: int
    id: str
    email: str
    name: str
    password_hash: str
    has_two_factor: bool
    workspace: int

    @property
    def actor(self) -> Actor:
        return Actor(type="user", id=self.id, name=self.name, email=self.email)

    @property
    def target(self) -> Target:
        return Target(type="user", id=self.id, name=self.name, email=self.email)


class LogIn:
    """Each log-in and each failed one is recorded."""

    def __init__(
        self,
        store: Store,
        sessions: Sessions,
        two_factor: TwoFactor,
        passkeys: Passkeys,
        secret: bytes,
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._two_factor = two_factor
        self._passkeys = passkeys
        self._challenges = URLSafeTimedSerializer(secret, salt="trailkeeper second factor")
        self._throttle = Throttle()

    def with_password(self, email: str, password: str, context: Context) -> tuple[str, SignedIn]:
        """Start a session in the user's first workspace: the cookie's value, and who it is.

        Raises LogInFailed, alike and after the same time whether the user exists or not,
        CodeNeeded, Throttled, or SsoNeeded where all of the user's workspaces ask for single
        sign-on.
        """
        account = email.strip().lower()[:320]
        address = context.ip_address or "unknown"
        if wait := self._throttle.wait_s(account, address):
            raise Throttled(wait)
        found = self.find(account)
        if not verify_password(found.password_hash if found else None, password) or not found:
            self._throttle.failed(account, address)
            self._record_failure(account, found, context)
            raise LogInFailed
        if found.has_two_factor:
            raise CodeNeeded(str(self._challenges.dumps([found.email, _mark(found)])))
        return self._enter(found, {"activity": PASSWORD_LOGIN}, context)

    def with_code(self, challenge: str, code: str, context: Context) -> tuple[str, SignedIn]:
        """The second step, with a TOTP or a recovery code.

        Raises WrongCode, ChallengeEnded, Throttled, SsoNeeded.
        """

        def use(transaction: Transaction, found: Account) -> str | None:
            return self._two_factor.use(transaction, found.key, found.id, code)

        return self._second_step(challenge, use, "wrong code", context)

    def passkey_options(self, challenge: str) -> str | None:
        """For the browser, how to log in with a passkey, as JSON; None for users without one.
        Raises ChallengeEnded."""
        return self._passkeys.ask(self._challenged(challenge).key)

    def with_passkey(self, challenge: str, response: str, context: Context) -> tuple[str, SignedIn]:
        """The second step, with a browser's answer to `passkey_options`.

        Raises WrongCode, ChallengeEnded, Throttled, SsoNeeded.
        """

        def use(transaction: Transaction, found: Account) -> str | None:
            proven = self._passkeys.use(transaction, found.key, response)
            return "passkey" if proven else None

        return self._second_step(challenge, use, "wrong passkey", context)

    def _second_step(
        self,
        challenge: str,
        how: Callable[[Transaction, Account], str | None],
        wrong: str,
        context: Context,
    ) -> tuple[str, SignedIn]:
        found = self._challenged(challenge)
        address = context.ip_address or "unknown"
        if wait := self._throttle.wait_s(found.email, address):
            raise Throttled(wait)
        details: dict[str, Any] = {"activity": PASSWORD_LOGIN}

        def use(transaction: Transaction) -> None:
            kind = how(transaction, found)
            if kind is None:
                raise WrongCode
            details["second_factor"] = kind

        try:
            return self._enter(found, details, context, use)
        except WrongCode:
            self._throttle.failed(found.email, address)
            self._record_failure(found.email, found, context, wrong)
            raise

    def find(self, email: str) -> Account | None:
        """The user with this e-mail address, in the workspace that was joined first."""
        with self._store.reading() as connection:
            row = connection.execute(
                select(
                    user.c.key,
                    user.c.id,
                    user.c.email,
                    user.c.name,
                    user.c.password_hash,
                    has_second_factor().label("has_two_factor"),
                    member.c.workspace,
                )
                .join(member, member.c.user == user.c.key)
                .where(user.c.email == email)
                .order_by(member.c.created_at)
                .limit(1)
            ).first()
        return Account(*row) if row else None

    def _enter(
        self,
        found: Account,
        details: dict[str, Any],
        context: Context,
        also: Callable[[Transaction], None] | None = None,
    ) -> tuple[str, SignedIn]:
        """Start a session in the first workspace that takes one without single sign-on."""
        for key in self._workspaces(found.key):
            with contextlib.suppress(SsoNeeded):
                return self._sessions.enter(found.key, key, _entered(details), context, also=also)
        raise SsoNeeded

    def _workspaces(self, user_key: int) -> list[int]:
        with self._store.reading() as connection:
            rows = connection.execute(
                select(member.c.workspace)
                .where(member.c.user == user_key)
                .order_by(member.c.created_at)
            )
            return list(rows.scalars())

    def _challenged(self, challenge: str) -> Account:
        try:
            email, mark = self._challenges.loads(challenge, max_age=CHALLENGE_MAX_AGE_S)
        except (BadData, ValueError, TypeError):
            raise ChallengeEnded from None
        found = self.find(str(email))
        if not found or not found.has_two_factor:
            raise ChallengeEnded
        if not hmac.compare_digest(_mark(found), str(mark)):
            raise ChallengeEnded
        return found

    def _record_failure(
        self,
        account: str,
        found: Account | None,
        context: Context,
        reason: str = "wrong password",
    ) -> None:
        """Record a failed log-in: with the user's workspace, or, when nobody has this e-mail
        address, with the installation's first."""
        if found:
            key, id, name, email = found.workspace, found.id, found.name, found.email
        else:
            key, id, name, email = self._first_workspace(), account[:200], account, account
            reason = "unknown user"
        if key is None or not id.isprintable() or not id.strip():
            return
        failed = ActivityInput(
            action="user.login_failed",
            actor=Actor(type="user", id=id, name=name, email=email),
            targets=[Target(type="user", id=id, name=name, email=email)],
            outcome="failure",
            reason=reason,
            context=context,
            details={"activity": PASSWORD_LOGIN},
        )
        self._store.append(key, failed)

    def _first_workspace(self) -> int | None:
        with self._store.reading() as connection:
            return connection.execute(select(workspace.c.key).order_by(workspace.c.key)).scalar()


def _mark(account: Account) -> str:
    """What of the password a challenge is bound to, so that changing it ends the challenge."""
    return digest(account.password_hash).hex()[:32]


def _entered(details: dict[str, Any]) -> Callable[[SignedIn], ActivityInput]:
    def entered(who: SignedIn) -> ActivityInput:
        return ActivityInput(
            action="user.logged_in", actor=who.actor, targets=[who.target], details=dict(details)
        )

    return entered
