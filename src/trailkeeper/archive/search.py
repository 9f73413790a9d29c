"""Searching an archive: the filter of the live search, over the files.

The newest come first (or the oldest), a page at a time. Files are read a few at a time in the order
of what occurred in them, and only until a page is full or its time is over; then the page says how
far it came, and its cursor goes on there.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from trailkeeper.activity import Activity
from trailkeeper.archive import records
from trailkeeper.archive.archive import Archive, read
from trailkeeper.archive.cache import Cache
from trailkeeper.archive.conditions import Asked, Lookup, asked_now, condition
from trailkeeper.archive.engine import Engine, engine
from trailkeeper.archive.extra import require_extra
from trailkeeper.archive.manifest import FileEntry
from trailkeeper.archive.parties import Meant, meant
from trailkeeper.archive.place import Place
from trailkeeper.identity.store import Store
from trailkeeper.ledger.reader import PAGE_MAX
from trailkeeper.ledger.record import decode_activity
from trailkeeper.query.cursor import CursorError, open_cursor, sign_cursor
from trailkeeper.query.filters import Filter

BUDGET_S = 8.0
"""After so long a page is given as it is, unless nothing was searched yet."""

FIRST_FILES, MOST_FILES = 2, 16
STEP_ROWS = 250_000
"""What is read at a time: at first few files, then twice as many each time, and no more than have
so many activities, but one in any case."""

CURSOR = "archive cursor"
SEQ_MAX = 1 << 62


class Position(Struct, array_like=True, frozen=True):
    """Where a listing stopped: the time and the seq of what came last."""

    at: int
    seq: int


class _Cursor(Struct, array_like=True, frozen=True):
    position: Position
    listing: bytes


class Searched(Struct, frozen=True, kw_only=True):
    """What a page is made of: so many of the archive's files that may hold something, with so many
    bytes and activities; and the days that the archive has."""

    files: int
    candidates: int
    bytes: int
    activities: int
    first_day: str | None
    last_day: str | None


class Found(Struct, frozen=True):
    """Activities in order, and the cursor to what follows; None at the end. A page that is not full
    may have one, too: its time was over."""

    activities: list[Activity]
    next_cursor: str | None
    searched: Searched


Row = tuple[int, int]
"""When it occurred, and its seq."""


class ArchiveSearch:
    """Searches the archives of all workspaces; `secret` signs the cursors."""

    def __init__(
        self, store: Store, opened: Callable[[Archive], Place], cache: Cache, secret: bytes
    ) -> None:
        self._store = store
        self._opened = opened
        self._cache = cache
        self._secret = secret

    def page(
        self,
        workspace: int,
        asked: Filter,
        *,
        order: str = "desc",
        limit: int = 50,
        cursor: str | None = None,
        budget_s: float = BUDGET_S,
    ) -> Found:
        """The archived activities that match, by `occurred_at`, then `seq`: newest first or (`asc`)
        oldest first. A listing that is paged through shows each once, whatever is archived
        meanwhile. Raises CursorError, NotFound without an archive, ArchiveUnavailable."""
        require_extra()
        if order not in ("desc", "asc"):
            raise ValueError(f"order is {order!r}")
        limit = max(1, min(limit, PAGE_MAX))
        listing = _listing(workspace, asked, order)
        position = self._position(cursor, listing) if cursor else None
        times = asked_now(asked)
        with self._store.reading() as connection:
            one = read(connection, workspace)
            files = records.readable_files(
                connection, one.key, since=times.since, until=times.until
            )
            totals = records.totals(connection, one.key)
        walk = _Walk(self, one, times, order, limit, files, position)
        activities, rest = walk.run(budget_s)
        return Found(
            activities,
            self._cursor(rest, listing) if rest else None,
            Searched(
                files=walk.searched,
                candidates=len(walk.files),
                bytes=walk.bytes,
                activities=walk.count,
                first_day=totals.first_day,
                last_day=totals.last_day,
            ),
        )

    def get(self, workspace: int, seq: int) -> Activity | None:
        """The archived activity with this seq. Raises NotFound without an archive,
        ArchiveUnavailable."""
        require_extra()
        with self._store.reading() as connection:
            one = read(connection, workspace)
            files = records.readable_files(connection, one.key)
        wanted = [file for file in files if file.first_seq <= seq < file.end_seq]
        if not wanted:
            return None
        with closing(self._opened(one)) as place, self.session(one, place, wanted) as session:
            return session.read(wanted, [seq]).get(seq)

    def any_in(self, one: Archive, place: Place, files: list[FileEntry], asked: Filter) -> bool:
        """Whether anything in these files matches. Raises ArchiveUnavailable."""
        require_extra()
        with self.session(one, place, files) as session:
            return bool(session.find(files, asked_now(asked), "true", "desc", 1))

    def opened(self, one: Archive) -> Place:
        return self._opened(one)

    @contextlib.contextmanager
    def session(self, one: Archive, place: Place, files: list[FileEntry]) -> Generator[_Session]:
        """To read these files. Raises ArchiveUnavailable."""
        paths = [self._cache.path_of(one, place, file) for file in files]
        with engine(paths) as database:
            yield _Session(
                database,
                lambda some: self._cache.held(one, place, some),
                lambda values: self._meant(one.workspace, values),
            )

    def _meant(self, workspace: int, values: tuple[str, ...]) -> Meant:
        with self._store.reading() as connection:
            return meant(connection, workspace, values)

    def _cursor(self, position: Position, listing: bytes) -> str:
        body = msgspec.msgpack.encode(_Cursor(position, listing))
        return sign_cursor(self._secret, CURSOR, body)

    def _position(self, cursor: str, listing: bytes) -> Position:
        parsed = msgspec.msgpack.decode(open_cursor(self._secret, CURSOR, cursor), type=_Cursor)
        if parsed.listing != listing:
            raise CursorError("was given for another filter or order; start again without it")
        return parsed.position


class _Session:
    """Statements over files of one archive."""

    def __init__(
        self,
        database: Engine,
        held: Callable[[list[FileEntry]], AbstractContextManager[list[Path]]],
        lookup: Lookup,
    ) -> None:
        self._database = database
        self._held = held
        self._lookup = lookup

    def find(
        self, files: list[FileEntry], asked: Asked, after: str, order: str, limit: int
    ) -> list[Row]:
        """The first matching rows of these files."""
        wanted = condition(asked, self._lookup)
        direction = "DESC" if order == "desc" else "ASC"
        with self._held(files) as paths:
            return [
                (at, seq)
                for at, seq in self._database.rows(
                    "SELECT epoch_us(occurred_at) AS at, seq"  # noqa: S608 # values are parameters
                    " FROM read_parquet(?, hive_partitioning = false)"
                    f" WHERE {wanted.sql} AND {after}"
                    f" ORDER BY occurred_at {direction}, seq {direction} LIMIT {limit:d}",
                    [[str(path) for path in paths], *wanted.values],
                )
            ]

    def read(self, files: list[FileEntry], seqs: list[int]) -> dict[int, Activity]:
        """The activities with these seqs. Only row groups that may have one are read."""
        with self._held(files) as paths:
            rows = self._database.rows(
                "SELECT seq, public, personal"  # noqa: S608 # they are numbers
                " FROM read_parquet(?, hive_partitioning = false)"
                f" WHERE seq IN ({', '.join(str(int(seq)) for seq in seqs)})",
                [[str(path) for path in paths]],
            )
        return {seq: decode_activity(public, personal) for seq, public, personal in rows}


class _Walk:
    """One page: through the files in order, until it is full."""

    def __init__(
        self,
        search: ArchiveSearch,
        one: Archive,
        asked: Asked,
        order: str,
        limit: int,
        files: list[FileEntry],
        position: Position | None,
    ) -> None:
        self._search = search
        self._one = one
        self._asked = asked
        self._order = order
        self._limit = limit
        self._newest_first = order == "desc"
        self._position = position
        self.files = sorted(
            (file for file in files if self._is_ahead(file)),
            key=self._nearest,
            reverse=self._newest_first,
        )
        self._step_files = FIRST_FILES
        self.searched = 0
        self.bytes = 0
        self.count = 0

    def run(self, budget_s: float) -> tuple[list[Activity], Position | None]:
        """The page, and where the next one goes on."""
        if not self.files:
            return [], None
        end = time.monotonic() + budget_s
        rows: list[Row] = []
        with (
            closing(self._search.opened(self._one)) as place,
            self._search.session(self._one, place, self.files) as session,
        ):
            while self.searched < len(self.files):
                rows = self._step(session, rows)
                if len(self._settled(rows)) > self._limit:
                    break
                if time.monotonic() > end and self._gets_further():
                    break
            settled = self._settled(rows)
            page = settled[: self._limit]
            return self._read(session, page), self._rest(settled)

    def _step(self, session: _Session, rows: list[Row]) -> list[Row]:
        """With what the next files have, the first that a page may need."""
        some = self._next_files()
        found = session.find(some, self._asked, self._after(), self._order, self._limit + 1)
        self.searched += len(some)
        self.bytes += sum(file.bytes for file in some)
        self.count += sum(file.count for file in some)
        return sorted(rows + found, reverse=self._newest_first)[: self._limit + 1]

    def _next_files(self) -> list[FileEntry]:
        some: list[FileEntry] = []
        for file in self.files[self.searched : self.searched + self._step_files]:
            if some and sum(one.count for one in some) + file.count > STEP_ROWS:
                break
            some.append(file)
        self._step_files = min(2 * self._step_files, MOST_FILES)
        return some

    def _border(self) -> int | None:
        """The time up to which files are searched; None where all are."""
        if self.searched == len(self.files):
            return None
        return self._nearest(self.files[self.searched])

    def _gets_further(self) -> bool:
        """Whether a page that stops here ends after where it began: files may be of the same time,
        and then all of them are one step."""
        border = self._border()
        if border is None or self._position is None:
            return True
        return border < self._position.at if self._newest_first else border > self._position.at

    def _settled(self, rows: list[Row]) -> list[Row]:
        """Those before which nothing else can come any more."""
        border = self._border()
        if border is None:
            return rows
        if self._newest_first:
            return [row for row in rows if row[0] > border]
        return [row for row in rows if row[0] < border]

    def _rest(self, settled: list[Row]) -> Position | None:
        if len(settled) > self._limit:
            return Position(*settled[self._limit - 1])
        border = self._border()
        if border is None:
            return None
        return Position(border, SEQ_MAX if self._newest_first else -1)

    def _read(self, session: _Session, page: list[Row]) -> list[Activity]:
        if not page:
            return []
        seqs = [seq for _, seq in page]
        files = [
            file for file in self.files if any(file.first_seq <= seq < file.end_seq for seq in seqs)
        ]
        there = session.read(files, seqs)
        return [there[seq] for seq in seqs]

    def _after(self) -> str:
        if self._position is None:
            return "true"
        sign = "<" if self._newest_first else ">"
        at = f"make_timestamptz({int(self._position.at)})"
        return (
            f"(occurred_at {sign}= {at} AND"
            f" (occurred_at {sign} {at} OR seq {sign} {int(self._position.seq)}))"
        )

    def _is_ahead(self, file: FileEntry) -> bool:
        if self._position is None:
            return True
        if self._newest_first:
            return file.occurred_first <= self._position.at
        return file.occurred_last >= self._position.at

    def _nearest(self, file: FileEntry) -> int:
        return file.occurred_last if self._newest_first else file.occurred_first


def _listing(workspace: int, asked: Filter, order: str) -> bytes:
    content: Any = msgspec.msgpack.encode((workspace, order, asked))
    return hashlib.blake2b(content, digest_size=8).digest()
