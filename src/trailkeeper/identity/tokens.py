"""API tokens: made, revoked, and checked at each request."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct
from sqlalchemy import Engine, insert, select, update

from trailkeeper.activity import ActivityInput, Actor, Context, Target, now_us, uuid7
from trailkeeper.errors import Forbidden, NotFound, Unauthorized
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


class Token(Struct, frozen=True):
    """A valid token, as a request presented it. `admin` includes every other scope."""

    id: str
    name: str
    workspace: int
    scopes: frozenset[str]

    def allows(self, scope: Scope) -> bool:
        return scope in self.scopes or "admin" in self.scopes

    def require(self, scope: Scope) -> None:
        """Raises Forbidden without the scope."""
        if not self.allows(scope):
            raise Forbidden(
                f"The token `{self.name}` has not the scope `{scope}`; it has"
                f" {', '.join(f'`{one}`' for one in sorted(self.scopes)) or 'none'}"
            )


class _Found(Struct, frozen=True):
    token: Token
    expires_at: int | None


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
    """Finds a request's token, on a connection of its own; for one thread."""

    def __init__(self, engine: Engine) -> None:
        self._connection = engine.connect()
        raw: Any = self._connection.connection.driver_connection
        self._db = raw
        self._found: dict[str, _Found] = {}
        self._data_version = -1

    def find(self, authorization: str) -> Token:
        """The valid token of an Authorization header. Raises Unauthorized.

        It is looked up anew whenever anything was committed since: a revoked token is refused at
        once, whoever revoked it.
        """
        version: int = self._db.execute("PRAGMA data_version").fetchone()[0]
        if version != self._data_version:
            self._data_version = version
            self._found.clear()
        row = self._found.get(authorization)
        if row is None:
            row = self._look_up(authorization)
            if len(self._found) < REMEMBERED_MAX:
                self._found[authorization] = row
        if row.expires_at is not None and row.expires_at <= now_us():
            raise Unauthorized("The API token has expired")
        return row.token

    def _look_up(self, authorization: str) -> _Found:
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized("Send an API token as `Authorization: Bearer tk_…`")
        if not token.startswith(TOKEN_PREFIX) or len(token) > TOKEN_MAX:
            raise Unauthorized("This is not an API token; one starts with `tk_`")
        row = self._db.execute(
            "SELECT id, name, workspace, scopes, expires_at, revoked_at FROM api_token"
            " WHERE token_hash=?",
            (digest(token),),
        ).fetchone()
        if row is None:
            raise Unauthorized("The API token is not known here")
        id, name, workspace, scopes, expires_at, revoked_at = row
        if revoked_at is not None:
            raise Unauthorized("The API token was revoked")
        return _Found(Token(id, name, workspace, frozenset(scopes.split())), expires_at)

    def close(self) -> None:
        self._connection.close()
