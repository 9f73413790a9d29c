"""Finding a request's API token: looked up in the database, remembered while nothing changed."""

from __future__ import annotations

import contextlib
from typing import Any

from sqlalchemy import Engine, update

from trailkeeper.activity import now_us
from trailkeeper.errors import Problem, StoreUnavailable, Unauthorized
from trailkeeper.identity.secrets import TOKEN_PREFIX, digest
from trailkeeper.identity.tokens import Token
from trailkeeper.ledger.dialect import driver_level
from trailkeeper.ledger.schema import api_token
from trailkeeper.ledger.writer import Transaction, Writer

TOKEN_MAX = 200
REMEMBERED_MAX = 1_000
EXPIRED = "The API token has expired"

USED_EVERY_US = 60_000_000
"""How exact the time of a token's last use is."""


class TokenCheck:
    """Finds a request's token. It is looked up again whenever anything but activities was written,
    by whatever process: a revoked token is refused at once. For one thread."""

    def __init__(self, engine: Engine, writer: Writer) -> None:
        self._engine = engine
        self._connection = engine.connect()
        self._db = driver_level(self._connection)
        self._writer = writer
        self._found: dict[str, Token] = {}
        self._generation = -1
        self._noted: dict[bytes, int] = {}

    def find(self, authorization: str) -> Token:
        """The valid token of an Authorization header, as the database has it now.

        Raises Unauthorized, StoreUnavailable.
        """
        token = _valid(self._row(digest(_presented(authorization))))
        self._used(token)
        return token

    def find_for_append(self, authorization: str) -> tuple[Token, int]:
        """The same, from memory where nothing has changed, and the writer's generation at which
        that was so; the writer asks `still_holds` if it is another by then. Raises Unauthorized.
        """
        generation = self._writer.generation
        if generation != self._generation or len(self._found) > REMEMBERED_MAX:
            self._found.clear()
            self._generation = generation
        token = self._found.get(authorization)
        if token is None:
            token = self._found[authorization] = self.find(authorization)
        else:
            if token.expires_at is not None and token.expires_at <= now_us():
                raise Unauthorized(EXPIRED)
            self._used(token)
        return token, generation

    def close(self) -> None:
        self._connection.close()

    def _row(self, token_hash: bytes) -> Any:
        """Once more over a new connection where the one at hand has broken."""
        try:
            return _row(self._db, token_hash)
        except StoreUnavailable:
            self._connection.close()
            self._connection = self._engine.connect()
            self._db = driver_level(self._connection)
            return _row(self._db, token_hash)

    def _used(self, token: Token) -> None:
        """Note the time of use, in the background and at most once a minute."""
        at = now_us()
        if at - max(token.used_at, self._noted.get(token.token_hash, 0)) < USED_EVERY_US:
            return
        if len(self._noted) > REMEMBERED_MAX:
            self._noted.clear()
        self._noted[token.token_hash] = at

        def work(transaction: Transaction) -> None:
            transaction.connection.execute(
                update(api_token)
                .where(api_token.c.token_hash == token.token_hash)
                .values(last_used_at=at)
            )

        # A full queue is no reason to refuse the request: the next use is noted.
        with contextlib.suppress(Problem):
            self._writer.submit(work)


def still_holds(database: Any, token_hash: bytes) -> Problem | None:
    """For the writer: whether a token is valid in the open transaction, or what is wrong."""
    try:
        _valid(_row(database, token_hash))
    except Unauthorized as problem:
        return problem
    return None


def _presented(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("Send an API token as `Authorization: Bearer tk_…`")
    if not token.startswith(TOKEN_PREFIX) or len(token) > TOKEN_MAX:
        raise Unauthorized("This is not an API token; one starts with `tk_`")
    return token


def _row(database: Any, token_hash: bytes) -> Any:
    return database.execute(
        "SELECT token_hash, id, name, workspace, scopes, expires_at, revoked_at,"
        ' "user", last_used_at FROM api_token WHERE token_hash=?',
        (token_hash,),
    ).fetchone()


def _valid(row: Any) -> Token:
    if row is None:
        raise Unauthorized("The API token is not known here")
    token_hash, id, name, workspace, scopes, expires_at, revoked_at, user, used_at = row
    if revoked_at is not None:
        raise Unauthorized("The API token was revoked")
    if expires_at is not None and expires_at <= now_us():
        raise Unauthorized(EXPIRED)
    return Token(
        id, name, workspace, frozenset(scopes.split()), token_hash, expires_at, user, used_at or 0
    )
