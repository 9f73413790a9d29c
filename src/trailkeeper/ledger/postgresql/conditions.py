"""A search as conditions over `activity_index`."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from trailkeeper.ledger.index import FAILED, SUCCEEDED, Token
from trailkeeper.ledger.postgresql.words import query_of
from trailkeeper.ledger.search import Search, Term

LEADING_MAX = 8
"""Of so many values of a column the rows are walked side by side in the order of keys."""

_COLUMNS = {Token.ACTION: "action", Token.ACTOR: "actor", Token.TARGET: "target"}
_ORDER = ("target", "actor", "failed", "action")
"""The columns that have an index in the order of keys, those with few rows for a value first."""


class Condition(Struct, frozen=True):
    """A part of WHERE, with its values. It has a `column` if it says no more than that this column
    has one of the `keys`, or is true."""

    sql: str
    values: tuple[Any, ...] = ()
    column: str | None = None
    keys: tuple[int, ...] = ()

    @property
    def can_lead(self) -> bool:
        return self.column is not None and len(self.keys) <= LEADING_MAX


def conditions_of(database: Any, search: Search) -> list[Condition] | None:
    """What a search asks of each row but for workspace and key, all of it; None where nothing can
    match. The dictionary is asked whether actors and targets are named elsewhere than in their
    columns."""
    if search.wanted is None:
        return None
    aside = _named_aside(database, search)
    found: list[Condition] = []
    queries: list[str] = []
    for terms in search.wanted:
        columns, query = _parts(terms, aside)
        if columns:
            found.append(_any(columns, query))
        elif query:
            queries.append(f"({query})")
        else:
            return None
    columns, query = _parts(search.unwanted, aside)
    found += [Condition(f"NOT ({one.sql})", one.values) for one in columns]
    if query:
        queries.append(f"!({query})")
    if queries:
        found.append(Condition("words @@ ?::tsquery", (" & ".join(queries),)))
    return found


def leading(conditions: list[Condition]) -> tuple[Condition | None, list[Condition]]:
    """The condition whose index is best walked, and the others."""
    able = [one for one in conditions if one.can_lead]
    if not able:
        return None, conditions
    first = min(able, key=lambda one: _ORDER.index(one.column or ""))
    return first, [one for one in conditions if one is not first]


def _parts(terms: tuple[Term, ...], aside: frozenset[int]) -> tuple[list[Condition], str | None]:
    """Alternatives: conditions over columns, and a tsquery. Neither for what nothing has."""
    keys: dict[str, list[int]] = {}
    columns: list[Condition] = []
    queries: list[str] = []
    for term in terms:
        if term.text == FAILED:
            columns.append(Condition("failed", (), "failed"))
        elif term.text == SUCCEEDED:
            columns.append(Condition("NOT failed"))
        elif column := _COLUMNS.get(term.text[:1]):
            key = int(term.text[1:])
            keys.setdefault(column, []).append(key)
            if key in aside and column != "action":
                queries.append(f"'{term.text}'")
        elif query := query_of(term):
            queries.append(query)
    for column, some in keys.items():
        columns.append(Condition(f"{column} = ANY(?)", (some,), column, tuple(some)))
    return columns, " | ".join(queries) or None


def _any(columns: list[Condition], query: str | None) -> Condition:
    if len(columns) == 1 and not query:
        return columns[0]
    parts = [one.sql for one in columns]
    values = [value for one in columns for value in one.values]
    if query:
        parts.append("words @@ ?::tsquery")
        values.append(query)
    return Condition(f"({' OR '.join(parts)})", tuple(values))


def _named_aside(database: Any, search: Search) -> frozenset[int]:
    terms = [*search.unwanted, *(term for terms in search.wanted or () for term in terms)]
    keys = {int(one.text[1:]) for one in terms if one.text[:1] in (Token.ACTOR, Token.TARGET)}
    if not keys:
        return frozenset()
    rows = database.execute(
        "SELECT key FROM entity WHERE workspace = ? AND key = ANY(?) AND is_aside",
        (search.workspace, list(keys)),
    )
    return frozenset(row[0] for row in rows)
