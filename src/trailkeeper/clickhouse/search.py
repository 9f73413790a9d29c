"""A search of the ledger as a condition of ClickHouse, with the same meaning as in SQLite's index:
words are whole, phrases are words that follow each other, and the last word of a prefix may go on.
"""

from __future__ import annotations

from typing import Any

from trailkeeper.ledger.keys import SLOT_BITS
from trailkeeper.ledger.older import Position, Seam
from trailkeeper.ledger.search import Search, Term
from trailkeeper.ledger.words import words_of

NEVER = "0"


class Condition:
    """Parts that must all hold, and their values by name. One that is `beside` another has parts of
    its own, and its values are the other's, too."""

    def __init__(self, beside: Condition | None = None) -> None:
        self.values: dict[str, Any] = beside.values if beside else {}
        self._parts: list[str] = []

    @property
    def text(self) -> str:
        return " AND ".join(self._parts)

    def add(self, part: str) -> None:
        self._parts.append(part)

    def value(self, value: Any, kind: str) -> str:
        """How a value stands in a part."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f"{{{name}:{kind}}}"

    def text_of(self, value: str) -> str:
        return self.value(value, "String")

    def number(self, value: int) -> str:
        return self.value(value, "Int64")


def condition_of(search: Search, seam: Seam | None) -> Condition:
    """Of what matches below a seam, or of all that was copied."""
    made = of_workspace(search.workspace, seam)
    made.add(matching(made, search))
    return made


def matching(made: Condition, search: Search) -> str:
    """What says that an activity of the search's workspace matches; its values go into `made`."""
    if search.wanted is None:
        return NEVER
    parts = [
        f"at >= {made.number(search.low >> SLOT_BITS)} AND key >= {made.number(search.low)}",
        f"at <= {made.number(search.high >> SLOT_BITS)} AND key < {made.number(search.high)}",
        *(_any_of(made, terms) for terms in search.wanted),
    ]
    if search.unwanted:
        parts.append(f"NOT {_any_of(made, search.unwanted)}")
    return " AND ".join(parts)


def of_workspace(workspace: int, seam: Seam | None) -> Condition:
    """All activities of a workspace that are below a seam, or that were copied."""
    made = Condition()
    made.add(f"workspace = {made.value(workspace, 'UInt32')}")
    if seam is not None:
        made.add(f"at <= {made.number(seam.key >> SLOT_BITS)} AND key < {made.number(seam.key)}")
        made.add(f"seq < {made.number(seam.seq)}")
    return made


def after(condition: Condition, order: str, position: Position) -> None:
    """Narrow it to what comes after a position in a listing."""
    sign = "<" if order == "desc" else ">"
    if position.seq is None:
        condition.add(f"key {sign} {condition.number(position.key)}")
        return
    at, seq = condition.number(position.key >> SLOT_BITS), condition.number(position.seq)
    # The first half lets the order of the table be used.
    condition.add(f"at {sign}= {at} AND (at {sign} {at} OR seq {sign} {seq})")


def _any_of(made: Condition, terms: tuple[Term, ...]) -> str:
    tokens = [term.text for term in terms if _is_token(term.text) and not term.is_prefix]
    starts = [term.text for term in terms if _is_token(term.text) and term.is_prefix]
    phrases = [(term, words_of(term.text)) for term in terms if not _is_token(term.text)]
    # A part of a word comes as all words that have it, which may be many.
    single = [words[0] for term, words in phrases if len(words) == 1 and not term.is_prefix]
    parts = [
        _phrase(made, words, is_prefix=term.is_prefix)
        for term, words in phrases
        if len(words) != 1 or term.is_prefix
    ]
    if single:
        parts.append(f"hasAny(words, {made.value(single, 'Array(String)')})")
    if tokens:
        parts.append(f"hasAny(tokens, {made.value(tokens, 'Array(String)')})")
    if starts:
        values = made.value(starts, "Array(String)")
        parts.append(f"arrayExists(t -> arrayExists(s -> startsWith(t, s), {values}), tokens)")
    return f"({' OR '.join(parts)})" if parts else NEVER


def _phrase(made: Condition, words: list[str], *, is_prefix: bool) -> str:
    if not words:
        return NEVER
    whole = words[:-1] if is_prefix else words
    parts: list[str] = []
    if whole:
        # This alone the index of words can answer.
        parts.append(f"hasAll(words, {made.value(whole, 'Array(String)')})")
    if not is_prefix:
        parts.append(f"hasSubstr(words, {made.value(words, 'Array(String)')})")
    else:
        last = f"startsWith(w, {made.text_of(words[-1])})"
        for back, word in enumerate(reversed(whole), 1):
            last += f" AND i > {back} AND words[i - {back}] = {made.text_of(word)}"
        parts.append(f"arrayExists((w, i) -> {last}, words, arrayEnumerate(words))")
    return f"({' AND '.join(parts)})"


def _is_token(text: str) -> bool:
    """Texts from outside have none of these characters."""
    return "\ue000" <= text[:1] <= "\uf8ff"
