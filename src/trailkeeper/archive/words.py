"""The words of an activity as the live search has them: whole, without accents and case.

The inverted index of the ledger cuts texts into words by SQLite's tokenizer, a character at a time.
What it makes of each character is asked of it once; so that both searches find the same, whatever
the language.
"""

from __future__ import annotations

import threading
from typing import Any

import pysqlite3.dbapi2 as dbapi

from trailkeeper.activity import Activity, Actor, Target
from trailkeeper.ledger.fresh import INDEX_COLUMNS
from trailkeeper.ledger.index import searchable
from trailkeeper.ledger.prepare import collect_texts


class _Letters(dict[int, str]):
    """What becomes of each character: itself in its plain form, nothing (a combining accent), or a
    space where it separates words. For str.translate."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        database: Any = dbapi
        self._database: Any = database.connect(
            ":memory:", check_same_thread=False, isolation_level=None
        )
        self._database.execute(f"CREATE VIRTUAL TABLE text USING fts5({INDEX_COLUMNS})")
        self._database.execute("CREATE VIRTUAL TABLE term USING fts5vocab(text, 'instance')")

    def __missing__(self, code: int) -> str:
        with self._lock:
            self._database.execute("INSERT INTO text (rowid, body) VALUES (1, ?)", (_around(code),))
            rows: list[tuple[str]] = self._database.execute(
                "SELECT term FROM term ORDER BY offset"
            ).fetchall()
            self._database.execute("DELETE FROM text")
        found = rows[0][0][1:-1] if len(rows) == 1 else " "
        self[code] = found
        return found


def _around(code: int) -> str:
    return f"x{chr(code)}y"


_letters = _Letters()


def words_of(text: str) -> list[str]:
    """The words of a text, as they are compared."""
    return searchable(text).translate(_letters).split(" ") if text else []


def folded(text: str) -> str:
    """The words of a text with a space before, between and behind; so that a phrase is found as a
    part of it. Empty without any word."""
    words = [word for word in words_of(text) if word]
    return f" {' '.join(words)} " if words else ""


def text_of(activity: Activity, label: str) -> str:
    """What is searchable of an activity; `label` is what its action is called."""
    parts = [label, _party(activity.actor)]
    if activity.on_behalf_of:
        parts.append(_party(activity.on_behalf_of))
    parts += [_party(target) for target in activity.targets]
    if activity.reason:
        parts.append(activity.reason)
    if activity.context.ip_address:
        parts.append(activity.context.ip_address)
    if activity.details:
        collect_texts(activity.details, parts)
    for change in activity.changes:
        parts.append(change.field)
        collect_texts(change.old, parts)
        collect_texts(change.new, parts)
    for party in (activity.actor, activity.on_behalf_of, *activity.targets):
        if party and party.metadata:
            collect_texts(party.metadata, parts)
    return "\n".join(parts)


def _party(party: Actor | Target) -> str:
    return "\n".join(text for text in (party.name, party.email, party.id) if text)
