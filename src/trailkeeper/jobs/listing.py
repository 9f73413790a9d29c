"""Finding jobs: what can be asked for, and pages of what matches, newest first.

A listing is one statement, made of a walk for each state of jobs: each follows an index in the
order of time and stops after a page, so that a page costs the same however many jobs there are,
unless the words that are searched for are rare.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, and_, or_, select, union_all

from trailkeeper.activity import ID_MAX_BYTES, now_us
from trailkeeper.jobs.job import SUMMARY, Summary, summary_of
from trailkeeper.jobs.status import STATES, WORDS, State
from trailkeeper.ledger.append import fold
from trailkeeper.ledger.schema import job
from trailkeeper.query.cursor import CursorError, open_cursor, sign_cursor
from trailkeeper.query.params import ParamError, parse_params

PAGE_MAX = 1_000
QUERY_MAX = 500
WORDS_MAX = 20
RECIPES_MAX = 200

TIME_PARAMS = ("range", "from", "to", "tz")
PARAMS = ("recipe_id", "status", *TIME_PARAMS, "q")


class JobFilter(Struct, frozen=True, kw_only=True):
    """All conditions hold. Times are microseconds on `started_at`: `since` is inclusive, `until`
    exclusive, `within` seconds before now. Every one of `words` is a part of title or error,
    whatever its case and accents."""

    recipe_id: str | None = None
    states: tuple[State, ...] = ()
    since: int | None = None
    until: int | None = None
    within: int | None = None
    words: tuple[str, ...] = ()


class JobPage(Struct, frozen=True):
    """Jobs, the newest first, and the cursor to what follows; None at the end."""

    jobs: list[Summary]
    next_cursor: str | None


class Recipe(Struct, frozen=True):
    """A recipe that has jobs, as its latest job names it."""

    id: str
    name: str | None


class _Position(Struct, array_like=True):
    started_at: int
    key: int
    listing: bytes


_decode_position = msgspec.msgpack.Decoder(_Position).decode


def parse_job_params(pairs: Iterable[tuple[str, str]]) -> JobFilter:
    """The filter of URL parameters, for the page and the API. Several of `status` are
    alternatives, and each finds what means the same: `succeeded` also `completed`. Times are those
    of the Audit page. Raises ParamError."""
    given = [(name, value.strip()) for name, value in pairs if value.strip()]
    values = dict(given)
    span = parse_params(pair for pair in given if pair[0] in TIME_PARAMS)
    states: dict[State, None] = {}
    for name, value in given:
        if name == "status":
            if value not in WORDS:
                raise ParamError("status", f"is `{value[:64]}`, must be one of {', '.join(WORDS)}")
            states[WORDS[value]] = None
    recipe_id = values.get("recipe_id")
    if recipe_id and len(recipe_id.encode()) > ID_MAX_BYTES:
        raise ParamError("recipe_id", f"is longer than {ID_MAX_BYTES} bytes")
    query = values.get("q", "")
    words = tuple(fold(query).split())
    if len(query) > QUERY_MAX or len(words) > WORDS_MAX:
        raise ParamError("q", f"has more than {QUERY_MAX} characters or {WORDS_MAX} words")
    return JobFilter(
        recipe_id=recipe_id,
        states=tuple(states),
        since=span.since,
        until=span.until,
        within=span.within,
        words=words,
    )


def page(
    connection: Connection,
    key: bytes,
    workspace: int,
    asked: JobFilter,
    limit: int,
    cursor: str | None,
) -> JobPage:
    """The jobs that match, by `started_at`. Paged through, a listing shows each job once whose
    times do not change meanwhile. Raises CursorError."""
    limit = max(1, min(limit, PAGE_MAX))
    conditions = [job.c.workspace == workspace, *_conditions(asked)]
    if cursor is not None:
        conditions.append(_after(_position(key, workspace, asked, cursor)))
    walks = [
        select(*SUMMARY)
        .where(job.c.state == state, *conditions)
        .order_by(job.c.started_at.desc(), job.c.key.desc())
        .limit(limit + 1)
        .subquery()
        for state in asked.states or STATES
    ]
    merged = union_all(*(select(walk) for walk in walks)).subquery()
    newest = select(merged).order_by(merged.c.started_at.desc(), merged.c.key.desc())
    rows = connection.execute(newest.limit(limit + 1))
    found = [summary_of(row) for row in rows]
    shown = found[:limit]
    if len(found) <= limit:
        return JobPage(shown, None)
    last = _Position(shown[-1].started_at, shown[-1].key, _listing(workspace, asked))
    return JobPage(shown, sign_cursor(key, "jobs", msgspec.msgpack.encode(last)))


def recipes(connection: Connection, workspace: int) -> list[Recipe]:
    """The recipes that have jobs, by name; RECIPES_MAX at most. Each is one step in an index,
    however many jobs it has."""
    step = (
        select(job.c.recipe_id, job.c.recipe_name)
        .where(job.c.workspace == workspace)
        .order_by(job.c.recipe_id.desc(), job.c.state.desc(), job.c.started_at.desc())
        .limit(1)
    )
    found: list[Recipe] = []
    row = connection.execute(step).first()
    while row is not None and len(found) < RECIPES_MAX:
        found.append(Recipe(row.recipe_id, row.recipe_name))
        row = connection.execute(step.where(job.c.recipe_id < row.recipe_id)).first()
    return sorted(found, key=lambda one: fold(one.name or one.id))


def _conditions(asked: JobFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if asked.recipe_id is not None:
        conditions.append(job.c.recipe_id == asked.recipe_id)
    if asked.since is not None:
        conditions.append(job.c.started_at >= asked.since)
    if asked.within is not None:
        conditions.append(job.c.started_at >= now_us() - asked.within * 1_000_000)
    if asked.until is not None:
        conditions.append(job.c.started_at < asked.until)
    conditions += [job.c.folded.contains(word, autoescape=True) for word in asked.words]
    return conditions


def _after(position: _Position) -> ColumnElement[bool]:
    at, key = position.started_at, position.key
    return and_(
        job.c.started_at <= at,  # alone it bounds the walk in the index
        or_(job.c.started_at < at, job.c.key < key),
    )


def _position(key: bytes, workspace: int, asked: JobFilter, cursor: str) -> _Position:
    position = _decode_position(open_cursor(key, "jobs", cursor))
    if position.listing != _listing(workspace, asked):
        raise CursorError("was given for another filter; start again without it")
    return position


def _listing(workspace: int, asked: JobFilter) -> bytes:
    content: Any = (workspace, asked)
    return hashlib.blake2b(msgspec.msgpack.encode(content), digest_size=8).digest()
