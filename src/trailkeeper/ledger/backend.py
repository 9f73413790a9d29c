"""What the ledger asks of a database, and each kind answers in its own way.

All else of the ledger is written once, over these protocols. A backend is found by its engine
(ledger/backends.py); whoever adds one passes the tests in tests/contract with it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sqlalchemy import Connection, Engine

from trailkeeper.ledger.append import Append, Outcomes
from trailkeeper.ledger.search import Search

Values = Sequence[Any] | dict[str, Any]


class Taken(Protocol):
    """A removed activity."""

    @property
    def key(self) -> int: ...
    @property
    def seq(self) -> int: ...
    @property
    def action(self) -> int: ...
    @property
    def failed(self) -> bool: ...


class Database(Protocol):
    """A connection inside a transaction, at the level of its driver. Not for two threads."""

    @property
    def ONE_OF(self) -> str:  # noqa: N802 # it is constant
        """A condition's end, such as ` = ANY(?)`: one of the values that `listed` has made of
        many."""
        ...

    def execute(self, statement: str, values: Values = ..., /) -> Any:
        """Run a statement whose values stand as `?`, or as `:name` with a dictionary. Returns a
        cursor; rows are tuples."""
        ...

    def executemany(self, statement: str, rows: Any, /) -> Any:
        """Run a statement for each row of values."""
        ...

    def listed(self, values: Collection[Any], /) -> Any:
        """Many values as the one that ONE_OF takes."""
        ...

    def rows_matching(self, search: Search, columns: str, *, order: str, limit: int) -> list[Any]:
        """These columns of the activities that match, the first of which is the key: `desc` the
        newest first, `asc` the oldest. It reads not many more rows than the limit."""
        ...

    def newest_keys(self, search: Search, limit: int) -> list[int]:
        """The keys that match, the newest first, at most `limit`."""
        ...

    def keys_of(self, search: Search, keys: list[int]) -> set[int]:
        """Which of these keys match."""
        ...

    def keys_between(self, workspace: int, after: int, before: int, limit: int) -> list[int]:
        """The keys of a workspace's activities between two, oldest first."""
        ...

    def count_before(self, workspace: int, key: int) -> int:
        """How many activities of a workspace have a key below this one."""
        ...

    def count_naming(self, workspace: int, token: str, limit: int, /) -> int:
        """How many activities have this token, counted up to a limit."""
        ...

    def words_with(self, workspace: int, part: str, /, *, at_end: bool, limit: int) -> list[str]:
        """The words of a workspace's log that have this part, or, with `at_end`, end with it; at
        most `limit`. There may be more than the log still has, or others have."""
        ...

    def unused_words(self, workspace: int, words: list[str], /) -> list[str]:
        """Which of these words no activity of a workspace has."""
        ...

    def drop_words(self, workspace: int, words: list[str], /) -> None:
        """Remove these words of a workspace."""
        ...

    def ends(self, workspace: int, low: int, high: int) -> tuple[int, int]:
        """The first and the last key of a workspace, which are known to lie from `low` to before
        `high`, each within an hour of it."""
        ...

    def parts_of(self, workspace: int, id: str) -> tuple[bytes, bytes | None] | None:
        """The public and the personal part of the activity with this id."""
        ...

    def known_ids(self, workspace: int, ids: list[str]) -> set[str]:
        """Which of these ids have an activity."""
        ...

    def unnamed(self, workspace: int, entities: list[int], /) -> list[int]:
        """Which of these entries of the dictionary no activity names, and none will until the end
        of the transaction."""
        ...

    def drop_entities(self, workspace: int, keys: list[int]) -> None:
        """Remove these entries of the dictionary. Nobody remembers them from now on."""
        ...

    def tidy(self) -> None:
        """Give back what removals have left empty, if nobody has to wait for it."""
        ...

    def take(self, workspace: int, keys: list[int], before_seq: int) -> Sequence[Taken]:
        """Remove those of these activities whose seq is lower, and tell which, by rising key. Their
        ids stay known."""
        ...


class Appender(Protocol):
    """Appends activities inside the writer's transaction. What it remembers between transactions
    is dropped when it may not be true any more."""

    @property
    def fresh(self) -> int:
        """Rows that wait to be moved into the inverted index."""
        ...

    def append(self, appends: list[Append]) -> list[Outcomes]:
        """Insert all rows of these appends, in order.

        Per activity there is a Receipt, or an IdConflict where its id is in use with other
        content. An id that is there with the same content gets its first receipt again. Raises
        the driver's errors; then the caller rolls back and calls `forget`.
        """
        ...

    def forget(self) -> None:
        """Drop what is remembered: something was rolled back, or removed."""
        ...

    def note_removal(self) -> None:
        """There are removed activities from now on."""
        ...

    def move_fresh(self) -> None:
        """Move the rows that wait into the inverted index."""
        ...


class Session(Protocol):
    """The writer's own connection, for one thread."""

    @property
    def connection(self) -> Connection: ...
    @property
    def database(self) -> Database: ...
    @property
    def appender(self) -> Appender: ...
    @property
    def in_transaction(self) -> bool: ...

    def begin(self, workspaces: set[int], with_units: bool, /) -> bool:
        """Begin a transaction that appends to these workspaces, and that changes other things if
        it is `with_units`. Returns whether anything but appended activities may have changed since
        the last one, by another process."""
        ...

    def begin_again(self) -> None:
        """Undo all since `begin` and stand there again."""
        ...

    def commit(self) -> None:
        """Put the transaction on disk. When it raises, nothing of it is kept, or, if the
        connection broke, nobody knows."""
        ...

    def rollback(self) -> None: ...

    def close(self) -> None:
        """Give the connection back. It raises nothing."""
        ...


class Backend(Protocol):
    """A kind of database."""

    def reading(self, engine: Engine, workspace: int, /) -> AbstractContextManager[Database]:
        """A read transaction over one workspace: all in it see one committed state."""
        ...

    def session(self, engine: Engine) -> Session:
        """Connect the writer."""
        ...

    def problem_of(self, error: Exception) -> Exception | None:
        """The problem that an error of the driver means, if it has one that is known."""
        ...

    def may_try_again(self, error: Exception, /) -> bool:
        """Whether a transaction failed only by its meeting with another one."""
        ...
