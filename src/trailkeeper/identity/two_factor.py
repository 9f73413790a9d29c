"""The second factor: TOTP codes (RFC 6238) and recovery codes.

A user's TOTP key is sealed with the installation's key; of recovery codes only the SHA-256 is
kept. A code is taken once: of TOTP the last time step is kept, a recovery code is marked as used,
both inside the writer's transaction, so that two requests at once cannot use the same.
"""

from __future__ import annotations

import base64
import hmac
import secrets

from itsdangerous import BadData, URLSafeTimedSerializer
from pyotp import random_base32
from pyotp.totp import TOTP
from sqlalchemy import Connection, delete, func, insert, select, update

from trailkeeper.activity import Context, now_us
from trailkeeper.errors import Conflict, FieldError, InvalidInput
from trailkeeper.identity.confirm import PasswordConfirm
from trailkeeper.identity.factors import is_protected
from trailkeeper.identity.seal import Seal, SealBroken
from trailkeeper.identity.secrets import digest
from trailkeeper.identity.sessions import end_sessions, renew
from trailkeeper.identity.signed_in import SignedIn
from trailkeeper.identity.store import Store
from trailkeeper.ledger.schema import passkey, recovery_code, user
from trailkeeper.ledger.writer import Transaction

STEP_S = 30
CODES = 10
PENDING_MAX_AGE_S = 30 * 60
ISSUER = "Trailkeeper"

WRONG_CODE = "is not the code of this minute; a code can be used once"


class TwoFactor:
    """Enabling, disabling and using the second factor of users."""

    def __init__(self, store: Store, confirm: PasswordConfirm, secret: bytes) -> None:
        self._store = store
        self._confirm = confirm
        self._seal = Seal(secret, "two-factor")
        self._pending = URLSafeTimedSerializer(secret, salt="trailkeeper pending two-factor")

    def is_enabled(self, user_key: int) -> bool:
        """Whether the user has any second factor."""
        with self._store.reading() as connection:
            return is_protected(connection, user_key)

    def has_app(self, user_key: int) -> bool:
        """Whether the user has an authenticator app."""
        with self._store.reading() as connection:
            return _sealed_key(connection, user_key) is not None

    def codes_left(self, user_key: int) -> int:
        """Recovery codes that were not used yet."""
        with self._store.reading() as connection:
            return connection.execute(
                select(func.count())
                .select_from(recovery_code)
                .where(recovery_code.c.user == user_key, recovery_code.c.used_at.is_(None))
            ).scalar_one()

    def new_key(self) -> str:
        """A key to enable it with; nothing is kept of it here until then."""
        return random_base32()

    def address(self, signed_in: SignedIn, key: str) -> str:
        """The `otpauth:` address of a key, for a QR code."""
        return TOTP(key).provisioning_uri(name=signed_in.email, issuer_name=ISSUER)

    def keep(self, signed_in: SignedIn, key: str) -> str:
        """What the form has to send back: the key sealed, good for half an hour in this
        session."""
        sealed = self._seal.seal(key, f"pending {signed_in.user_id} {signed_in.session_id}")
        return str(self._pending.dumps(base64.b64encode(sealed).decode()))

    def offered(self, signed_in: SignedIn, kept: str) -> str:
        """The key that a form sent back. Raises InvalidInput when it is too old or not ours."""
        try:
            sealed = base64.b64decode(self._pending.loads(kept, max_age=PENDING_MAX_AGE_S))
            return self._seal.open(sealed, f"pending {signed_in.user_id} {signed_in.session_id}")
        except (BadData, SealBroken, ValueError, TypeError):
            raise InvalidInput("The page was open for too long; start again") from None

    def enable(
        self,
        signed_in: SignedIn,
        kept: str,
        code: str,
        password: str,
        cookie: str,
        context: Context,
    ) -> list[str]:
        """Enable it with a code of the offered key and the user's password, so that a stolen
        session locks nobody out; returns the recovery codes, this once.

        The session goes on under `cookie`. Raises InvalidInput, Conflict.
        """
        key = self.offered(signed_in, kept)
        self._confirm.check(signed_in.user, password, "/password")
        step = _step_of(key, code, -1)
        if step is None:
            raise InvalidInput(f"The code {WRONG_CODE}", FieldError(WRONG_CODE, "/code"))
        codes = new_codes()

        def work(transaction: Transaction) -> None:
            if _sealed_key(transaction.connection, signed_in.user) is not None:
                raise Conflict("There is an authenticator app already")
            transaction.connection.execute(
                update(user)
                .where(user.c.key == signed_in.user)
                .values(totp_sealed=self._seal.seal(key, signed_in.user_id), totp_last_step=step)
            )
            keep_codes(transaction, signed_in.user, codes)
            end_sessions(transaction, signed_in.user, but=signed_in.session_id)
            renew(transaction, signed_in.session_id, cookie)
            self._record(transaction, signed_in, "user.two_factor_enabled", context, "totp")

        self._store.change(work)
        return codes

    def disable(self, signed_in: SignedIn, password: str, cookie: str, context: Context) -> None:
        """Disable it: authenticator app, passkeys and recovery codes are gone. Raises InvalidInput
        for a wrong password, Conflict when it is off."""
        self._confirm.check(signed_in.user, password, "/password")

        def work(transaction: Transaction) -> None:
            methods = remove(transaction, signed_in.user)
            if not methods:
                raise Conflict("Two-factor authentication is off already")
            renew(transaction, signed_in.session_id, cookie)
            self._record(transaction, signed_in, "user.two_factor_disabled", context, methods)

        self._store.change(work)

    def view_codes(self, signed_in: SignedIn, password: str, context: Context) -> list[str]:
        """A fresh set of recovery codes, because only hashes of the old ones are kept; those end.
        Raises InvalidInput for a wrong password, Conflict when it is off."""
        self._confirm.check(signed_in.user, password, "/password")
        codes = new_codes()

        def work(transaction: Transaction) -> None:
            if not is_protected(transaction.connection, signed_in.user):
                raise Conflict("Two-factor authentication is off")
            keep_codes(transaction, signed_in.user, codes)
            self._record(transaction, signed_in, "user.recovery_codes_viewed", context)

        self._store.change(work)
        return codes

    def use(self, transaction: Transaction, user_key: int, user_id: str, code: str) -> str | None:
        """Use up a code inside a transaction: `totp`, `recovery_code`, or None if it is wrong."""
        connection = transaction.connection
        row = connection.execute(
            select(user.c.totp_sealed, user.c.totp_last_step).where(user.c.key == user_key)
        ).first()
        if row is None:
            return None
        step = None
        if row.totp_sealed is not None:
            key = self._seal.open(row.totp_sealed, user_id)
            step = _step_of(key, code, row.totp_last_step or -1)
        if step is not None:
            connection.execute(
                update(user).where(user.c.key == user_key).values(totp_last_step=step)
            )
            return "totp"
        used = connection.execute(
            update(recovery_code)
            .where(
                recovery_code.c.user == user_key,
                recovery_code.c.code_hash == _code_hash(code),
                recovery_code.c.used_at.is_(None),
            )
            .values(used_at=now_us())
        )
        return "recovery_code" if used.rowcount else None

    def _record(
        self,
        transaction: Transaction,
        signed_in: SignedIn,
        action: str,
        context: Context,
        method: str = "",
    ) -> None:
        sent = signed_in.by(context).activity(
            action, signed_in.target, details={"method": method} if method else None
        )
        self._store.record(transaction, signed_in.workspace, sent)


def remove(transaction: Transaction, user_key: int) -> str:
    """Take away all of a user's second factors, inside another operation; returns which there
    were, such as `totp, passkey`, or nothing."""
    connection = transaction.connection
    methods = ["totp"] if _sealed_key(connection, user_key) is not None else []
    connection.execute(
        update(user).where(user.c.key == user_key).values(totp_sealed=None, totp_last_step=None)
    )
    connection.execute(delete(recovery_code).where(recovery_code.c.user == user_key))
    if connection.execute(delete(passkey).where(passkey.c.user == user_key)).rowcount:
        methods.append("passkey")
    return ", ".join(methods)


def _step_of(key: str, code: str, after: int) -> int | None:
    """The time step, later than `after` and at most one off now, of which this is the code."""
    plain = "".join(code.split())
    if len(plain) != 6 or not plain.isascii() or not plain.isdigit():
        return None
    now = now_us() // 1_000_000 // STEP_S
    found = None
    for step in (now - 1, now, now + 1):
        fits = hmac.compare_digest(TOTP(key).generate_otp(step), plain)
        found = step if fits and step > after else found
    return found


def new_codes() -> list[str]:
    """Recovery codes of 80 random bits each."""
    texts = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(CODES)]
    return ["-".join(text[at : at + 4] for at in range(0, 16, 4)) for text in texts]


def _code_hash(code: str) -> bytes:
    return digest("".join(code.lower().replace("-", "").split())[:64])


def keep_codes(transaction: Transaction, user_key: int, codes: list[str]) -> None:
    """Keep the hashes of new recovery codes; the old ones end."""
    connection = transaction.connection
    connection.execute(delete(recovery_code).where(recovery_code.c.user == user_key))
    connection.execute(
        insert(recovery_code),
        [{"user": user_key, "code_hash": _code_hash(code), "used_at": None} for code in codes],
    )


def _sealed_key(connection: Connection, user_key: int) -> bytes | None:
    return connection.execute(select(user.c.totp_sealed).where(user.c.key == user_key)).scalar()
