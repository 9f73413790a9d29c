"""Texts as PostgreSQL's tsvector and tsquery, split into words exactly as on SQLite.

PostgreSQL's own parser takes addresses, numbers and e-mails apart in its own way, and depends on
the server's locale; so the words are made here.
"""

from __future__ import annotations

from operator import add

from trailkeeper.ledger.index import TEXT_MAX, is_token
from trailkeeper.ledger.search import Term
from trailkeeper.ledger.words import words_of

LEXEME_MAX = 500
"""Characters of a word that are told apart; PostgreSQL takes 2,046 bytes."""

_POSITIONS = [f":{number}" for number in range(1, TEXT_MAX)]


def lexemes_of(text: str) -> list[str]:
    """The words of a text, in order, as they are kept."""
    words = words_of(text)
    return [word[:LEXEME_MAX] for word in words] if len(text) > LEXEME_MAX else words


def vector_of(tokens: list[str], lexemes: list[str]) -> str:
    """A tsvector's text: the tokens and then the words of a text, each with its positions."""
    return " ".join(map(add, tokens + lexemes, _POSITIONS))


def query_of(term: Term) -> str | None:
    """A term as a tsquery's text; None for a text without words, which nothing has."""
    words = [term.text] if is_token(term.text) else lexemes_of(term.text)
    if not words:
        return None
    quoted = [f"'{word}'" for word in words]
    if term.is_prefix:
        quoted[-1] += ":*"
    return quoted[0] if len(quoted) == 1 else f"({' <-> '.join(quoted)})"
