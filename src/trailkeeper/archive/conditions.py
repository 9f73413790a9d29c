"""A filter as conditions of SQL over the columns of an archive, for DuckDB. Values are always
parameters."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from trailkeeper.activity import now_us
from trailkeeper.archive.parties import Meant
from trailkeeper.catalogue import catalogue
from trailkeeper.ledger.words import words_of
from trailkeeper.query.filters import Filter, Match, Words

TIME_MIN, TIME_MAX = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The years 1 to 9999."""

_COLUMNS = {
    "outcome": "outcome",
    "env": "environment",
    "source": "source",
    "session": "session_id",
    "request": "request_id",
    "trace": "trace_id",
}


class Asked(Struct, frozen=True):
    """A filter, with a range that ends now made one of times: from `since` to before `until`, in
    microseconds."""

    filter: Filter
    since: int | None
    until: int | None


class Condition(Struct, frozen=True):
    sql: str
    values: list[Any]


Lookup = Callable[[tuple[str, ...]], Meant]
"""Whom or what the values of a filter mean."""


def asked_now(asked: Filter) -> Asked:
    since = asked.since
    if asked.within is not None:
        since = max(since or 0, now_us() - asked.within * 1_000_000)
    return Asked(asked, _clamped(since), _clamped(asked.until))


def condition(asked: Asked, lookup: Lookup) -> Condition:
    """What holds of the activities that match. It is true or false of a row, never unknown."""
    parts: list[str] = []
    values: list[Any] = []
    if asked.since is not None:
        parts.append(f"occurred_at >= make_timestamptz({asked.since})")
    if asked.until is not None:
        parts.append(f"occurred_at < make_timestamptz({asked.until})")
    for match in asked.filter.matches:
        sql, more = _match(match, lookup)
        parts.append(f"{'NOT ' if match.negated else ''}coalesce({sql}, false)")
        values += more
    for words in asked.filter.words:
        sql, more = _words(words)
        parts.append(f"{'NOT ' if words.negated else ''}{sql}")
        values += more
    return Condition(" AND ".join(parts) or "true", values)


def _match(match: Match, lookup: Lookup) -> tuple[str, list[Any]]:
    if match.field in ("actor", "target"):
        found = lookup(match.values)
        return _actor(found) if match.field == "actor" else _target(found)
    if match.field == "type":
        return _any([("list_contains(list_transform(targets, lambda t: t.type), ?)", [one])
                     for one in match.values])  # fmt: skip
    if match.field == "ip":
        return _any([("ip_key BETWEEN ? AND ?", list(_block(one))) for one in match.values])
    if match.field == "action":
        return _any([_action(one) for one in match.values])
    if match.field == "category":
        wanted = {one.casefold() for one in match.values}
        known = [one.name for one in catalogue().categories if one.name.casefold() in wanted]
        return _in("category", known)
    return _in(_COLUMNS[match.field], list(match.values))


def _actor(found: Meant) -> tuple[str, list[Any]]:
    either: list[tuple[str, list[Any]]] = []
    for who in ("actor", "on_behalf_of"):
        exact = f"({who}_type = ? AND {who}_id = ?)"
        either += [(exact, list(pair)) for pair in found.pairs]
        either += [
            (
                f"({exact} OR {who}_id = ? OR {who}_name = ? OR {who}_email IN (?, ?))",
                _as_it_stands(value),
            )
            for value in found.unknown
        ]
    return _any(either)


def _target(found: Meant) -> tuple[str, list[Any]]:
    either = [(_some("t.type = ? AND t.id = ?"), list(pair)) for pair in found.pairs]
    either += [
        (
            _some("(t.type = ? AND t.id = ?) OR t.id = ? OR t.name = ? OR t.email IN (?, ?)"),
            _as_it_stands(value),
        )
        for value in found.unknown
    ]
    return _any(either)


def _as_it_stands(value: str) -> list[Any]:
    """As type and id, as id, as name, and as e-mail address."""
    kind, _, rest = value.partition(":")
    return [kind, rest, value, value, value, value.lower()]


def _some(condition: str) -> str:
    return f"len(list_filter(targets, lambda t: {condition})) > 0"


def _action(value: str) -> tuple[str, list[Any]]:
    if value.endswith(".*"):
        return "starts_with(action, ?)", [value[:-1]]
    return "action = ?", [value]


def _block(value: str) -> tuple[str, str]:
    """The keys (see columns.ip_key) between which those of a CIDR block lie. A block of IPv4-mapped
    addresses counts as IPv4."""
    network = ipaddress.ip_network(value, strict=False)
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        network = ipaddress.IPv4Network((mapped, network.prefixlen - 96)) if mapped else network
    first, last = network.network_address, network.broadcast_address
    return f"{network.version}{first.packed.hex()}", f"{network.version}{last.packed.hex()}"


def _words(words: Words) -> tuple[str, list[Any]]:
    wanted = words_of(words.text)
    if not wanted or (words.suffix and len(wanted) > 1):
        return "false", []
    before, behind = "" if words.suffix else " ", "" if words.prefix else " "
    return "contains(words, ?)", [f"{before}{' '.join(wanted)}{behind}"]


def _in(column: str, values: list[str]) -> tuple[str, list[Any]]:
    if not values:
        return "false", []
    return f"{column} IN ({', '.join('?' * len(values))})", list(values)


def _any(either: list[tuple[str, list[Any]]]) -> tuple[str, list[Any]]:
    if not either:
        return "false", []
    return (
        f"({' OR '.join(sql for sql, _ in either)})",
        [value for _, values in either for value in values],
    )


def _clamped(us: int | None) -> int | None:
    return None if us is None else min(max(us, TIME_MIN), TIME_MAX)
