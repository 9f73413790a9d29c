"""The query language: `actor:robin@example.com -action:recipe.* "sync sku" stop*`.

    query     = term*                                  all terms hold
    term      = ["-"] (qualifier ":" values | words)   "-" means not
    values    = value ("," value)*                     any of them
    value     = bare | quoted
    words     = bare | bare"*" | "*"bare | "*"bare"*" | quoted
                                                       quoted: in this order
    qualifier = action | category | actor (user) | target (asset) | type | outcome | ip | env
              | source | session | request | trace | after | before

`after` and `before` take RFC 3339 times or dates in UTC. In a quoted text `\\"` is a quotation
mark and `\\\\` a backslash.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from trailkeeper.activity import to_us
from trailkeeper.query.filters import (
    FIELDS,
    MATCHES_MAX,
    PART_MIN,
    VALUES_MAX,
    Field,
    Filter,
    Match,
    Words,
)
from trailkeeper.query.values import check_value

QUERY_MAX = 2_000

_ALIASES: dict[str, Field] = {
    "user": "actor",
    "asset": "target",
    "target_type": "type",
    "environment": "env",
}
_TERM = re.compile(
    r"""(?P<not>-)?
    (?:(?P<name>[A-Za-z_]+):(?P<values>(?:"(?:[^"\\]|\\.)*"|[^\s",]+|,)*)
    |(?P<words>(?:"(?:[^"\\]|\\.)*"|[^\s",]+|,)+))""",
    re.VERBOSE,
)
_VALUE = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s",]+)')


class QueryError(ValueError):
    """A query that cannot be read; the message says where and what to do."""


def parse(text: str) -> Filter:
    """The filter that a query means; an empty query is the empty filter. Raises QueryError."""
    if len(text) > QUERY_MAX:
        raise QueryError(f"is {len(text)} characters long, at most {QUERY_MAX} are allowed")
    matches: list[Match] = []
    words: list[Words] = []
    since: int | None = None
    until: int | None = None
    position = 0
    while rest := text[position:].lstrip():
        position = len(text) - len(rest)
        term = _TERM.match(text, position)
        if not term:
            raise QueryError(f"has a quotation mark at character {position + 1} that never ends")
        position = term.end()
        if position < len(text) and text[position] == '"':
            raise QueryError(f"has a quotation mark at character {position + 1} that never ends")
        negated = bool(term["not"])
        name = (term["name"] or "").lower()
        if not name:
            words.append(_words(term["words"], negated))
        elif name in ("after", "before"):
            if negated:
                raise QueryError(f"`-{name}:` makes no sense; use `after:` and `before:` without -")
            instant = _instant(name, term["values"])
            if name == "after":
                since = instant if since is None else max(since, instant)
            else:
                until = instant if until is None else min(until, instant)
        else:
            matches.append(_match(name, term["values"], negated))
    if len(matches) + len(words) > MATCHES_MAX:
        raise QueryError(f"has more than {MATCHES_MAX} terms")
    return Filter(matches=tuple(matches), words=tuple(words), since=since, until=until)


def _match(name: str, raw: str, negated: bool) -> Match:
    field = _ALIASES.get(name) or (name if name in FIELDS else None)
    if field is None:
        known = ", ".join(sorted({*FIELDS, *_ALIASES, "after", "before"}))
        raise QueryError(
            f"has `{name}:`, which is no qualifier (known: {known}); "
            f'to search for it as text, quote it: "{name}:…"'
        )
    values = tuple(dict.fromkeys(_values(raw)))
    if not values:
        raise QueryError(f"has `{name}:` without a value")
    if len(values) > VALUES_MAX:
        raise QueryError(f"has {len(values)} values for `{name}:`, at most {VALUES_MAX}")
    for value in values:
        if wrong := check_value(field, value):
            raise QueryError(f"has a wrong value for `{name}:`: {wrong}")
    return Match(field=field, values=values, negated=negated)


def _words(raw: str, negated: bool) -> Words:
    is_bare = '"' not in raw
    prefix, suffix = raw.endswith("*") and is_bare, raw.startswith("*") and is_bare
    text = " ".join(_values(raw.strip("*") if is_bare else raw))
    if not any(character.isalnum() for character in text):
        raise QueryError(f"has `{raw[:40]}`, in which there is no letter or digit to search for")
    if suffix and (len(text) < PART_MIN or not text.isalnum()):
        raise QueryError(
            f"has `{raw[:40]}`: after a `*` comes one word, or a part of one, of at least"
            f" {PART_MIN} letters or digits"
        )
    return Words(text=text, prefix=prefix, suffix=suffix, negated=negated)


def _values(raw: str) -> list[str]:
    return [
        re.sub(r"\\(.)", r"\1", quoted) if quoted else bare
        for quoted, bare in _VALUE.findall(raw)
        if quoted or bare
    ]


def _instant(name: str, raw: str) -> int:
    text = "".join(_values(raw))
    try:
        instant = datetime.fromisoformat(text)
        return to_us(instant if instant.tzinfo else instant.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise QueryError(
            f"has `{name}:{text[:40]}`, which is no time such as 2026-11-22 or 2026-11-22T14:05Z"
        ) from None
