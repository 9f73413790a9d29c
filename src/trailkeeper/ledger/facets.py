"""The values that stand most often in what matches a filter, field by field.

The facet of a field leaves that field's own alternatives out of the filter (what is excluded stays
so), so that it shows what else could be chosen beside them. Of several targets the first counts.
Actions and outcomes come from the counts by hour where the filter allows it; else the newest
SAMPLE_MAX matches are looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from heapq import nsmallest
from operator import attrgetter
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from trailkeeper.ledger.backend import Database
from trailkeeper.ledger.counts import count_between, whole_hours
from trailkeeper.ledger.histogram import with_fixed_times
from trailkeeper.ledger.index import address_of
from trailkeeper.ledger.rollup import Rolled, by_value, rolled
from trailkeeper.ledger.search import KEY_MAX, KEY_MIN, Search, search_for
from trailkeeper.query.filters import Field, Filter

FacetName = Literal[
    "actor", "action", "target_type", "target", "ip", "outcome", "environment", "source"
]
FACETS: tuple[FacetName, ...] = FacetName.__args__
"""They are called as the filter's parameters are."""

SAMPLE_MAX = 5_000
VALUES_MAX = 200

_FIELDS: dict[FacetName, Field] = {
    "actor": "actor",
    "action": "action",
    "target_type": "type",
    "target": "target",
    "ip": "ip",
    "outcome": "outcome",
    "environment": "env",
    "source": "source",
}


class FacetValue(Struct, frozen=True):
    """A value as the filter takes it, what it is called, if that is known, and how often it is."""

    value: str
    label: str | None
    count: int


class Facets(Struct, frozen=True, kw_only=True):
    """The most frequent values of each field, how many activities match the filter, and which
    facets count only the newest matches."""

    values: dict[FacetName, list[FacetValue]]
    total: int
    is_whole_total: bool
    sampled: list[FacetName]

    @property
    def exact(self) -> bool:
        return self.is_whole_total and not self.sampled


class _Public(Struct, frozen=True, gc=False):
    outcome: str
    environment: str


class _Context(Struct, frozen=True, gc=False):
    ip_address: str | None = None
    source: str | None = None


class _Personal(Struct, frozen=True, gc=False):
    context: _Context = _Context()


_public_of = msgspec.json.Decoder(_Public).decode
_decode_personal = msgspec.json.Decoder(_Personal).decode


def _personal_of(part: bytes | None) -> _Personal:
    return _decode_personal(part) if part else _Personal()


_COLUMNS: dict[FacetName, str] = {
    "actor": "actor",
    "action": "action",
    "target_type": "target",
    "target": "target",
    "ip": "personal",
    "outcome": "public",
    "environment": "public",
    "source": "personal",
}
_DECODERS: dict[str, Callable[[Any], Any]] = {"public": _public_of, "personal": _personal_of}
_PARTS: dict[FacetName, Callable[[Any], str | None]] = {
    "ip": attrgetter("context.ip_address"),
    "outcome": attrgetter("outcome"),
    "environment": attrgetter("environment"),
    "source": attrgetter("context.source"),
}
"""Where a facet's value stands in what was decoded."""


Counted = tuple[Counter[Any], bool]
"""How often each value is there, and whether that is of the newest matches only."""


class _Sample:
    """The newest of what a search finds, and what these facets need of it."""

    def __init__(self, database: Database, search: Search, names: Iterable[FacetName]) -> None:
        columns = list(dict.fromkeys(_COLUMNS[name] for name in names))
        wanted = ", ".join(("key", *columns))
        rows = database.rows_matching(search, wanted, order="desc", limit=SAMPLE_MAX + 1)
        self.is_cut = len(rows) > SAMPLE_MAX
        self._columns: dict[str, list[Any]] = {}
        for at, column in enumerate(columns, 1):
            values = [row[at] for row in rows[:SAMPLE_MAX]]
            decode = _DECODERS.get(column)
            self._columns[column] = list(map(decode, values)) if decode else values

    def count(self, name: FacetName) -> Counter[Any]:
        """By key for what a dictionary holds, by value for the rest."""
        values = self._columns[_COLUMNS[name]]
        part = _PARTS.get(name)
        counts = Counter(map(part, values) if part else values)
        counts.pop(None, None)
        return counts


def facets_of(
    database: Database, workspace: int, asked: Filter, names: Sequence[FacetName], limit: int
) -> Facets:
    """The `limit` most frequent values of these fields, VALUES_MAX at most."""
    asked = with_fixed_times(asked)
    limit = max(1, min(limit, VALUES_MAX))
    whole = count_between(database, workspace, asked, [KEY_MIN, KEY_MAX])
    counted: dict[FacetName, Counted] = {}
    by_others: dict[Filter, list[FacetName]] = {}
    for name in names:
        others = _without(asked, _FIELDS[name])
        if name in ("action", "outcome") and (of_hours := rolled(database, workspace, others)):
            counted[name] = _by_hours(database, workspace, others, of_hours, name)
        else:
            by_others.setdefault(others, []).append(name)
    for others, alike in by_others.items():
        sample = _Sample(database, search_for(database, workspace, others), alike)
        counted |= {name: (sample.count(name), sample.is_cut) for name in alike}
    return Facets(
        values={
            name: _VALUES[name](database, workspace, counted[name][0], limit) for name in names
        },
        total=sum(whole.matches),
        is_whole_total=whole.exact,
        sampled=[name for name in names if counted[name][1]],
    )


def parties_within(
    database: Any, workspace: int, asked: Filter, name: Literal["actor", "target"], limit: int
) -> tuple[list[FacetValue], bool]:
    """The facet of one of these fields by itself, and whether it counts only the newest matches."""
    search = search_for(database, workspace, without_own(asked, name))
    sample = _Sample(database, search, [name])
    return _parties(database, workspace, sample.count(name), limit), sample.is_cut


def without_own(asked: Filter, name: FacetName) -> Filter:
    """The filter without what it wants of the facet's own field."""
    return _without(with_fixed_times(asked), _FIELDS[name])


def _without(asked: Filter, field: Field) -> Filter:
    kept = tuple(match for match in asked.matches if match.field != field or match.negated)
    return replace(asked, matches=kept)


def _by_hours(
    database: Database,
    workspace: int,
    asked: Filter,
    of_hours: Rolled,
    name: Literal["action", "outcome"],
) -> Counted:
    """Whole hours from the counts, the rest of the first and the last from the activities."""
    search = search_for(database, workspace, asked)
    hours, edges = whole_hours((search.low, search.high))
    counts = Counter(by_value(database, of_hours, name, *hours))
    is_cut = False
    for low, high in edges:
        edge = _Sample(database, search.between(low, high), [name])
        counts += edge.count(name)
        is_cut = is_cut or edge.is_cut
    return counts, is_cut


def _plain(
    _database: Database, _workspace: int, counts: Counter[str], limit: int
) -> list[FacetValue]:
    return [FacetValue(value, None, count) for value, count in _top(counts, limit)]


def _addresses(
    database: Database, workspace: int, counts: Counter[str], limit: int
) -> list[FacetValue]:
    """Texts that are no address cannot be asked for, and are left out."""
    merged = Counter[str]()
    for text, count in counts.items():
        if address := _address(text):
            merged[address] += count
    return _plain(database, workspace, merged, limit)


@lru_cache(maxsize=16_384)
def _address(text: str) -> str | None:
    address = address_of(text)
    return str(address) if address else None


def _actions(
    database: Database, workspace: int, counts: Counter[int], limit: int
) -> list[FacetValue]:
    top = _top(counts, limit)
    names: dict[int, str] = dict(
        database.execute(
            f"SELECT key, value FROM term WHERE workspace=? AND key{database.ONE_OF}",
            (workspace, database.listed([key for key, _ in top])),
        ).fetchall()
    )
    return [FacetValue(names[key], None, count) for key, count in top]


def _parties(
    database: Database, workspace: int, counts: Counter[int], limit: int
) -> list[FacetValue]:
    top = _top(counts, limit)
    parties = {
        key: (f"{type}:{id}", name or email or id)
        for key, type, id, name, email in _entities(
            database, workspace, "key, type, id, name, email", [key for key, _ in top]
        )
    }
    return [FacetValue(*parties[key], count) for key, count in top]


def _types(
    database: Database, workspace: int, counts: Counter[int], limit: int
) -> list[FacetValue]:
    by_type = Counter[str]()
    for key, type in _entities(database, workspace, "key, type", list(counts)):
        by_type[type] += counts[key]
    return _plain(database, workspace, by_type, limit)


def _entities(database: Database, workspace: int, columns: str, keys: list[int]) -> Iterable[Any]:
    return database.execute(
        f"SELECT {columns} FROM entity WHERE +workspace=? AND key{database.ONE_OF}",
        (workspace, database.listed(keys)),
    )


Value = TypeVar("Value", int, str)


def _top(counts: Counter[Value], limit: int) -> list[tuple[Value, int]]:
    return nsmallest(limit, counts.items(), key=lambda one: (-one[1], one[0]))


_VALUES: dict[FacetName, Callable[[Database, int, Counter[Any], int], list[FacetValue]]] = {
    "actor": _parties,
    "action": _actions,
    "target_type": _types,
    "target": _parties,
    "ip": _addresses,
    "outcome": _plain,
    "environment": _plain,
    "source": _plain,
}
