"""All words that a workspace's log has, each once, to search for parts of them."""

from __future__ import annotations

from typing import Any

from trailkeeper.ledger.postgresql.words import query_of
from trailkeeper.ledger.search import Term

REMEMBERED_MAX = 500_000


class Vocabulary:
    """What is known on one connection, inside its open transaction."""

    def __init__(self, database: Any) -> None:
        self._db = database
        self._known: dict[int, set[str]] = {}
        self._new: dict[int, set[str]] = {}

    def forget(self) -> None:
        """Something was rolled back or removed."""
        self._known.clear()
        self._new.clear()

    def note(self, workspace: int, words: list[str]) -> None:
        """An activity has these words."""
        known = self._known.setdefault(workspace, set())
        if new := set(words) - known:
            known |= new
            self._new.setdefault(workspace, set()).update(new)

    def write(self) -> None:
        """Write down what was noted and is new."""
        new, self._new = self._new, {}
        for workspace, words in new.items():
            self._db.execute(
                "INSERT INTO word (workspace, word) SELECT ?, unnest(?::text[])"
                " ON CONFLICT DO NOTHING",
                (workspace, sorted(words)),
            )
        if sum(map(len, self._known.values())) > REMEMBERED_MAX:
            self._known.clear()


def words_with(database: Any, workspace: int, part: str, *, at_end: bool, limit: int) -> list[str]:
    """The words that have this part, or end with it, at most `limit`."""
    condition = "right(word, length(?)) = ?" if at_end else "strpos(word, ?) > 0"
    rows = database.execute(
        f"SELECT word FROM word WHERE workspace = ? AND {condition} LIMIT ?",
        (workspace, part, part, limit) if at_end else (workspace, part, limit),
    )
    return [row[0] for row in rows]


def forget_words(database: Any, workspace: int, after: str, limit: int) -> str | None:
    """Remove those of the next `limit` words that no activity has any more. Returns the last of
    them, None at the end."""
    rows = database.execute(
        "SELECT word FROM word WHERE workspace = ? AND word > ? ORDER BY word LIMIT ?",
        (workspace, after, limit),
    ).fetchall()
    gone = [word for (word,) in rows if not _is_there(database, workspace, word)]
    if gone:
        database.execute(
            "DELETE FROM word WHERE workspace = ? AND word = ANY(?)", (workspace, gone)
        )
    return rows[-1][0] if len(rows) == limit else None


def _is_there(database: Any, workspace: int, word: str) -> bool:
    return (
        database.execute(
            "SELECT 1 FROM activity_index WHERE workspace = ? AND words @@ ?::tsquery LIMIT 1",
            (workspace, query_of(Term(word))),
        ).fetchone()
        is not None
    )
