"""Asking a signed-in user for the password again, before what a stolen session must not do."""

from __future__ import annotations

from sqlalchemy import Engine, select

from trailkeeper.errors import FieldError, InvalidInput, TooManyRequests
from trailkeeper.identity.passwords import verify_password
from trailkeeper.identity.throttle import Throttle
from trailkeeper.ledger.schema import user

NOT_YOURS = "is not your password"


class PasswordConfirm:
    """Slowed down per user like a log-in: a stolen session is no place to guess at."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._throttle = Throttle()

    def check(self, user_key: int, password: str, pointer: str) -> str:
        """The hash of the user's password, if this is the password.

        Raises InvalidInput that points to the field, TooManyRequests after many wrong ones.
        """
        with self._engine.connect() as connection:
            kept = connection.execute(
                select(user.c.password_hash).where(user.c.key == user_key)
            ).scalar_one()
        who = str(user_key)
        if wait := self._throttle.wait_s(who, who):
            raise TooManyRequests(
                f"Too many wrong passwords. Try again in {wait} seconds.", retry_after_s=wait
            )
        if not verify_password(kept, password):
            self._throttle.failed(who, who)
            raise InvalidInput(f"This {NOT_YOURS}", FieldError(NOT_YOURS, pointer))
        return kept
