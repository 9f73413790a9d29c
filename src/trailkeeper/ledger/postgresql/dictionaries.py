"""The dictionaries of actors, targets and terms, looked up and written in bulk.

A group's entries are found with one statement and made with one. What is remembered of entities is
dropped when another process has appended to their workspace; terms never change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from trailkeeper.ledger.append import fold
from trailkeeper.ledger.parties import Party
from trailkeeper.ledger.prepare import Prepared

REMEMBERED_MAX = 200_000

EntityName = tuple[int, str, str]
"""Workspace, type and id."""
TermName = tuple[int, str, str]
"""Workspace, kind and value."""


@dataclass(slots=True)
class Entity:
    key: int | None
    name: str | None
    email: str | None
    named_at: int
    is_actor: bool = False
    is_target: bool = False
    is_aside: bool = False
    """Whether activities name it otherwise than as actor or first target."""


class Dictionaries:
    """What is known on one connection, inside its open transaction."""

    def __init__(self, database: Any) -> None:
        self._db = database
        self._entities: dict[EntityName, Entity] = {}
        self._terms: dict[TermName, int] = {}

    def forget(self) -> None:
        """Something was rolled back."""
        self._entities.clear()
        self._terms.clear()

    def forget_entities(self) -> None:
        """Another process may have changed some."""
        self._entities.clear()

    def learn(self, activities: list[tuple[int, int, Prepared]]) -> None:
        """Find or make the entries of these activities, each with its workspace and time, and give
        entities the latest names."""
        if len(self._entities) > REMEMBERED_MAX or len(self._terms) > REMEMBERED_MAX:
            self.forget()
        self._find(activities)
        changed: dict[EntityName, Entity] = {}
        for workspace, at, prepared in activities:
            self._name(workspace, prepared.actor, at, changed, is_actor=True)
            if prepared.on_behalf_of:
                self._name(workspace, prepared.on_behalf_of, at, changed, is_actor=True, aside=True)
            aside = False
            for target in prepared.targets:
                self._name(workspace, target, at, changed, is_actor=False, aside=aside)
                aside = True
        if changed:
            self._write(changed)

    def entity(self, workspace: int, party: Party) -> int:
        """The key of one that was learnt."""
        key = self._entities[workspace, party.type, party.id].key
        assert key is not None  # noqa: S101 # `learn` has written it
        return key

    def term(self, workspace: int, kind: str, value: str) -> int:
        """The key of one that was learnt."""
        return self._terms[workspace, kind, value]

    def _find(self, activities: list[tuple[int, int, Prepared]]) -> None:
        entities: dict[EntityName, None] = {}
        terms: dict[TermName, None] = {}
        known, known_terms = self._entities, self._terms
        for workspace, _, prepared in activities:
            for party in (prepared.actor, prepared.on_behalf_of, *prepared.targets):
                if party and (name := (workspace, party.type, party.id)) not in known:
                    entities[name] = None
            for term in _terms(workspace, prepared):
                if term not in known_terms:
                    terms[term] = None
        if entities:
            self._find_entities(list(entities))
        if terms:
            self._find_terms(list(terms))

    def _find_entities(self, names: list[EntityName]) -> None:
        rows = self._db.execute(
            "SELECT workspace, type, id, key, name, email, named_at, is_actor, is_target, is_aside"
            " FROM unnest(?::int[], ?::text[], ?::text[]) AS w (workspace, type, id)"
            " JOIN entity USING (workspace, type, id)",
            _columns(names),
        )
        for row in rows:
            self._entities[row[:3]] = Entity(*row[3:])

    def _find_terms(self, names: list[TermName]) -> None:
        find = (
            "SELECT workspace, kind, value, key"
            " FROM unnest(?::int[], ?::text[], ?::text[]) AS w (workspace, kind, value)"
            " JOIN term USING (workspace, kind, value)"
        )
        self._terms.update((row[:3], row[3]) for row in self._db.execute(find, _columns(names)))
        if missing := [name for name in names if name not in self._terms]:
            rows = self._db.execute(
                "INSERT INTO term (workspace, kind, value)"
                " SELECT * FROM unnest(?::int[], ?::text[], ?::text[])"
                " RETURNING workspace, kind, value, key",
                _columns(missing),
            )
            self._terms.update((row[:3], row[3]) for row in rows)

    def _name(
        self,
        workspace: int,
        party: Party,
        at: int,
        changed: dict[EntityName, Entity],
        *,
        is_actor: bool,
        aside: bool = False,
    ) -> None:
        wanted = (workspace, party.type, party.id)
        entity = self._entities.get(wanted)
        is_new = entity is None
        if entity is None:
            entity = self._entities[wanted] = Entity(None, party.name, party.email, at)
        name, email = party.name, party.email
        if at >= entity.named_at and (
            (name is not None and name != entity.name)
            or (email is not None and email != entity.email)
        ):
            entity.name = name if name is not None else entity.name
            entity.email = email if email is not None else entity.email
            entity.named_at = at
        elif (entity.is_actor if is_actor else entity.is_target) and (entity.is_aside or not aside):
            return
        elif not is_new and at >= entity.named_at:
            entity.named_at = at
        if is_actor:
            entity.is_actor = True
        else:
            entity.is_target = True
        entity.is_aside = entity.is_aside or aside
        changed[wanted] = entity

    def _write(self, changed: dict[EntityName, Entity]) -> None:
        new = [item for item in changed.items() if item[1].key is None]
        if new:
            rows = self._db.execute(
                f"INSERT INTO entity (workspace, type, id, {_STATE})"
                " SELECT * FROM unnest(?::int[], ?::text[], ?::text[], ?::text[], ?::text[],"
                " ?::text[], ?::bigint[], ?::bool[], ?::bool[], ?::bool[])"
                " RETURNING workspace, type, id, key",
                _columns([(*name, *_state(name[2], entity)) for name, entity in new]),
            )
            for row in rows:
                self._entities[row[:3]].key = row[3]
        new_names = {name for name, _ in new}
        old = [
            (name[0], entity.key, *_state(name[2], entity))
            for name, entity in changed.items()
            if name not in new_names
        ]
        if old:
            self._db.execute(
                f"UPDATE entity e SET ({_STATE}) = (SELECT n.name, n.email, n.folded, n.named_at,"
                " n.is_actor, n.is_target, n.is_aside) FROM unnest(?::int[], ?::int[], ?::text[],"
                " ?::text[], ?::text[], ?::bigint[], ?::bool[], ?::bool[], ?::bool[])"
                f" AS n (workspace, key, {_STATE})"
                " WHERE e.workspace = n.workspace AND e.key = n.key",
                _columns(old),
            )


_STATE = "name, email, folded, named_at, is_actor, is_target, is_aside"


def _state(id: str, entity: Entity) -> tuple[Any, ...]:
    return (
        entity.name,
        entity.email,
        fold(f"{entity.name or ''} {entity.email or ''} {id}"),
        entity.named_at,
        entity.is_actor,
        entity.is_target,
        entity.is_aside,
    )


def _terms(workspace: int, prepared: Prepared) -> Iterable[TermName]:
    yield (workspace, "action", prepared.action)
    yield (workspace, "environment", prepared.environment)
    if prepared.source:
        yield (workspace, "source", prepared.source)
    for target in prepared.targets:
        yield (workspace, "type", target.type)


def _columns(rows: list[tuple[Any, ...]]) -> tuple[list[Any], ...]:
    """Rows as one list for each column."""
    return tuple(map(list, zip(*rows, strict=True)))
