"""Passkeys (WebAuthn) as a second factor, beside or instead of an authenticator app.

A passkey belongs to the host name of the public address. Each log-in has a challenge of its own,
which is good once and for ten minutes.
"""

from __future__ import annotations

import base64
import ipaddress
import json
from typing import Any
from urllib.parse import urlsplit

import msgspec
import webauthn
from itsdangerous import BadData, URLSafeTimedSerializer
from msgspec import Struct
from sqlalchemy import delete, func, insert, select, update
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from trailkeeper.activity import Context, Target, now_us, uuid7
from trailkeeper.errors import Conflict, FieldError, InvalidInput, NotFound
from trailkeeper.identity import links
from trailkeeper.identity.confirm import PasswordConfirm
from trailkeeper.identity.factors import is_protected
from trailkeeper.identity.names import checked_name
from trailkeeper.identity.sessions import end_sessions, renew
from trailkeeper.identity.signed_in import SignedIn
from trailkeeper.identity.store import Store
from trailkeeper.identity.two_factor import keep_codes, new_codes, remove
from trailkeeper.ledger.schema import passkey
from trailkeeper.ledger.writer import Transaction

OFFER_MAX_AGE_S = 30 * 60
CHALLENGE_MINUTES = 10
RESPONSE_MAX = 20_000
PASSKEYS_MAX = 20
RP_NAME = "Trailkeeper"


class Passkey(Struct, frozen=True):
    """A passkey in its user's list. Times are microseconds."""

    id: str
    name: str
    created_at: int
    last_used_at: int | None


class Passkeys:
    """The passkeys of all users."""

    def __init__(
        self, store: Store, confirm: PasswordConfirm, secret: bytes, public_url: str
    ) -> None:
        self._store = store
        self._confirm = confirm
        self._offers = URLSafeTimedSerializer(secret, salt="trailkeeper passkey")
        parts = urlsplit(public_url)
        self._host = parts.hostname or ""
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._secure = parts.scheme == "https" or self._host == "localhost"

    @property
    def usable(self) -> bool:
        """Whether browsers take passkeys at the public address: it needs a host name, and TLS
        unless that is `localhost`."""
        return self._secure and not _is_address(self._host)

    def listed(self, user_key: int) -> list[Passkey]:
        """A user's passkeys, oldest first."""
        with self._store.reading() as connection:
            rows = connection.execute(
                select(passkey.c.id, passkey.c.name, passkey.c.created_at, passkey.c.last_used_at)
                .where(passkey.c.user == user_key)
                .order_by(passkey.c.key)
            ).all()
        return [Passkey(*row) for row in rows]

    def offer(self, who: SignedIn) -> tuple[str, str]:
        """For the browser, what to make a passkey with, as JSON; and what the form has to send
        back, good for half an hour in this session."""
        options = webauthn.generate_registration_options(
            rp_id=self._host,
            rp_name=RP_NAME,
            user_id=who.user_id.encode(),
            user_name=who.email,
            user_display_name=who.name,
            exclude_credentials=self._descriptors(who.user),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.DISCOURAGED,
                user_verification=UserVerificationRequirement.DISCOURAGED,
            ),
        )
        challenge = base64.b64encode(options.challenge).decode()
        return webauthn.options_to_json(options), str(
            self._offers.dumps([who.user_id, who.session_id, challenge])
        )

    def add(
        self,
        who: SignedIn,
        kept: str,
        name: str,
        response: str,
        password: str,
        cookie: str,
        context: Context,
    ) -> list[str]:
        """Add a passkey, with the user's password. If it is the first second factor, that is what
        is recorded, the other sessions end, and the recovery codes are returned, this once.

        The session goes on under `cookie`. Raises InvalidInput, Conflict.
        """
        name = checked_name(name, "The passkey's name", "/name")
        self._confirm.check(who.user, password, "/password")
        made = self._verified(who, kept, response)
        at = now_us()
        id = uuid7(at)
        codes = new_codes()
        by = who.by(context)

        def work(transaction: Transaction) -> list[str]:
            connection = transaction.connection
            mine = connection.execute(
                select(func.count()).select_from(passkey).where(passkey.c.user == who.user)
            ).scalar_one()
            there = connection.execute(
                select(passkey.c.key).where(passkey.c.credential_id == made.credential_id)
            ).first()
            if there or mine >= PASSKEYS_MAX:
                raise Conflict("This passkey is there already, or there are too many")
            is_first = not is_protected(connection, who.user)
            connection.execute(
                insert(passkey).values(
                    id=id,
                    user=who.user,
                    credential_id=made.credential_id,
                    public_key=made.credential_public_key,
                    sign_count=made.sign_count,
                    name=name,
                    created_at=at,
                )
            )
            if is_first:
                keep_codes(transaction, who.user, codes)
                end_sessions(transaction, who.user, but=who.session_id)
            renew(transaction, who.session_id, cookie)
            if is_first:
                enabled = by.activity(
                    "user.two_factor_enabled", who.target, details={"method": "passkey"}
                )
                self._store.record(transaction, who.workspace, enabled)
                return codes
            added = by.activity("passkey.added", Target(type="passkey", id=id, name=name))
            self._store.record(transaction, who.workspace, added)
            return []

        return self._store.change(work)

    def remove(self, who: SignedIn, id: str, password: str, cookie: str, context: Context) -> None:
        """Remove a passkey, with the user's password; with the last second factor the recovery
        codes go, too. Raises InvalidInput, NotFound."""
        self._confirm.check(who.user, password, "/password")
        by = who.by(context)

        def work(transaction: Transaction) -> None:
            row = transaction.connection.execute(
                delete(passkey)
                .where(passkey.c.user == who.user, passkey.c.id == id)
                .returning(passkey.c.name)
            ).first()
            if row is None:
                raise NotFound("You have no such passkey")
            renew(transaction, who.session_id, cookie)
            sent = by.activity("passkey.removed", Target(type="passkey", id=id, name=row.name))
            if not is_protected(transaction.connection, who.user):
                remove(transaction, who.user)
                sent = by.activity(
                    "user.two_factor_disabled", who.target, details={"method": "passkey"}
                )
            self._store.record(transaction, who.workspace, sent)

        self._store.change(work)

    def ask(self, user_key: int) -> str | None:
        """For the browser, what to log in with, as JSON; None where the user has no passkey. The
        challenge of the user's last question ends."""
        descriptors = self._descriptors(user_key)
        if not descriptors or not self.usable:
            return None
        challenge = self._store.change(
            lambda transaction: links.make(
                transaction.connection, "passkey", user_key, CHALLENGE_MINUTES
            )
        )
        options = webauthn.generate_authentication_options(
            rp_id=self._host,
            challenge=challenge.encode(),
            allow_credentials=descriptors,
            user_verification=UserVerificationRequirement.DISCOURAGED,
        )
        return webauthn.options_to_json(options)

    def use(self, transaction: Transaction, user_key: int, response: str) -> bool:
        """Whether the browser's answer proves a passkey of the user; it uses its challenge up."""
        connection = transaction.connection
        try:
            sent = _parsed(response)
            credential_id = webauthn.base64url_to_bytes(sent["rawId"])
            told = json.loads(webauthn.base64url_to_bytes(sent["response"]["clientDataJSON"]))
            challenge = webauthn.base64url_to_bytes(told["challenge"])
            row = connection.execute(
                select(passkey).where(
                    passkey.c.user == user_key, passkey.c.credential_id == credential_id
                )
            ).first()
            asked = links.take(connection, "passkey", challenge.decode())
            if row is None or asked.user != user_key:
                return False
            verified = webauthn.verify_authentication_response(
                credential=sent,
                expected_challenge=challenge,
                expected_rp_id=self._host,
                expected_origin=self._origin,
                credential_public_key=row.public_key,
                credential_current_sign_count=row.sign_count,
            )
        except (WebAuthnException, NotFound, ValueError, TypeError, KeyError):
            return False
        connection.execute(
            update(passkey)
            .where(passkey.c.key == row.key)
            .values(sign_count=verified.new_sign_count, last_used_at=now_us())
        )
        return True

    def _verified(self, who: SignedIn, kept: str, response: str) -> Any:
        try:
            user_id, session_id, challenge = self._offers.loads(kept, max_age=OFFER_MAX_AGE_S)
        except (BadData, ValueError, TypeError):
            raise InvalidInput("The page was open for too long; start again") from None
        if (user_id, session_id) != (who.user_id, who.session_id):
            raise InvalidInput("The page belongs to another session; start again")
        try:
            return webauthn.verify_registration_response(
                credential=_parsed(response),
                expected_challenge=base64.b64decode(challenge),
                expected_rp_id=self._host,
                expected_origin=self._origin,
            )
        except (WebAuthnException, ValueError, TypeError, KeyError):
            detail = "was not made, or not for this address"
            raise InvalidInput(f"The passkey {detail}", FieldError(detail, "/response")) from None

    def _descriptors(self, user_key: int) -> list[PublicKeyCredentialDescriptor]:
        with self._store.reading() as connection:
            ids = connection.execute(
                select(passkey.c.credential_id).where(passkey.c.user == user_key)
            ).scalars()
            return [PublicKeyCredentialDescriptor(id=one) for one in ids]


def _parsed(response: str) -> dict[str, Any]:
    """Raises ValueError."""
    if len(response) > RESPONSE_MAX:
        raise ValueError("too long")
    return msgspec.json.decode(response, type=dict[str, Any])


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
