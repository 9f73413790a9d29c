"""Appending activities inside the writer's transaction, under the locks of their workspaces.

Several processes may append. Whoever does has locked the workspace's row first, and gives `seq`,
`received_at` and keys under that lock: the order of commits is the order of seqs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, NamedTuple
from uuid import UUID

from trailkeeper.activity import now_us
from trailkeeper.errors import NotFound
from trailkeeper.ledger import rollup
from trailkeeper.ledger.append import Append, Group, Outcomes, receive
from trailkeeper.ledger.index import Token
from trailkeeper.ledger.keys import first_key
from trailkeeper.ledger.postgresql.dictionaries import Dictionaries
from trailkeeper.ledger.postgresql.ids import digest_key, id_key
from trailkeeper.ledger.postgresql.keys import make_keys
from trailkeeper.ledger.postgresql.partitions import Partitions
from trailkeeper.ledger.postgresql.rows import ROWS_MAX, Row, Statement, insert, row_of
from trailkeeper.ledger.postgresql.words import lexemes_of, vector_of
from trailkeeper.ledger.prepare import Prepared, public_bytes
from trailkeeper.ledger.rollup import UNITS, Cell
from trailkeeper.ledger.vocabulary import Vocabulary

_COUNT = (
    "INSERT INTO activity_{unit} (workspace, {unit}, action, failed, count)"
    " SELECT * FROM unnest(?::int[], ?::bigint[], ?::int[], ?::bool[], ?::bigint[])"
    " ON CONFLICT (workspace, {unit}, action, failed)"
    " DO UPDATE SET count = activity_{unit}.count + excluded.count"
)
_STATES = (
    "UPDATE workspace w SET next_seq = n.next_seq, last_received_at = n.last_received_at,"
    " newest_key = n.newest_key FROM unnest(?::int[], ?::bigint[], ?::bigint[],"
    " ?::bigint[]) AS n (key, next_seq, last_received_at, newest_key) WHERE w.key = n.key"
)

_WORDS = "INSERT INTO word (workspace, word) SELECT ?, unnest(?::text[]) ON CONFLICT DO NOTHING"


class _Placed(NamedTuple):
    """New activities of a workspace, with their keys and times."""

    workspace: int
    group: Group
    keys: list[int]
    times: list[int]


def lock_statement(workspaces: Collection[int]) -> Statement:
    """Locks these workspaces for appending, in the order of their keys, and tells how they stand.
    What there is not is left out."""
    lock = (
        "SELECT key, next_seq, last_received_at, newest_key, dictionary_version"
        " FROM workspace WHERE key = ANY(?) ORDER BY key FOR NO KEY UPDATE"
    )
    return lock, (list(workspaces),)


@dataclass(slots=True)
class _Workspace:
    next_seq: int
    last_received_at: int
    newest_key: int
    dictionary_version: int


class Appender:
    """See the protocol in ledger/backend.py. `fresh` is always 0: the index is up to date."""

    def __init__(self, database: Any) -> None:
        self._db = database
        self._dictionaries = Dictionaries(database)
        self._vocabulary = Vocabulary(self._write_words)
        self._partitions = Partitions(database)
        self._moved: bool | None = None
        """Whether there are ids of activities that were removed on SQLite, before the installation
        was moved (ledger/moving): of those only the digests are known."""
        self._left: dict[int, _Workspace] = {}
        """How this process left each workspace at its last append."""
        self._locked: dict[int, _Workspace] = {}

    @property
    def fresh(self) -> int:
        return 0

    def move_fresh(self) -> None:
        """Nothing waits."""

    def note_removal(self) -> None:
        """Ids stay where they are looked up."""

    def forget(self) -> None:
        """Something was rolled back, and with it perhaps locks."""
        self._dictionaries.forget()
        self._vocabulary.forget()
        self._partitions.forget()
        self._left.clear()
        self._locked.clear()

    def prepare_months(self) -> None:
        """Have partitions for now."""
        self._partitions.cover([first_key(now_us())])

    def begin(self, locked: list[Any]) -> None:
        """A transaction has begun, which has only these locks."""
        self._locked.clear()
        self._take(locked)

    def _take(self, locked: list[Any]) -> None:
        """Workspaces were locked: these are the rows of `lock_statement`."""
        for key, *state in locked:
            now = self._locked[key] = _Workspace(*state)
            left = self._left.get(key, now)
            if left != now:
                self._dictionaries.forget_entities()
            if left.dictionary_version != now.dictionary_version:
                self._vocabulary.forget()

    def append(self, appends: list[Append]) -> list[Outcomes]:
        """Insert all rows of these appends; see the protocol in ledger/backend.py."""
        if missing := {append.workspace for append in appends} - self._locked.keys():
            self._take(self._db.execute(*lock_statement(missing)).fetchall())
        now = now_us()
        groups: dict[int, Group] = {}
        for append in appends:
            group = groups.get(append.workspace)
            if group is None:
                group = groups[append.workspace] = self._group(append.workspace, now)
            group.ids(append)
        self._look_up(groups)
        outcomes = [receive(append, groups[append.workspace]) for append in appends]
        groups = {workspace: group for workspace, group in groups.items() if group.new}
        if groups:
            self._insert(groups)
        return outcomes

    def _group(self, workspace: int, now: int) -> Group:
        state = self._locked.get(workspace)
        if state is None:
            raise NotFound(f"There is no workspace {workspace}")
        return Group(max(state.last_received_at, now), state.next_seq, [], [], {})

    def _look_up(self, groups: dict[int, Group]) -> None:
        """Find which of the senders' ids are in use already, or were before their removal."""
        asked = [
            (workspace, key, id)
            for workspace, group in groups.items()
            for id in group.known
            for key in self._keys_of(id)
        ]
        if not asked:
            return
        by_key = {(workspace, key): id for workspace, key, id in asked}
        rows = self._db.execute(
            "SELECT workspace, id_key, seq, received_at, content_hash"
            " FROM unnest(?::int[], ?::uuid[]) AS w (workspace, id_key)"
            " JOIN activity_id USING (workspace, id_key)",
            ([one[0] for one in asked], [one[1] for one in asked]),
        )
        for workspace, key, seq, received_at, content_hash in rows:
            id = by_key[workspace, key]
            groups[workspace].known[id] = (seq, received_at, bytes(content_hash))

    def _keys_of(self, id: str) -> set[UUID]:
        """What an id may stand in `activity_id` by."""
        key = id_key(id)
        if self._moved is None:
            row = self._db.execute(
                "SELECT EXISTS (SELECT 1 FROM activity_id WHERE key = -1)"
            ).fetchone()
            self._moved = bool(row[0])
        return {key, digest_key(id)} if self._moved else {key}

    def _insert(self, groups: dict[int, Group]) -> None:
        timed = [
            (
                workspace,
                group.received_at if prepared.occurred_at is None else prepared.occurred_at,
                prepared,
            )
            for workspace, group in groups.items()
            for prepared in group.new
        ]
        self._dictionaries.learn(timed)
        placed: list[_Placed] = []
        position = 0
        for workspace, group in groups.items():
            end = position + len(group.new)
            times = [at for _, at, _ in timed[position:end]]
            position = end
            state = self._locked[workspace]
            keys = make_keys(self._db, workspace, times, state.newest_key)
            self._partitions.cover(keys)
            placed.append(_Placed(workspace, group, keys, times))
            state.newest_key = max(state.newest_key, *keys)
            state.next_seq = group.first_seq + len(group.new)
            state.last_received_at = group.received_at
            self._left[workspace] = state
        counts: dict[int, Counter[Cell]] = {one.workspace: Counter() for one in placed}
        with self._db.in_one_go():
            rows = chain.from_iterable(self._rows(one, counts[one.workspace]) for one in placed)
            while some := list(islice(rows, ROWS_MAX)):
                self._db.execute(*insert(some))
            for statement in _counting(counts):
                self._db.execute(*statement)
            self._db.execute(*self._states(list(groups)))
            for workspace, group in groups.items():
                self._vocabulary.add(workspace, [prepared.text for prepared in group.new])

    def _rows(self, placed: _Placed, counts: Counter[Cell]) -> Iterator[Row]:
        """The rows of these activities, one by one, which are counted."""
        workspace, group, keys, times = placed
        known = self._dictionaries
        for key, at, seq, id, prepared in zip(
            keys,
            times,
            range(group.first_seq, group.first_seq + len(keys)),
            group.new_ids,
            group.new,
            strict=True,
        ):
            action = known.term(workspace, "action", prepared.action)
            actor = known.entity(workspace, prepared.actor)
            target = known.entity(workspace, prepared.targets[0])
            failed = prepared.has_failed
            public = public_bytes(prepared, id, seq, group.received_at, at)
            counts[rollup.hour_of(key), action, failed] += 1
            yield row_of(
                workspace,
                key,
                seq,
                group.received_at,
                (action, actor, target),
                id,
                id_key(id),
                prepared,
                public,
                vector_of(self._tokens(workspace, prepared), lexemes_of(prepared.text)),
            )

    def _tokens(self, workspace: int, prepared: Prepared) -> list[str]:
        """What the index has beside the text and the columns of `activity_index`."""
        known = self._dictionaries
        environment = known.term(workspace, "environment", prepared.environment)
        # The first token is the outcome's.
        tokens = [f"{Token.ENVIRONMENT}{environment}", *prepared.tokens.split(" ")[1:]]
        if prepared.source:
            tokens.append(f"{Token.SOURCE}{known.term(workspace, 'source', prepared.source)}")
        if prepared.on_behalf_of:
            tokens.append(f"{Token.ACTOR}{known.entity(workspace, prepared.on_behalf_of)}")
        first, *others = prepared.targets
        tokens.append(f"{Token.TYPE}{known.term(workspace, 'type', first.type)}")
        for target in others:
            tokens.append(f"{Token.TARGET}{known.entity(workspace, target)}")
            tokens.append(f"{Token.TYPE}{known.term(workspace, 'type', target.type)}")
        return tokens

    def _write_words(self, workspace: int, words: list[str]) -> None:
        self._db.execute(_WORDS, (workspace, words))

    def _states(self, workspaces: list[int]) -> Statement:
        states = [self._locked[workspace] for workspace in workspaces]
        return _STATES, (
            workspaces,
            [state.next_seq for state in states],
            [state.last_received_at for state in states],
            [state.newest_key for state in states],
        )


def _counting(counts: dict[int, Counter[Cell]]) -> Iterator[Statement]:
    """What adds these counts of workspaces, by hour and by day."""
    by_unit = {workspace: rollup.by_unit(cells) for workspace, cells in counts.items()}
    for unit in UNITS:
        rows = [
            (workspace, *cell, count)
            for workspace, cells in by_unit.items()
            for cell, count in cells[unit].items()
        ]
        yield _COUNT.format(unit=unit), tuple(map(list, zip(*rows, strict=True)))
