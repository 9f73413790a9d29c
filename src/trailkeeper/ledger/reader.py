"""Reading the log: pages of activities, one activity, and what the pickers offer.

Every method may be called from any thread; each call sees one committed state, and what was
acknowledged before the call is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Engine

from trailkeeper.activity import Activity
from trailkeeper.ledger.append import fold
from trailkeeper.ledger.backend import Database
from trailkeeper.ledger.backends import backend_of
from trailkeeper.ledger.facets import (
    FACETS,
    VALUES_MAX,
    FacetName,
    Facets,
    facets_of,
    parties_within,
    without_own,
)
from trailkeeper.ledger.histogram import Histogram, histogram_of
from trailkeeper.ledger.index import Token
from trailkeeper.ledger.older import Older, Position, in_order, rows_of_page
from trailkeeper.ledger.record import decode_activity
from trailkeeper.ledger.recorder import OWN_SOURCE
from trailkeeper.ledger.search import Search, entity_keys, search_for
from trailkeeper.query.cursor import make_cursor, read_place
from trailkeeper.query.filters import Filter, Match

Role = Literal["actor", "target"]

PAGE_MAX = 1_000
COUNT_MAX = 99
EVERYTHING = Filter()
RECENT = 500
"""How many of the latest activities the pickers' first offer is taken from."""


class Page(Struct, frozen=True):
    """Activities in order, and the cursor to what follows; None at the end."""

    activities: list[Activity]
    next_cursor: str | None


class Choice(Struct, frozen=True):
    """An actor or a target that a picker offers. `more`: there are more than `count`, or may be."""

    type: str
    id: str
    name: str | None
    email: str | None
    count: int
    more: bool

    @property
    def ref(self) -> str:
        """How filters name it."""
        return f"{self.type}:{self.id}"


class Reader:
    """Reads on pooled connections; `secret` signs the cursors. What has left the database is read
    from `older`."""

    def __init__(self, engine: Engine, secret: bytes, older: Older | None = None) -> None:
        self._engine = engine
        self.older = older
        self._backend = backend_of(engine)
        self._secret = secret

    def page(
        self,
        workspace: int,
        asked: Filter,
        *,
        order: str = "desc",
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page:
        """The activities that match, by `occurred_at`, newest first or (`asc`) oldest first.

        A listing that is paged through shows each activity once, whatever is recorded meanwhile.
        Raises CursorError.
        """
        if order not in ("desc", "asc"):
            raise ValueError(f"order is {order!r}")
        limit = max(1, min(limit, PAGE_MAX))
        position = None
        if cursor:
            position = Position(*read_place(self._secret, workspace, asked, order, cursor))
        with self._own(workspace) as database:
            search = search_for(database, workspace, asked)
            rows = rows_of_page(database, self.older, search, order, position, limit + 1)
        more = len(rows) > limit
        rows = rows[:limit]
        return Page(
            [decode_activity(public, personal) for _, _, public, personal in rows],
            make_cursor(self._secret, workspace, asked, order, *rows[-1][:2]) if more else None,
        )

    def get(self, workspace: int, id: str) -> Activity | None:
        """The activity with this id."""
        with self._database(workspace) as database:
            row = database.parts_of(workspace, id)
        return decode_activity(*row) if row else None

    def after(self, workspace: int, seq: int, limit: int) -> list[Activity]:
        """Activities from `seq` on in the order of recording, at most `limit`."""
        with self._own(workspace) as database:
            rows = database.execute(
                "SELECT seq, received_at, public, personal FROM activity"
                " WHERE workspace=? AND seq>=? ORDER BY seq LIMIT ?",
                (workspace, seq, limit),
            ).fetchall()
            rows = in_order(rows, self._older_from(database, workspace, seq, limit))[:limit]
        return [decode_activity(public, personal) for _, _, public, personal in rows]

    def between(self, workspace: int, first: int, end: int, asked: Filter) -> list[Activity]:
        """The activities from seq `first` to before `end` that match, in the order of recording."""
        with self._own(workspace) as database:
            rows = database.execute(
                "SELECT key, seq, public, personal FROM activity"
                " WHERE workspace=? AND seq>=? AND seq<? ORDER BY seq",
                (workspace, first, end),
            ).fetchall()
            search = None if asked.is_empty else search_for(database, workspace, asked)
            if rows and search:
                kept = database.keys_of(search, [row[0] for row in rows])
                rows = [row for row in rows if row[0] in kept]
            more = self._older_between(database, workspace, first, end, search)
        rows = in_order([row[1:] for row in rows], more)
        return [decode_activity(public, personal) for _, public, personal in rows]

    def verbatim(self, workspace: int, first: int, end: int) -> list[Any]:
        """Seq, received_at, public part, salt and personal part of the activities from seq `first`
        to before `end`, as they were stored, in order."""
        with self._own(workspace) as database:
            rows = database.execute(
                "SELECT seq, received_at, public, salt, personal FROM activity"
                " WHERE workspace=? AND seq>=? AND seq<? ORDER BY seq",
                (workspace, first, end),
            ).fetchall()
            if self.older and (seam := self.older.seam(database, workspace)):
                rows = in_order(rows, self.older.verbatim(workspace, seam, first, end))
        return rows

    def sizes(self, workspace: int, first: int, end: int, limit: int) -> list[Any]:
        """Seq and size in bytes, of the public and the personal part, of the first of these."""
        with self._own(workspace) as database:
            rows = database.execute(
                "SELECT seq, length(public) + coalesce(length(personal), 0) FROM activity"
                " WHERE workspace=? AND seq>=? AND seq<? ORDER BY seq LIMIT ?",
                (workspace, first, end, limit),
            ).fetchall()
            if self.older and (seam := self.older.seam(database, workspace)):
                rows = in_order(rows, self.older.sizes(workspace, seam, first, end, limit))
        return rows[:limit]

    def _older_from(self, database: Database, workspace: int, seq: int, limit: int) -> list[Any]:
        """Seq, received_at, public and personal part of what has left the database, from a seq
        on."""
        if self.older is None or (seam := self.older.seam(database, workspace)) is None:
            return []
        return self.older.by_seq(workspace, seam, seq, seam.seq, limit, None)

    def _older_between(
        self, database: Database, workspace: int, first: int, end: int, search: Search | None
    ) -> list[Any]:
        """Seq, public and personal part of what has left the database and matches."""
        if self.older is None or (seam := self.older.seam(database, workspace)) is None:
            return []
        rows = self.older.by_seq(workspace, seam, first, end, end - first, search)
        return [(seq, public, personal) for seq, _, public, personal in rows]

    def count_before(self, workspace: int, key: int) -> int:
        """How many activities of a workspace have a key below this one."""
        with self._database(workspace) as database:
            return database.count_before(workspace, key)

    def histogram(self, workspace: int, asked: Filter, interval: str, zone: ZoneInfo) -> Histogram:
        """How many activities match over time, in buckets of an interval or of one that fits
        (`auto`), as `zone` has them. Raises ParamError."""
        with self._database(workspace) as database:
            return histogram_of(database, workspace, asked, interval, zone)

    def facets(
        self,
        workspace: int,
        asked: Filter,
        names: Sequence[FacetName] = FACETS,
        *,
        limit: int = 10,
    ) -> Facets:
        """The most frequent values of these fields in what matches; see ledger/facets.py."""
        with self._database(workspace) as database:
            return facets_of(database, workspace, asked, names, limit)

    def next_seq(self, workspace: int) -> int:
        """The seq that the next activity will get: how many have been recorded so far."""
        with self._database(workspace) as database:
            row = database.execute(
                "SELECT next_seq FROM workspace WHERE key=?", (workspace,)
            ).fetchone()
        return row[0] if row else 0

    def recorded_at(self, workspace: int, seq: int) -> int | None:
        """When the first activity from `seq` on was recorded, in microseconds; None without any."""
        with self._own(workspace) as database:
            row = self._recorded_from(database, workspace, seq)
        return row[1] if row else None

    def seq_at(self, workspace: int, at: int) -> int:
        """The seq of the first activity that was recorded at this time (microseconds) or later; the
        next seq without any. Looks at some thirty activities, however many there are."""
        with self._own(workspace) as database:
            row = database.execute(
                "SELECT next_seq FROM workspace WHERE key=?", (workspace,)
            ).fetchone()
            low, high = 0, row[0] if row else 0
            # received_at never falls while seq rises; some seqs may have been removed.
            while low < high:
                middle = (low + high) // 2
                found = self._recorded_from(database, workspace, middle)
                if found is None or found[1] >= at:
                    high = middle
                else:
                    low = found[0] + 1
            return low

    def _recorded_from(self, database: Database, workspace: int, seq: int) -> Any:
        """Seq and received_at of the first activity from a seq on."""
        rows = database.execute(_RECORDED_FROM, (workspace, seq)).fetchall()
        rows = in_order(rows, self._older_from(database, workspace, seq, 1))
        return rows[0] if rows else None

    def is_empty(self, workspace: int) -> bool:
        """Whether nothing was recorded yet but Trailkeeper's own doings, such as log-ins."""
        others = Filter(matches=(Match(field="source", values=(OWN_SOURCE,), negated=True),))
        return not self.page(workspace, others, limit=1).activities

    def choices(
        self,
        workspace: int,
        role: Role,
        text: str,
        *,
        type: str | None = None,
        asked: Filter = EVERYTHING,
        limit: int = 20,
    ) -> list[Choice]:
        """Actors or targets whose name, e-mail or id holds the text, accents and case ignored.

        Without a text: those of the latest activities, most recent first. With a filter they are
        counted in what matches it but for their own field, and the most frequent come first; with
        a text those that do not stand there come last.
        """
        with self._database(workspace) as database:
            within = without_own(asked, role)
            if text.strip():
                rows = _found(database, workspace, role, text, type, limit)
                if within.is_empty:
                    return [_choice(database, workspace, role, row) for row in rows]
                found = [_choice_within(database, workspace, role, row, within) for row in rows]
                return sorted(found, key=lambda choice: not choice.count)
            if within.is_empty:
                rows = _recent(
                    database, workspace, role, type, limit, self._latest_older(database, workspace)
                )
                return [_choice(database, workspace, role, row) for row in rows]
            return _most_frequent(database, workspace, role, type, within, limit)

    def _latest_older(self, database: Database, workspace: int) -> Callable[[Role], list[int]]:
        """Who stands in the latest activities that have left the database."""

        def latest(role: Role) -> list[int]:
            if self.older is None or (seam := self.older.seam(database, workspace)) is None:
                return []
            return self.older.latest(workspace, seam, role, RECENT)

        return latest

    def entity(self, workspace: int, role: Role, ref: str) -> Choice | None:
        """The actor or target that a filter's value names, if it is in the log."""
        with self._database(workspace) as database:
            for key in entity_keys(database, workspace, ref):
                row = database.execute(f"{_ENTITY} AND key=?", (workspace, key)).fetchone()
                return _choice(database, workspace, role, row)
        return None

    def target_types(self, workspace: int) -> list[str]:
        """All types of targets in the log, sorted."""
        return self._terms(workspace, "type")

    def actions_seen(self, workspace: int) -> list[str]:
        """All actions in the log, sorted."""
        return self._terms(workspace, "action")

    def known_ids(self, workspace: int, ids: list[str]) -> set[str]:
        """Which of these ids are recorded."""
        known: set[str] = set()
        with self._database(workspace) as database:
            for start in range(0, len(ids), 500):
                known |= database.known_ids(workspace, ids[start : start + 500])
        return known

    def count_derived(self, workspace: int, id: str) -> int:
        """How many activities have this id or one made from it (`<id>:…`)."""
        with self._database(workspace) as database:
            derived: int = database.execute(
                "SELECT count(*) FROM activity WHERE workspace=? AND id>=? AND id<?"
                " AND id LIKE '%:%'",
                (workspace, f"{id}:", f"{id};"),
            ).fetchone()[0]
            if self.older and (seam := self.older.seam(database, workspace)):
                derived += self.older.count_derived(workspace, seam, id)
            return derived + len(database.known_ids(workspace, [id]))

    def _terms(self, workspace: int, kind: str) -> list[str]:
        with self._database(workspace) as database:
            return [
                row[0]
                for row in database.execute(
                    "SELECT value FROM term WHERE workspace=? AND kind=? ORDER BY value",
                    (workspace, kind),
                )
            ]

    def _own(self, workspace: int) -> AbstractContextManager[Database]:
        """The database in one read transaction, without what has left it."""
        return self._backend.reading(self._engine, workspace)

    @contextmanager
    def _database(self, workspace: int) -> Generator[Database]:
        """The same with what has left it."""
        with self._own(workspace) as database:
            yield self.older.joined(database, workspace) if self.older else database


_RECORDED_FROM = (
    "SELECT seq, received_at FROM activity WHERE workspace=? AND seq>=? ORDER BY seq LIMIT 1"
)


_ENTITY = "SELECT key, type, id, name, email FROM entity WHERE workspace=?"


def _found(
    database: Database,
    workspace: int,
    role: Role,
    text: str,
    type: str | None,
    limit: int,
) -> list[Any]:
    words = fold(text).split()[:8]
    conditions = [f"is_{role}", *("folded LIKE ? ESCAPE '\\'" for _ in words)]
    values: list[Any] = [workspace, *(f"%{_escaped(word)}%" for word in words)]
    if type:
        conditions.append("type=?")
        values.append(type)
    # What starts with the text comes before what merely holds it.
    return database.execute(
        f"{_ENTITY} AND {' AND '.join(conditions)}"
        " ORDER BY folded LIKE ? ESCAPE '\\' DESC, folded LIMIT ?",
        (*values, f"{_escaped(fold(text))}%", limit),
    ).fetchall()


def _recent(
    database: Database,
    workspace: int,
    role: Role,
    type: str | None,
    limit: int,
    latest_older: Callable[[Role], list[int]],
) -> list[Any]:
    latest = database.execute(
        f"SELECT {role} FROM (SELECT {role}, seq FROM activity WHERE workspace=?"
        f" ORDER BY seq DESC LIMIT ?) AS latest GROUP BY {role} ORDER BY max(seq) DESC",
        (workspace, RECENT),
    ).fetchall()
    keys = [key for (key,) in latest]
    if len(keys) < limit:
        keys = list(dict.fromkeys([*keys, *latest_older(role)]))
    rows: list[Any] = []
    for key in keys:
        row = database.execute(f"{_ENTITY} AND key=?", (workspace, key)).fetchone()
        if row and (type is None or row[1] == type):
            rows.append(row)
            if len(rows) == limit:
                return rows
    if len(rows) < limit:
        seen = {row[0] for row in rows}
        condition = f"is_{role}" + (" AND type=?" if type else "")
        more = database.execute(
            f"{_ENTITY} AND {condition} ORDER BY named_at DESC LIMIT ?",
            (workspace, *([type] if type else []), limit + len(seen)),
        )
        rows += [row for row in more if row[0] not in seen]
    return rows[:limit]


def _choice(database: Database, workspace: int, role: Role, row: Any) -> Choice:
    key, kind, id, name, email = row
    token = f"{Token.ACTOR if role == 'actor' else Token.TARGET}{key}"
    count = database.count_naming(workspace, token, COUNT_MAX + 1)
    return Choice(kind, id, name, email, min(count, COUNT_MAX), count > COUNT_MAX)


def _choice_within(
    database: Database, workspace: int, role: Role, row: Any, within: Filter
) -> Choice:
    _, kind, id, name, email = row
    own = Match(field=role, values=(f"{kind}:{id}",))
    search = search_for(database, workspace, replace(within, matches=(*within.matches, own)))
    count = len(database.newest_keys(search, COUNT_MAX + 1))
    return Choice(kind, id, name, email, min(count, COUNT_MAX), count > COUNT_MAX)


def _most_frequent(
    database: Database,
    workspace: int,
    role: Role,
    type: str | None,
    within: Filter,
    limit: int,
) -> list[Choice]:
    values, is_sample = parties_within(database, workspace, within, role, VALUES_MAX)
    made: list[Choice] = []
    for value in values:
        kind, _, id = value.value.partition(":")
        if type not in (None, kind) or len(made) == limit:
            continue
        name, email = database.execute(
            "SELECT name, email FROM entity WHERE workspace=? AND type=? AND id=?",
            (workspace, kind, id),
        ).fetchone()
        made.append(Choice(kind, id, name, email, value.count, is_sample))
    return made


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
