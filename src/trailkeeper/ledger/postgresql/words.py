"""Texts as PostgreSQL's tsvector and tsquery, split into words exactly as on SQLite.

PostgreSQL's own parser takes addresses, numbers and e-mails apart in its own way, and depends on
the server's locale. So the words are made here, after the rules of FTS5's tokenizer
`unicode61 remove_diacritics 2`: what it makes of a character is asked of itself, a block of
characters at a time, when one is first met.
"""

from __future__ import annotations

from operator import add
from typing import Any

import pysqlite3.dbapi2 as dbapi

from trailkeeper.ledger.index import TEXT_MAX
from trailkeeper.ledger.search import Term

LEXEME_MAX = 500
"""Characters of a word that are told apart; PostgreSQL takes 2,046 bytes."""

_BLOCK = 256
_POSITIONS = [f":{number}" for number in range(1, TEXT_MAX)]


class _Folding(dict[int, str]):
    """What becomes of each character, for str.translate: a blank where no word has it, nothing for
    what only marks another, else the character that it counts as."""

    def __missing__(self, code: int) -> str:
        first = code - code % _BLOCK
        for at, becomes in enumerate(_block(first)):
            self[first + at] = becomes
        return self[code]


_FOLDING = _Folding()


def _block(first: int) -> list[str]:
    driver: Any = dbapi
    memory: Any = driver.connect(":memory:", isolation_level=None)
    try:
        memory.execute(
            "CREATE VIRTUAL TABLE one USING fts5(body, tokenize='unicode61 remove_diacritics 2')"
        )
        memory.execute("CREATE VIRTUAL TABLE word USING fts5vocab(one, instance)")
        # No text has a NUL, and no surrogates.
        codes = [
            code for code in range(max(first, 1), first + _BLOCK) if not 0xD800 <= code < 0xE000
        ]
        memory.executemany(
            "INSERT INTO one (rowid, body) VALUES (?,?)",
            [(code + 1, f"x{chr(code)}y") for code in codes],
        )
        made: dict[int, list[str]] = {}
        rows: Any = memory.execute("SELECT doc, term FROM word ORDER BY doc, offset")
        for doc, term in rows:
            made.setdefault(doc - 1, []).append(term)
    finally:
        memory.close()
    return [_becomes(made.get(code, ["x", "y"])) for code in range(first, first + _BLOCK)]


def _becomes(words: list[str]) -> str:
    return " " if len(words) == 2 else words[0][1:-1]


def words_of(text: str) -> list[str]:
    """The words of a text, in order."""
    words = text.translate(_FOLDING).split(" ")
    return [word[:LEXEME_MAX] for word in words if word]


def vector_of(tokens: list[str], text: str) -> str:
    """A tsvector's text: the tokens and then the words of a text, each with its positions."""
    words = text.translate(_FOLDING).split()
    if len(text) > LEXEME_MAX:
        words = [word[:LEXEME_MAX] for word in words]
    return " ".join(map(add, tokens + words, _POSITIONS))


def query_of(term: Term) -> str | None:
    """A term as a tsquery's text; None for a text without words, which nothing has."""
    words = [term.text] if _is_token(term.text) else words_of(term.text)
    if not words:
        return None
    quoted = [f"'{word}'" for word in words]
    if term.is_prefix:
        quoted[-1] += ":*"
    return quoted[0] if len(quoted) == 1 else f"({' <-> '.join(quoted)})"


def _is_token(text: str) -> bool:
    """Texts from outside have none of these characters."""
    return text[:1] >= "\ue000" and text[:1] <= "\uf8ff"
