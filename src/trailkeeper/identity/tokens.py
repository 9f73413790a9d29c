"""API tokens: made, revoked, and checked at each request."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct
from sqlalchemy import Engine, insert, select, update

from trailkeeper.activity import ActivityInput, Actor, Context, Target, now_us, uuid7
from trailkeeper.errors import Forbidden, NotFound, Problem, Unauthorized
from trailkeeper.identity.secrets import TOKEN_PREFIX, digest, new_token
from trailkeeper.ledger.recorder import Recorder
from trailkeeper.ledger.schema import api_token
from trailkeeper.ledger.writer import Transaction, Writer

Scope = Literal[
    "activities:write",
    "activities:read",
    "jobs:write",
    "streams:manage",
    "team:manage",
    "assets:manage",
    "admin",
]
SCOPES: tuple[Scope, ...] = Scope.__args__

TOKEN_MAX = 200
REMEMBERED_MAX = 1_000
EXPIRED = "The API token has expired"


class Token(Struct, frozen=True):
    """A valid token, as a request presented it. `admin` includes every other scope."""

    id: str
    name: str
    workspace: int
    scopes: frozenset[str]
    token_hash: bytes
    expires_at: int | None

    def allows(self, scope: Scope) -> bool:
        return scope in self.scopes or "admin" in self.scopes

    def require(self, scope: Scope) -> None:
        """Raises Forbidden without the scope."""
        if not self.allows(scope):
            raise Forbidden(
                f"The token `{self.name}` has not the scope `{scope}`; it has"
                f" {', '.join(f'`{one}`' for one in sorted(self.scopes)) or 'none'}"
            )


class Tokens:
    """The tokens of all workspaces."""

    def __init__(self, engine: Engine, writer: Writer, recorder: Recorder) -> None:
        self._engine = engine
        self._writer = writer
        self._recorder = recorder

    def create(
        self,
        workspace: int,
        name: str,
        scopes: list[Scope],
        by: Actor,
        context: Context,
        expires_at: int | None = None,
    ) -> str:
        """Make a token and record that; it is returned this once and not kept."""
        token = new_token()
        at = now_us()
        id = uuid7(at)
        wanted = sorted(set(scopes))
        made = self._recorder.own(
            workspace,
            ActivityInput(
                action="api_token.created",
                actor=by,
                targets=[Target(type="api_token", id=id, name=name)],
                context=context,
                details={"scopes": wanted},
            ),
        )

        def work(transaction: Transaction) -> None:
            transaction.connection.execute(
                insert(api_token).values(
                    token_hash=digest(token),
                    id=id,
                    workspace=workspace,
                    name=name,
                    scopes=" ".join(wanted),
                    created_at=at,
                    expires_at=expires_at,
                )
            )
            transaction.record(workspace, made)

        self._writer.run(work)
        return token

    def revoke(self, workspace: int, id: str, by: Actor, context: Context) -> None:
        """Revoke a token, at once and for good, and record that. Raises NotFound."""

        def work(transaction: Transaction) -> None:
            row = transaction.connection.execute(
                update(api_token)
                .where(
                    api_token.c.workspace == workspace,
                    api_token.c.id == id,
                    api_token.c.revoked_at.is_(None),
                )
                .values(revoked_at=now_us())
                .returning(api_token.c.name)
            ).first()
            if not row:
                raise NotFound(f"There is no valid token {id} in this workspace")
            revoked = self._recorder.own(
                workspace,
                ActivityInput(
                    action="api_token.revoked",
                    actor=by,
                    targets=[Target(type="api_token", id=id, name=row.name)],
                    context=context,
                ),
            )
            transaction.record(workspace, revoked)

        self._writer.run(work)

    def listed(self, workspace: int) -> list[dict[str, Any]]:
        """All tokens of a workspace, newest first, without what proves them."""
        columns = [column for column in api_token.c if column.name != "token_hash"]
        with self._engine.connect() as connection:
            rows = connection.execute(
                select(*columns)
                .where(api_token.c.workspace == workspace)
                .order_by(api_token.c.created_at.desc())
            ).mappings()
            return [{str(name): value for name, value in row.items()} for row in rows]


class TokenCheck:
    """Finds a request's token. It is looked up again whenever anything but activities was written,
    by whatever process: a revoked token is refused at once. For one thread."""

    def __init__(self, engine: Engine, writer: Writer) -> None:
        self._connection = engine.connect()
        raw: Any = self._connection.connection.driver_connection
        self._db = raw
        self._writer = writer
        self._found: dict[str, Token] = {}
        self._generation = -1

    def find(self, authorization: str) -> Token:
        """The valid token of an Authorization header, as the database has it now.

        Raises Unauthorized.
        """
        token = _presented(authorization)
        return _valid(_row(self._db, digest(token)))

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
        elif token.expires_at is not None and token.expires_at <= now_us():
            raise Unauthorized(EXPIRED)
        return token, generation

    def close(self) -> None:
        self._connection.close()


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
        "SELECT token_hash, id, name, workspace, scopes, expires_at, revoked_at FROM api_token"
        " WHERE token_hash=?",
        (token_hash,),
    ).fetchone()


def _valid(row: Any) -> Token:
    if row is None:
        raise Unauthorized("The API token is not known here")
    token_hash, id, name, workspace, scopes, expires_at, revoked_at = row
    if revoked_at is not None:
        raise Unauthorized("The API token was revoked")
    if expires_at is not None and expires_at <= now_us():
        raise Unauthorized(EXPIRED)
    return Token(id, name, workspace, frozenset(scopes.split()), token_hash, expires_at)
