"""A filter as one expression over the inverted index, and a range of keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from trailkeeper.activity import now_us
from trailkeeper.catalogue import catalogue
from trailkeeper.ledger.fresh import matching
from trailkeeper.ledger.index import (
    FAILED,
    SUCCEEDED,
    Token,
    hashed,
    network_tokens,
    searchable,
)
from trailkeeper.ledger.keys import first_key
from trailkeeper.query.filters import Filter, Match, Words

KEY_MIN, KEY_MAX = -(1 << 63), (1 << 63) - 1

_HASHED = {"session": Token.SESSION, "request": Token.REQUEST, "trace": Token.TRACE}
_OF_WORKSPACE = {"actor", "target", "type", "action", "category", "env", "source"}
"""Fields whose tokens are keys of a dictionary, which belong to one workspace: with one of them
the workspace's own token would only be one more list of postings to walk."""

_TERMS = {
    "type": (Token.TYPE, "type"),
    "env": (Token.ENVIRONMENT, "environment"),
    "source": (Token.SOURCE, "source"),
}


class Search(Struct, frozen=True):
    """What to ask the index: an FTS5 expression, and keys from `low` (inclusive) to `high`
    (exclusive). None as expression: nothing can match."""

    expression: str | None
    low: int = KEY_MIN
    high: int = KEY_MAX

    def after(self, order: str, position: int | None) -> Search:
        """What comes after the key `position` in a listing."""
        if position is None:
            return self
        if order == "desc":
            return Search(self.expression, self.low, min(self.high, position))
        return Search(self.expression, max(self.low, position + 1), self.high)


def search_for(database: Any, workspace: int, asked: Filter) -> Search:
    """Translate a filter; `database` is a driver-level connection to look up the dictionaries."""
    keys_low, keys_high = KEY_MIN, KEY_MAX
    since = asked.since
    if asked.within is not None:
        since = max(since or 0, now_us() - asked.within * 1_000_000)
    if since is not None:
        keys_low = min(max(first_key(since), KEY_MIN), KEY_MAX)
    if asked.until is not None:
        keys_high = min(max(first_key(asked.until), KEY_MIN), KEY_MAX)
    wanted: list[str] = []
    unwanted: list[str] = []
    is_of_workspace = False
    for match in asked.matches:
        terms = _match_terms(database, workspace, match)
        if match.negated:
            unwanted += terms
        elif not terms:
            return Search(None)
        else:
            wanted.append(terms[0] if len(terms) == 1 else f"({' OR '.join(terms)})")
            is_of_workspace = is_of_workspace or match.field in _OF_WORKSPACE
    for words in asked.words:
        (unwanted if words.negated else wanted).append(_words(words))
    if not is_of_workspace:
        wanted.insert(0, _quoted(f"{Token.WORKSPACE}{workspace}"))
    expression = " AND ".join(wanted)
    if unwanted:
        expression = f"({expression}) NOT ({' OR '.join(unwanted)})"
    return Search(expression, keys_low, keys_high)


def keys_matching(database: Any, workspace: int, asked: Filter, keys: list[int]) -> set[int]:
    """Which of these keys match: the index is asked for the span of time that they take."""
    search = search_for(database, workspace, asked)
    low, high = max(search.low, min(keys)), min(search.high, max(keys) + 1)
    if search.expression is None or low >= high:
        return set()
    found = database.execute(
        "SELECT rowid FROM activity_index WHERE body MATCH ? AND rowid >= ? AND rowid < ?",
        (search.expression, low, high),
    )
    matched = {row[0] for row in found}
    matched.update(matching(database, search.expression, low, high))
    return matched & set(keys)


def _match_terms(database: Any, workspace: int, match: Match) -> list[str]:
    """The index terms of which any is a match; none when nothing in the log has such a value."""
    field, values = match.field, match.values
    if field in ("actor", "target"):
        token = Token.ACTOR if field == "actor" else Token.TARGET
        keys = [key for value in values for key in entity_keys(database, workspace, value)]
        return [_quoted(f"{token}{key}") for key in dict.fromkeys(keys)]
    if field == "outcome":
        return [_quoted(FAILED if value == "failure" else SUCCEEDED) for value in values]
    if field == "ip":
        networks = [token for value in values for token in network_tokens(value)]
        return [_quoted(token) + ("*" if is_prefix else "") for token, is_prefix in networks]
    if field in ("action", "category"):
        return [_quoted(f"{Token.ACTION}{key}") for key in action_keys(database, workspace, match)]
    if field in _HASHED:
        return [_quoted(hashed(_HASHED[field], value)) for value in values]
    token, kind = _TERMS[field]
    keys = [key for value in values for key in _term_keys(database, workspace, kind, value)]
    return [_quoted(f"{token}{key}") for key in dict.fromkeys(keys)]


def entity_keys(database: Any, workspace: int, value: str) -> list[int]:
    """Keys of the actors and targets that a value names: `type:id`, an id, an e-mail or a name."""
    kind, _, rest = value.partition(":")
    if rest:
        rows = database.execute(
            "SELECT key FROM entity WHERE workspace=? AND type=? AND id=?", (workspace, kind, rest)
        ).fetchall()
        if rows:
            return [row[0] for row in rows]
    rows = database.execute(
        "SELECT key FROM entity WHERE workspace=:w AND id=:v"
        " UNION SELECT key FROM entity WHERE workspace=:w AND email IN (:v, :lower)"
        " UNION SELECT key FROM entity WHERE workspace=:w AND name=:v LIMIT 100",
        {"w": workspace, "v": value, "lower": value.lower()},
    )
    return [row[0] for row in rows]


def action_keys(database: Any, workspace: int, match: Match) -> list[int]:
    """Keys of the actions that a match over `action` or `category` names."""
    if match.field == "category":
        return _category_keys(database, workspace, match.values)
    keys = [key for v in match.values for key in _term_keys(database, workspace, "action", v)]
    return list(dict.fromkeys(keys))


def _term_keys(database: Any, workspace: int, kind: str, value: str) -> list[int]:
    if kind == "action" and value.endswith(".*"):
        start = value[:-1]
        rows = database.execute(
            "SELECT key FROM term WHERE workspace=? AND kind='action' AND value>=? AND value<?",
            (workspace, start, start[:-1] + "/"),
        )
    else:
        rows = database.execute(
            "SELECT key FROM term WHERE workspace=? AND kind=? AND value=?",
            (workspace, kind, value),
        )
    return [row[0] for row in rows]


def _category_keys(database: Any, workspace: int, categories: Sequence[str]) -> list[int]:
    wanted = {category.casefold() for category in categories}
    rows = database.execute(
        "SELECT key, value FROM term WHERE workspace=? AND kind='action'", (workspace,)
    )
    known = catalogue()
    return [key for key, action in rows if known.category_of(action).casefold() in wanted]


def _words(words: Words) -> str:
    return _quoted(searchable(words.text)) + ("*" if words.prefix else "")


def _quoted(text: str) -> str:
    """A text as a string of FTS5's query syntax."""
    return '"' + text.replace('"', '""') + '"'
