"""All words that a workspace's log has, each once, to search for parts of them.

They are written in the transaction that appends the activities. That most words are there already
is known without looking at them: texts are compared piece by piece, as blanks divide them, and only
pieces that were not met before are taken apart.
"""

from __future__ import annotations

from collections.abc import Callable

from trailkeeper.ledger.words import words_of

WORD_MAX = 255
"""Longer words are found whole, but not by a part of them."""

PIECES_MAX = 500_000
PIECE_MAX = 100
"""Characters of a piece that is remembered."""


class Vocabulary:
    """What is known of it on one connection, inside its open transaction. `write` is to insert
    words of a workspace, those that are not there yet."""

    def __init__(self, write: Callable[[int, list[str]], None]) -> None:
        self._write = write
        self._known: dict[int, set[str]] = {}

    def forget(self) -> None:
        """Something was rolled back, or words were removed."""
        self._known.clear()

    def add(self, workspace: int, texts: list[str]) -> None:
        """See to it that the words of these texts are written down."""
        known = self._known.setdefault(workspace, set())
        new: set[str] = set()
        for text in texts:
            pieces = text.split()
            if not known.issuperset(pieces):
                new.update(pieces)
        new -= known
        if not new:
            return
        words = sorted(set(words_of(" ".join(new))))
        self._write(workspace, [word for word in words if len(word) <= WORD_MAX])
        if sum(map(len, self._known.values())) + len(new) > PIECES_MAX:
            self._known.clear()
            return
        known.update(piece for piece in new if len(piece) <= PIECE_MAX)
