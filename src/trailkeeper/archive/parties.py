"""Whom or what a filter's value means: as the log's dictionary has it, with the latest names."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection, or_, select

from trailkeeper.ledger.schema import entity

MOST = 100
"""As the live search does."""


class Meant(Struct, frozen=True):
    """Actors or targets by type and id; or where the dictionary has forgotten them, the value as it
    may stand in an activity."""

    pairs: tuple[tuple[str, str], ...] = ()
    unknown: tuple[str, ...] = ()


def meant(connection: Connection, workspace: int, values: tuple[str, ...]) -> Meant:
    """What values such as `type:id`, an id, an e-mail address or a name mean."""
    pairs: dict[tuple[str, str], None] = {}
    unknown: list[str] = []
    for value in values:
        found = _pairs(connection, workspace, value)
        pairs.update(dict.fromkeys(found))
        if not found:
            unknown.append(value)
    return Meant(tuple(pairs), tuple(unknown))


def _pairs(connection: Connection, workspace: int, value: str) -> list[tuple[str, str]]:
    mine = select(entity.c.type, entity.c.id).where(entity.c.workspace == workspace)
    kind, _, rest = value.partition(":")
    if rest:
        exact = mine.where(entity.c.type == kind, entity.c.id == rest)
        if rows := connection.execute(exact).all():
            return [(row.type, row.id) for row in rows]
    named = mine.where(
        or_(
            entity.c.id == value,
            entity.c.email.in_([value, value.lower()]),
            entity.c.name == value,
        )
    )
    return [(row.type, row.id) for row in connection.execute(named.limit(MOST))]
