"""API tokens: made, rotated and revoked; and members' own API keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct
from sqlalchemy import delete, insert, select, update

from trailkeeper.activity import Context, Target, now_us, uuid7
from trailkeeper.errors import FieldError, Forbidden, InvalidInput, NotFound
from trailkeeper.identity.acting import By
from trailkeeper.identity.names import checked_name
from trailkeeper.identity.privileges import PRIVILEGES, Privilege
from trailkeeper.identity.secrets import digest, new_token
from trailkeeper.identity.signed_in import SignedIn
from trailkeeper.identity.store import Store
from trailkeeper.ledger.schema import api_token
from trailkeeper.ledger.writer import Transaction

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

_PRIVILEGES: dict[str, tuple[Privilege, ...]] = {
    "activities:read": ("activity_audit.view",),
    "streams:manage": ("streams.manage",),
    "team:manage": ("team.manage", "roles.manage"),
    "assets:manage": (
        *("recipes.view", "recipes.edit", "recipes.run", "connections.view", "connections.edit"),
        *("tools.view", "tools.edit", "lifecycle.manage", "api_platform.manage"),
    ),
    "jobs:write": ("jobs.view",),
}


def privileges_of_scopes(scopes: frozenset[str]) -> frozenset[str]:
    """What a token with these scopes may do, in the words of roles."""
    if "admin" in scopes:
        return frozenset(PRIVILEGES)
    return frozenset(privilege for scope in scopes for privilege in _PRIVILEGES.get(scope, ()))


class Token(Struct, frozen=True):
    """A valid token, as a request presented it. `admin` includes every other scope."""

    id: str
    name: str
    workspace: int
    scopes: frozenset[str]
    token_hash: bytes
    expires_at: int | None
    user: int | None = None
    """The member whose own API key it is; then it may what the member may."""
    used_at: int = 0

    def allows(self, scope: Scope) -> bool:
        return scope in self.scopes or "admin" in self.scopes

    def require(self, scope: Scope) -> None:
        """Raises Forbidden without the scope."""
        if not self.allows(scope):
            raise Forbidden(
                f"The token `{self.name}` has not the scope `{scope}`; it has"
                f" {', '.join(f'`{one}`' for one in sorted(self.scopes)) or 'none'}"
            )


class NewToken(Struct, frozen=True):
    """A token just made; `token` is shown this once and not kept."""

    id: str
    name: str
    token: str


class ApiClient(Struct, frozen=True):
    """A token as its list shows it. Times are microseconds."""

    id: str
    name: str
    scopes: list[str]
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    last_used_at: int | None

    @property
    def state(self) -> str:
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= now_us():
            return "expired"
        return "valid"


class Tokens:
    """The tokens of all workspaces. Nobody gives a token more than they may do themselves."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(
        self, by: By, name: str, scopes: list[Scope], expires_at: int | None = None
    ) -> NewToken:
        """Make a token and record that. Raises Forbidden, InvalidInput."""
        self._store.require(by, "api_clients.manage", "Make an API client")
        name = checked_name(name, "The token's name", "/name")
        wanted = sorted(set(scopes))
        if not wanted:
            raise InvalidInput("Choose a scope", FieldError("choose at least one", "/scopes"))
        self._check_scopes(by, wanted)
        at = now_us()
        made = NewToken(uuid7(at), name, new_token())
        sent = by.activity(
            "api_token.created",
            Target(type="api_token", id=made.id, name=name),
            details={"scopes": wanted},
        )

        def work(transaction: Transaction) -> None:
            transaction.connection.execute(
                insert(api_token).values(
                    token_hash=digest(made.token),
                    id=made.id,
                    workspace=by.workspace,
                    name=name,
                    scopes=" ".join(wanted),
                    created_at=at,
                    expires_at=expires_at,
                )
            )
            self._store.record(transaction, by.workspace, sent)

        self._store.change(work)
        return made

    def rotate(self, by: By, id: str) -> NewToken:
        """A new token under the same id, with the same scopes; the old one is refused at once.
        Raises Forbidden, NotFound."""
        self._store.require(by, "api_clients.manage", "Rotate an API client")
        old = self.find(by.workspace, id)
        self._check_scopes(by, old.scopes)
        made = NewToken(id, old.name, new_token())

        def work(transaction: Transaction) -> None:
            self._change(transaction, by, id, token_hash=digest(made.token))
            target = Target(type="api_token", id=id, name=old.name)
            sent = by.activity("api_token.rotated", target)
            self._store.record(transaction, by.workspace, sent)

        self._store.change(work)
        return made

    def revoke(self, by: By, id: str) -> None:
        """Revoke a token, at once and for good, and record that. Raises Forbidden, NotFound."""
        self._store.require(by, "api_clients.manage", "Revoke an API client")

        def work(transaction: Transaction) -> None:
            name = self._change(transaction, by, id, revoked_at=now_us())
            target = Target(type="api_token", id=id, name=name)
            self._store.record(transaction, by.workspace, by.activity("api_token.revoked", target))

        self._store.change(work)

    def listed(self, workspace: int) -> list[ApiClient]:
        """All API clients of a workspace, newest first."""
        with self._store.reading() as connection:
            rows = connection.execute(
                _CLIENTS.where(
                    api_token.c.workspace == workspace, api_token.c.user.is_(None)
                ).order_by(api_token.c.created_at.desc())
            ).all()
        return [_client(row) for row in rows]

    def find(self, workspace: int, id: str) -> ApiClient:
        """A valid API client. Raises NotFound."""
        for client in self.listed(workspace):
            if client.id == id and client.revoked_at is None:
                return client
        raise _none(id)

    def refresh_key(self, who: SignedIn, context: Context) -> NewToken:
        """A new API key of the member's own for this workspace; the old one is refused at once."""
        at = now_us()
        made = NewToken(uuid7(at), f"API key of {who.name}"[:200], new_token())
        target = Target(type="api_key", id=made.id, name=made.name)
        sent = who.by(context).activity("api_key.refreshed", target)

        def work(transaction: Transaction) -> None:
            drop_keys(transaction, who.workspace, who.user)
            transaction.connection.execute(
                insert(api_token).values(
                    token_hash=digest(made.token),
                    id=made.id,
                    workspace=who.workspace,
                    name=made.name,
                    scopes="",
                    created_at=at,
                    user=who.user,
                )
            )
            self._store.record(transaction, who.workspace, sent)

        self._store.change(work)
        return made

    def key_of(self, who: SignedIn) -> ApiClient | None:
        """The member's own API key for this workspace, if there is one."""
        with self._store.reading() as connection:
            row = connection.execute(
                _CLIENTS.where(api_token.c.workspace == who.workspace, api_token.c.user == who.user)
            ).first()
        return _client(row) if row else None

    def _check_scopes(self, by: By, scopes: Sequence[str]) -> None:
        privileges = privileges_of_scopes(frozenset(scopes))
        self._store.require_all(by, privileges, "Give an API client scopes")

    def _change(self, transaction: Transaction, by: By, id: str, **values: object) -> str:
        """Change a token that is not revoked; returns its name."""
        row = transaction.connection.execute(
            update(api_token)
            .where(
                api_token.c.workspace == by.workspace,
                api_token.c.id == id,
                api_token.c.revoked_at.is_(None),
                api_token.c.user.is_(None),
            )
            .values(values)
            .returning(api_token.c.name)
        ).first()
        if not row:
            raise _none(id)
        return row.name


def drop_keys(transaction: Transaction, workspace: int, user: int) -> None:
    """Take away a member's own API key, inside another operation."""
    transaction.connection.execute(
        delete(api_token).where(api_token.c.workspace == workspace, api_token.c.user == user)
    )


_CLIENTS = select(
    api_token.c.id,
    api_token.c.name,
    api_token.c.scopes,
    api_token.c.created_at,
    api_token.c.expires_at,
    api_token.c.revoked_at,
    api_token.c.last_used_at,
)


def _client(row: Any) -> ApiClient:
    id, name, scopes, *times = row
    return ApiClient(id, name, scopes.split(), *times)


def _none(id: str) -> NotFound:
    return NotFound(f"There is no valid token {id[:80]} in this workspace")
