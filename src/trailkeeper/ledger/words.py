"""The words of a text, as the tokenizer of SQLite's FTS5 sees them on every database.

What its `unicode61 remove_diacritics 2` makes of a character is asked of itself, a block of
characters at a time, when one is first met.
"""

from __future__ import annotations

from typing import Any

import pysqlite3.dbapi2 as dbapi

_BLOCK = 256


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
    return text.translate(_FOLDING).split()
