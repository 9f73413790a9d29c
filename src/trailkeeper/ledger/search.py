"""A filter as terms of the inverted index, and a range of keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from trailkeeper.activity import now_us
from trailkeeper.catalogue import catalogue
from trailkeeper.ledger.index import (
    FAILED,
    SUCCEEDED,
    Token,
    hashed,
    network_tokens,
    searchable,
)
from trailkeeper.ledger.keys import first_key
from trailkeeper.ledger.words import words_of
from trailkeeper.query.filters import Filter, Match, Words
from trailkeeper.query.params import ParamError

PARTS_MAX = 1_000
"""So many different words may have the part of a word that is searched for."""

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


class Term(NamedTuple):
    """One of the inverted index: a token of ledger/index.py, or words that follow each other. With
    `is_prefix` it, or its last word, may go on."""

    text: str
    is_prefix: bool = False


class Search(Struct, frozen=True):
    """What to find in a workspace: any term of each of `wanted`, none of `unwanted`, and keys from
    `low` (inclusive) to `high` (exclusive). Where `wanted` is None nothing can match.

    `is_of_workspace` says that one of `wanted` has only terms that no other workspace has.
    """

    workspace: int
    wanted: tuple[tuple[Term, ...], ...] | None
    unwanted: tuple[Term, ...] = ()
    low: int = KEY_MIN
    high: int = KEY_MAX
    is_of_workspace: bool = False

    def after(self, order: str, position: int | None) -> Search:
        """What comes after the key `position` in a listing."""
        if position is None:
            return self
        if order == "desc":
            return self.between(KEY_MIN, position)
        return self.between(position + 1, KEY_MAX)

    def between(self, low: int, high: int) -> Search:
        """The same over no more keys than these."""
        return replace(self, low=max(self.low, low), high=min(self.high, high))

    def narrowed(self, text: str) -> Search:
        """The same, and this token, too."""
        return replace(self, wanted=(*(self.wanted or ()), (Term(text),)))


def search_for(database: Any, workspace: int, asked: Filter) -> Search:
    """Translate a filter; `database` is a connection to look up the dictionaries. Raises ParamError
    for a part of a word that too many words have."""
    keys_low, keys_high = KEY_MIN, KEY_MAX
    since = asked.since
    if asked.within is not None:
        since = max(since or 0, now_us() - asked.within * 1_000_000)
    if since is not None:
        keys_low = min(max(first_key(since), KEY_MIN), KEY_MAX)
    if asked.until is not None:
        keys_high = min(max(first_key(asked.until), KEY_MIN), KEY_MAX)
    wanted: list[tuple[Term, ...]] = []
    unwanted: list[Term] = []
    is_of_workspace = False
    for match in asked.matches:
        terms = _match_terms(database, workspace, match)
        if match.negated:
            unwanted += terms
        elif not terms:
            return Search(workspace, None)
        else:
            wanted.append(tuple(terms))
            is_of_workspace = is_of_workspace or match.field in _OF_WORKSPACE
    for words in asked.words:
        terms = _word_terms(database, workspace, words)
        if words.negated:
            unwanted += terms
        elif not terms:
            return Search(workspace, None)
        else:
            wanted.append(tuple(terms))
    return Search(
        workspace,
        tuple(wanted),
        tuple(unwanted),
        keys_low,
        keys_high,
        is_of_workspace,
    )


def _match_terms(database: Any, workspace: int, match: Match) -> list[Term]:
    """The terms of which any is a match; none when nothing in the log has such a value."""
    field, values = match.field, match.values
    if field in ("actor", "target"):
        token = Token.ACTOR if field == "actor" else Token.TARGET
        keys = [key for value in values for key in entity_keys(database, workspace, value)]
        return [Term(f"{token}{key}") for key in dict.fromkeys(keys)]
    if field == "outcome":
        return [Term(FAILED if value == "failure" else SUCCEEDED) for value in values]
    if field == "ip":
        return [Term(*token) for value in values for token in network_tokens(value)]
    if field in ("action", "category"):
        return [Term(f"{Token.ACTION}{key}") for key in action_keys(database, workspace, match)]
    if field in _HASHED:
        return [Term(hashed(_HASHED[field], value)) for value in values]
    token, kind = _TERMS[field]
    keys = [key for value in values for key in _term_keys(database, workspace, kind, value)]
    return [Term(f"{token}{key}") for key in dict.fromkeys(keys)]


def _word_terms(database: Any, workspace: int, words: Words) -> list[Term]:
    """A text as terms; the end or a part of a word as all words that have it. Raises ParamError
    where these are too many."""
    if not words.suffix:
        return [Term(searchable(words.text), words.prefix)]
    part = words_of(words.text)
    if len(part) != 1:
        return []
    found: list[str] = database.words_with(
        workspace, part[0], at_end=not words.prefix, limit=PARTS_MAX + 1
    )
    if len(found) > PARTS_MAX:
        raise ParamError(
            "q",
            f"has `*{words.text[:40]}{'*' if words.prefix else ''}`, which more than {PARTS_MAX:,}"
            " different words have; write a longer part of the word",
        )
    return [Term(word) for word in found]


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
