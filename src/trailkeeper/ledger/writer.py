"""The writer: one thread per process through which every change of state goes.

Units of work wait in a bounded queue. The writer takes all that wait, runs each under a savepoint
in one shared transaction, commits once, and only then answers them: group commit. An answered
unit is on disk. A unit that fails is rolled back alone; when the commit fails, every unit of the
group fails and nothing of them is kept.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Engine

from trailkeeper.errors import Problem, QueueFull, StoreUnavailable
from trailkeeper.ledger.append import Append, Outcomes
from trailkeeper.ledger.backend import Appender, Database, Session, Taken
from trailkeeper.ledger.backends import backend_of
from trailkeeper.ledger.prepare import Prepared
from trailkeeper.ledger.removal import Removed, forget_names, forget_words, remove
from trailkeeper.query.filters import Filter

T = TypeVar("T")

QUEUE_MAX_BYTES = 64 * 1024 * 1024
QUEUE_MAX_UNITS = 10_000
GROUP_MAX_BYTES = 8 * 1024 * 1024
UNIT_BYTES = 1_000

TRIES = 5
"""How often a transaction is tried that failed only by its meeting with another one. Units are run
again then: they have no effects outside of the transaction."""

GATHER_S = 0.005
"""So long at most the writer waits for a fuller group, and no longer than the last one took: until
all are there again whom that one has answered, and who came meanwhile. Whoever sends one request
after the other never waits; of many at once it makes fewer, fuller commits, the more so the longer
a commit takes."""

FULL_BYTES = 64 * 1024
"""It never waits for more than this: such a group takes so long by itself that the next is better
made ready meanwhile."""

FRESH_MAX = 400
"""With so many fresh rows the writer moves them on; a search during that time reads so many."""

LULL_S = 0.02
"""After so long without work the fresh rows are moved into the inverted index."""

log = structlog.get_logger()


class Transaction:
    """What a unit of work gets: the shared transaction's connection, and the way to record."""

    def __init__(self, session: Session) -> None:
        self.connection: Connection = session.connection
        self.database: Database = session.database
        """The same connection, at the level of its driver."""
        self._appender: Appender = session.appender

    def record(self, workspace: int, *activities: Prepared) -> Outcomes:
        """Append activities in this unit's savepoint: they and its changes stand or fall
        together."""
        return self._appender.append([Append(workspace, list(activities))])[0]

    def append(self, appends: list[Append]) -> list[Outcomes]:
        """Append to several workspaces, in order."""
        return self._appender.append(appends)

    def remove(
        self,
        workspace: int,
        *,
        after_key: int,
        before_key: int,
        before_seq: int,
        holds: list[Filter],
        limit: int,
    ) -> Removed:
        """Remove old activities, see ledger/removal.py."""
        removed = remove(
            self.database,
            workspace,
            after_key=after_key,
            before_key=before_key,
            before_seq=before_seq,
            holds=holds,
            limit=limit,
        )
        if removed.seqs:
            self._appender.note_removal()
        return removed

    def move_out(self, workspace: int, keys: list[int], before_seq: int) -> Sequence[Taken]:
        """Take those of these activities out of the database whose seq is lower, since another
        store has them. Their ids stay known, and they stay counted by hour."""
        self._appender.move_fresh()
        taken = self.database.take(workspace, keys, before_seq)
        if taken:
            self._appender.note_removal()
        return taken

    def forget_names(
        self, workspace: int, *, after: int, limit: int, named: Collection[int] = ()
    ) -> tuple[int | None, int]:
        """Remove entries of the dictionary that nothing names, see ledger/removal.py."""
        last, gone = forget_names(self.database, workspace, after=after, limit=limit, named=named)
        if gone:
            self._appender.forget()
        if last is None:
            self.database.tidy()
        return last, gone

    def forget_words(self, workspace: int, words: list[str]) -> int:
        """Remove those of these words that no activity has any more, see ledger/removal.py."""
        gone = forget_words(self.database, workspace, words)
        if gone:
            self._appender.forget()
        return gone

    def forget(self) -> None:
        """What the appender remembers of workspaces may not be true any more."""
        self._appender.forget()

    def move_index(self) -> None:
        """Bring the inverted index up to date: its newest rows are moved in."""
        self._appender.move_fresh()


Unit = Callable[[Transaction], Any]
AuthorityCheck = Callable[[Any, bytes], Problem | None]
"""On a driver-level connection: whether an append's authority still holds, or what is wrong."""

Done = Callable[[Any, BaseException | None], None]


class _Entry:
    __slots__ = ("done", "error", "result", "size", "work")

    def __init__(self, work: Append | Unit, size: int, done: Done) -> None:
        self.work = work
        self.size = size
        self.done = done
        self.result: Any = None
        self.error: BaseException | None = None


class Writer:
    """Start it once per process and `close` it at the end; then the queue is worked off first."""

    def __init__(
        self,
        engine: Engine,
        *,
        queue_max_bytes: int = QUEUE_MAX_BYTES,
        queue_max_units: int = QUEUE_MAX_UNITS,
        after_commit: Callable[[int], None] | None = None,
        still_holds: AuthorityCheck | None = None,
    ) -> None:
        self._engine = engine
        self._backend = backend_of(engine)
        self._max_bytes = queue_max_bytes
        self._max_units = queue_max_units
        self._after_commit = [after_commit] if after_commit else []
        self._still_holds = still_holds
        self.generation = 0
        """Rises when anything but appended activities may have changed: what was looked up in the
        database before is to be looked up again."""
        self._queue: deque[_Entry] = deque()
        self._bytes = 0
        self._wake = threading.Condition(threading.Lock())
        self._closing = False
        self._wanted = 1
        self._in_work = 0
        self._session: Session | None = None
        self._fresh = 0
        self._thread = threading.Thread(target=self._loop, name="writer", daemon=True)
        self._thread.start()

    def enqueue(self, work: Append | Unit, done: Done) -> None:
        """Queue a unit; `done(result, error)` is called in the writer's thread after the commit.

        Raises QueueFull at once when the queue is full, and StoreUnavailable after `close`.
        """
        size = work.size if isinstance(work, Append) else UNIT_BYTES
        with self._wake:
            if self._closing:
                raise StoreUnavailable("The server is stopping; send it again", retry_after_s=5)
            full = self._bytes + size > self._max_bytes or len(self._queue) >= self._max_units
            if full and self._queue:
                raise QueueFull(
                    "The writer's queue is full; nothing was recorded. Send it again later",
                    retry_after_s=1,
                )
            self._queue.append(_Entry(work, size, done))
            self._bytes += size
            if len(self._queue) >= self._wanted:
                self._wake.notify()

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """Queue a unit; the future is done after the commit."""
        future: Future[T] = Future()
        self.enqueue(work, lambda result, error: _settle(future, result, error))
        return future

    def run(self, work: Callable[[Transaction], T]) -> T:
        """Do a unit and wait until it is on disk. Raises what the unit raised."""
        return self.submit(work).result()

    def append(self, workspace: int, activities: list[Prepared]) -> Outcomes:
        """Append activities and wait until they are on disk."""
        future: Future[Outcomes] = Future()
        self.enqueue(
            Append(workspace, activities), lambda result, error: _settle(future, result, error)
        )
        return future.result()

    def listen(self, notice: Callable[[int], None]) -> None:
        """Have `notice` called after each group commit, with the number of its units, in the
        writer's thread: it must be quick, and must not raise."""
        self._after_commit.append(notice)

    @property
    def waiting(self) -> int:
        """Units in the queue."""
        return len(self._queue)

    @property
    def unanswered(self) -> int:
        """Units in the queue or in the open transaction."""
        return len(self._queue) + self._in_work

    def close(self) -> None:
        """Work off the queue, then stop. Later units are refused."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _loop(self) -> None:
        expected, seconds = 1, 0.0
        while (group := self._next_group(expected, min(seconds, GATHER_S))) is not None:
            if group:
                start = time.perf_counter()
                self._work_off(group)
                seconds = time.perf_counter() - start
                expected = len(group) + len(self._queue)
            if not group or self._fresh >= FRESH_MAX:
                self._move_fresh()
        self._move_fresh()
        if self._session is not None:
            self._session.close()

    def _next_group(self, expected: int, patience_s: float) -> list[_Entry] | None:
        """What waits in the queue, once something does. Nothing after a lull with fresh rows to be
        moved; None at the end."""
        with self._wake:
            while not self._queue and not self._closing:
                self._wanted = 1
                if not self._wake.wait(LULL_S if self._fresh else None) and not self._queue:
                    return []
            if not self._queue:
                return None
            is_full = self._bytes >= FULL_BYTES
            if len(self._queue) < expected and not is_full and not self._closing:
                self._wanted = expected
                self._wake.wait(patience_s)
            group = self._take()
            self._in_work = len(group)
            return group

    def _take(self) -> list[_Entry]:
        group: list[_Entry] = []
        size = 0
        while self._queue and size < GROUP_MAX_BYTES:
            entry = self._queue.popleft()
            size += entry.size
            group.append(entry)
        self._bytes -= size
        return group

    def _work_off(self, group: list[_Entry]) -> None:
        for again in range(TRIES - 1, -1, -1):
            try:
                self._transact(group)
                break
            except Exception as error:  # noqa: BLE001 # whatever it was, the units must hear of it
                self._undo_all()
                if again and self._backend.may_try_again(error):
                    continue
                problem = self._as_problem(error)
                for entry in group:
                    entry.result, entry.error = None, entry.error or problem
                break
        self._in_work = 0
        self._answer(group)
        for notice in self._after_commit:
            notice(len(group))

    def _transact(self, group: list[_Entry]) -> None:
        """Run a group in one transaction. When it raises, nothing of it is kept."""
        for entry in group:
            entry.result = entry.error = None
        session = self._open()
        appended = {entry.work.workspace for entry in group if isinstance(entry.work, Append)}
        with_units = any(not isinstance(entry.work, Append) for entry in group)
        if session.begin(appended, with_units):
            self.generation += 1
        self._check_authorities(session.database, group)
        transaction = Transaction(session)
        position = 0
        while position < len(group):
            position += self._run_some(group, position, transaction, session)
        self._fresh = session.appender.fresh
        session.commit()
        if with_units:
            self.generation += 1

    def _answer(self, group: list[_Entry]) -> None:
        for entry in group:
            try:
                entry.done(entry.result, entry.error)
            except Exception:
                log.exception("a unit's answer could not be given")

    def _open(self) -> Session:
        if self._session is None:
            self._session = self._backend.session(self._engine)
        return self._session

    def _check_authorities(self, database: Database, group: list[_Entry]) -> None:
        """Refuse the appends whose authority was taken away since they were let in."""
        for entry in group:
            work = entry.work
            if (
                isinstance(work, Append)
                and work.authority is not None
                and work.generation != self.generation
                and self._still_holds is not None
            ):
                entry.error = self._still_holds(database, work.authority)

    def _run_some(
        self, group: list[_Entry], start: int, transaction: Transaction, session: Session
    ) -> int:
        """Run the unit at `start`, and with it the appends that follow it. Returns how many."""
        first = group[start]
        run = [first]
        if isinstance(first.work, Append):
            for entry in group[start + 1 :]:
                if not isinstance(entry.work, Append):
                    break
                run.append(entry)
        taken = [entry for entry in run if entry.error is None]
        if not taken:
            return len(run)
        # For a group that is all there is in the transaction, that itself is the savepoint.
        is_whole = len(taken) == len(group)
        # A unit that failed alone is not run a second time.
        if not self._attempt(taken, transaction, session, is_whole) and len(taken) > 1:
            for entry in taken:
                entry.error = None
                self._attempt([entry], transaction, session, False)
        return len(run)

    def _attempt(
        self, run: list[_Entry], transaction: Transaction, session: Session, is_whole: bool
    ) -> bool:
        """Whether all went well; if not, nothing of them is left in the transaction."""
        execute = session.database.execute
        if not is_whole:
            execute("SAVEPOINT unit")
        try:
            self._do(run, transaction)
        except Exception as error:
            if not session.in_transaction or self._backend.may_try_again(error):
                raise  # the database has rolled back everything: no unit of the group is left
            if is_whole:
                session.begin_again()
            else:
                execute("ROLLBACK TO unit")
                execute("RELEASE unit")
            session.appender.forget()
            problem = self._as_problem(error)
            for entry in run:
                entry.result, entry.error = None, problem
            return False
        if not is_whole:
            execute("RELEASE unit")
        return True

    def _do(self, run: list[_Entry], transaction: Transaction) -> None:
        """Do a unit, or several appends at once."""
        appends = [entry.work for entry in run if isinstance(entry.work, Append)]
        if appends:
            for entry, outcomes in zip(run, transaction.append(appends), strict=True):
                entry.result = outcomes
        for entry in run:
            if not isinstance(entry.work, Append):
                entry.result = entry.work(transaction)

    def _move_fresh(self) -> None:
        """Move the fresh rows into the inverted index. What goes wrong is tried again after the
        next append; searches find the rows where they are."""
        if not self._fresh:
            return
        self._fresh = 0
        try:
            session = self._open()
            if session.begin(set(), False):
                self.generation += 1
            session.appender.move_fresh()
            session.commit()
        except Exception as error:  # noqa: BLE001 # nobody waits for it, and nothing is lost
            self._as_problem(error)
            self._undo_all()

    def _undo_all(self) -> None:
        if self._session is None:
            return
        self._session.appender.forget()
        try:
            self._session.rollback()
        except Exception:
            log.exception("rolling back failed; the connection is opened anew")
            self._session.close()
            self._session = None

    def _as_problem(self, error: Exception) -> Exception:
        """The problem that a database error means; what units raise themselves stays what it is."""
        if isinstance(error, Problem):
            return error
        if problem := self._backend.problem_of(error):
            return problem
        log.error("a unit of work failed", error=str(error), kind=type(error).__name__)
        return error


def _settle(future: Future[Any], result: Any, error: BaseException | None) -> None:
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
