"""What the verbs of changes.py are made of: opening an asset, keeping what became of it, noting an
activity.
"""

from __future__ import annotations

import secrets
from collections.abc import Container
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection

from trailkeeper.activity import ActivityInput, Change, Target, now_us
from trailkeeper.assets.asset import Asset, Created
from trailkeeper.assets.content import Content
from trailkeeper.assets.kind import Kind, Operation
from trailkeeper.assets.records import Tellers, changes_of, hash_of_long, plain
from trailkeeper.assets.rows import Rows, encoded
from trailkeeper.assets.rules import Rules, legal, named
from trailkeeper.assets.values import checked_content, checked_name, split_secrets
from trailkeeper.errors import Conflict, FieldError, InvalidInput, PreconditionFailed
from trailkeeper.identity.acting import By
from trailkeeper.identity.seal import Seal
from trailkeeper.identity.secrets import digest
from trailkeeper.identity.store import Store
from trailkeeper.ledger.writer import Transaction

ASSETS_MAX = 100_000
"""Live assets of a workspace."""

TOKEN_BYTES = 20
TOKEN = "token"  # noqa: S105 # what the hash of a token is called among the secrets


class Work:
    """Work on assets in an open transaction, for one actor.

    `extra` goes into the details of every activity. `checked` are the hashes of contents that were
    checked before (see values.py).
    """

    def __init__(
        self,
        store: Store,
        seal: Seal,
        transaction: Transaction,
        by: By,
        extra: dict[str, Any] | None = None,
        checked: Container[bytes] = (),
    ) -> None:
        self.by = by
        self.rows = Rows(transaction.connection, seal, by.workspace)
        self._rules = Rules(self.rows)
        self._tellers = Tellers(self.rows)
        self._store = store
        self._transaction = transaction
        self._extra = extra or {}
        self._checked = checked
        self._sent: list[ActivityInput] = []
        self._live: int | None = None

    def record(self) -> None:
        """Append the activities of all that was done."""
        if self._sent:
            self._store.record(self._transaction, self.by.workspace, *self._sent)
            self._sent = []

    @property
    def connection(self) -> Connection:
        """The transaction's connection, for what else is kept of assets."""
        return self._transaction.connection

    def also(self, sent: ActivityInput) -> None:
        """Record something else with what is done here, after it."""
        self._sent.append(sent)

    def get(self, kind: str, id: str, *, deleted: bool = False) -> Asset:
        """An asset as it is now. Raises NotFound."""
        return self.rows.get(kind, id, deleted=deleted)

    # --- For the verbs

    def _opened(self, kind: str, id: str, revision: int | None, *, deleted: bool = False) -> Asset:
        found = self.rows.get(kind, id, deleted=deleted)
        if revision is not None and revision != found.revision:
            raise PreconditionFailed(
                f"{named(found)} was changed meanwhile: it is at revision {found.revision}."
                " Get it again, then decide"
            )
        return found

    def _make(
        self,
        kind: Kind,
        name: str,
        place: dict[str, int | None],
        content: Content,
        does: Operation,
        details: dict[str, Any],
        targets: tuple[Target, ...],
    ) -> Created:
        name = checked_name(name)
        self._count(1)
        kept, secret = split_secrets(kind, content)
        token, hashed = new_token(kind)
        at = now_us()
        made = self.rows.insert(
            kind,
            name,
            secrets={**secret, **hashed},
            state=kind.states[0] if kind.states else None,
            public=False,
            content=encoded(kept),
            created_at=at,
            created_by=self.by.actor.name,
            updated_at=at,
            **place,
        )
        self._keep_version(made)
        self._note(made, does, {**self._tellers.whole(made), **details}, None, *targets)
        return Created(made, token)

    def _renew(
        self, old: Asset, name: str | None, given: dict[str, Any], details: dict[str, Any]
    ) -> Asset:
        kind, does = old.of, legal(old, "update")
        kept_secrets = self.rows.secrets(old)
        were = {name: kept_secrets.pop(name) for name in kind.secret_fields if name in kept_secrets}
        content = checked_content(kind, {**plain(old.content), **were, **given}, self._checked)
        for field in set(were) - set(kind.secrets_in(content)) - set(given):
            detail = "must be given again: what was secret is never shown"
            raise InvalidInput(f"/{field} {detail}", FieldError(detail, f"/{field}"))
        self._rules.references(kind, content, old.content)
        kept, are = split_secrets(kind, content)
        wanted = replace(old, name=checked_name(old.name if name is None else name), content=kept)
        changes = changes_of(old, wanted, were, are)
        if not changes:
            return old
        state = does.to_state or old.state
        if state != old.state:
            changes.append(Change(field="/state", old=old.state, new=state))
        new = self._new_version(
            old,
            name=wanted.name,
            content=encoded(kept),
            secrets={**kept_secrets, **are},
            state=state,
        )
        told = {"version": new.version, **details, **hash_of_long(changes, new)}
        self._note(new, does, told, changes)
        return new

    def _new_version(self, old: Asset, **values: Any) -> Asset:
        new = self._change(old, version=old.version + 1, **values)
        self._keep_version(new)
        return new

    def _keep_version(self, one: Asset) -> None:
        self.rows.keep_version(one, self.by.actor.id, self.by.actor.name)

    def _change(self, old: Asset, **values: Any) -> Asset:
        if old.kind == "folder" or old.of.takes_contents:
            self._tellers.forget()
        return self.rows.update(old, updated_at=now_us(), **values)

    def _note(
        self,
        one: Asset,
        does: Operation,
        details: dict[str, Any] | None = None,
        changes: list[Change] | None = None,
        *targets: Target,
    ) -> None:
        told = {**self._tellers.every(one), **does.details, **(details or {}), **self._extra}
        told = {name: value for name, value in told.items() if value is not None}
        self._sent.append(
            self.by.activity(does.action, one.target, *targets, changes=changes, details=told)
        )

    def _count(self, more: int) -> None:
        if self._live is None:
            self._live = self.rows.count_live()
        self._live += more
        if more > 0 and self._live > ASSETS_MAX:
            raise Conflict(f"A workspace has at most {ASSETS_MAX:,} assets; delete some first")


def new_token(kind: Kind) -> tuple[str | None, dict[str, str]]:
    """A token for an asset of a kind that has one, and what is kept of it."""
    if kind.token_prefix is None:
        return None, {}
    token = kind.token_prefix + secrets.token_urlsafe(TOKEN_BYTES)
    return token, {TOKEN: digest(token).hex()}
