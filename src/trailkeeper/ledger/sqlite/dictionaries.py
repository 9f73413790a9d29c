"""The dictionaries of a workspace: terms and entities by their keys, remembered by the appender."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trailkeeper.ledger.append import fold
from trailkeeper.ledger.index import Token
from trailkeeper.ledger.parties import Party

DICTIONARY_MAX = 200_000
"""Entries of the dictionaries that are remembered; past that all are forgotten and read again."""


@dataclass(slots=True)
class Entity:
    as_actor: str
    """Its token in the inverted index."""
    key: int
    name: str | None
    email: str | None
    named_at: int
    is_actor: bool
    is_target: bool
    as_target: str = ""
    """The same with its type's, once it was a target."""


class Dictionaries:
    """What is known of the dictionaries on one connection, inside its open transaction. An
    appender is one, and looks entries up without a step between."""

    def __init__(self, database: Any) -> None:
        self._db = database
        self._entities: dict[tuple[int, str, str], Entity] = {}
        self._terms: dict[tuple[int, str, str], int] = {}
        self._known_words: dict[tuple[int, str, str, str | None], tuple[int, str]] = {}

    def _forget_entries(self) -> None:
        self._entities.clear()
        self._terms.clear()
        self._known_words.clear()

    def _is_too_large(self) -> bool:
        return len(self._entities) > DICTIONARY_MAX or len(self._terms) > DICTIONARY_MAX

    def _words(
        self, workspace: int, action: str, environment: str, source: str | None
    ) -> tuple[int, str]:
        """The key of an action, and the tokens of all these."""
        wanted = (workspace, action, environment, source)
        if known := self._known_words.get(wanted):
            return known
        key = self._term(workspace, "action", action)
        tokens = (
            f"{Token.WORKSPACE}{workspace} {Token.ACTION}{key}"
            f" {Token.ENVIRONMENT}{self._term(workspace, 'environment', environment)}"
        )
        if source:
            tokens += f" {Token.SOURCE}{self._term(workspace, 'source', source)}"
        self._known_words[wanted] = key, tokens
        return key, tokens

    def _term(self, workspace: int, kind: str, value: str) -> int:
        wanted = (workspace, kind, value)
        if key := self._terms.get(wanted):
            return key
        row = self._db.execute(
            "SELECT key FROM term WHERE workspace=? AND kind=? AND value=?", wanted
        ).fetchone()
        if not row:
            row = self._db.execute(
                "INSERT INTO term (workspace, kind, value) VALUES (?,?,?) RETURNING key", wanted
            ).fetchone()
        self._terms[wanted] = row[0]
        return row[0]

    def _entity(self, workspace: int, party: Party, at: int, *, is_actor: bool) -> Entity:
        wanted = (workspace, party.type, party.id)
        entity = self._entities.get(wanted)
        if entity is None:
            entity = self._entities[wanted] = self._find_or_make(wanted, party, at, is_actor)
        name, email = party.name, party.email
        is_known_role = entity.is_actor if is_actor else entity.is_target
        renamed = (name is not None and name != entity.name) or (
            email is not None and email != entity.email
        )
        if not is_known_role or (renamed and at >= entity.named_at):
            self._update_entity(entity, party, at, is_actor)
        if not is_actor and not entity.as_target:
            kind = self._term(workspace, "type", party.type)
            entity.as_target = f"{Token.TARGET}{entity.key} {Token.TYPE}{kind}"
        return entity

    def _find_or_make(
        self, wanted: tuple[int, str, str], party: Party, at: int, is_actor: bool
    ) -> Entity:
        row: tuple[Any, ...] | None = self._db.execute(
            "SELECT key, name, email, named_at, is_actor, is_target FROM entity"
            " WHERE workspace=? AND type=? AND id=?",
            wanted,
        ).fetchone()
        if not row:
            folded = fold(f"{party.name or ''} {party.email or ''} {party.id}")
            rest = (party.name, party.email, at, is_actor, not is_actor)
            made: tuple[Any, ...] = self._db.execute(
                "INSERT INTO entity (workspace, type, id, folded, name, email, named_at, is_actor,"
                " is_target) VALUES (?,?,?,?,?,?,?,?,?) RETURNING key",
                (*wanted, folded, *rest),
            ).fetchone()
            row = (*made, *rest)
        key, name, known_email, named_at, was_actor, was_target = row
        return Entity(
            f"{Token.ACTOR}{key}", key, name, known_email, named_at, was_actor, was_target
        )

    def _update_entity(self, entity: Entity, party: Party, at: int, is_actor: bool) -> None:
        entity.is_actor = entity.is_actor or is_actor
        entity.is_target = entity.is_target or not is_actor
        if at >= entity.named_at:
            entity.name = party.name if party.name is not None else entity.name
            entity.email = party.email if party.email is not None else entity.email
            entity.named_at = at
        self._db.execute(
            "UPDATE entity SET name=?, email=?, folded=?, named_at=?, is_actor=?, is_target=?"
            " WHERE key=?",
            (
                entity.name,
                entity.email,
                fold(f"{entity.name or ''} {entity.email or ''} {party.id}"),
                entity.named_at,
                entity.is_actor,
                entity.is_target,
                entity.key,
            ),
        )
