"""Removing old jobs with their lines, a step at a time, inside the writer's transaction.

A job is as old as its `started_at`, whether it has ended or not. Nothing of it stays: whoever sends
a removed job again gets a new one, with a seq of its own.
"""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection, and_, delete, func, or_, select

from trailkeeper.jobs.status import STATES
from trailkeeper.ledger.schema import job, job_lines
from trailkeeper.query.filters import Filter
from trailkeeper.retention.held import Holdable, held
from trailkeeper.retention.steps import Removed, Step, first_bytes

TIME_MIN = -(1 << 63)

ROWS = Holdable(
    at=job.c.started_at,
    target_type="recipe",
    target_id=job.c.recipe_id,
    target_name=job.c.recipe_name,
    text=(job.c.folded, func.lower(job.c.recipe_name)),
    outcomes={"success": job.c.state == "succeeded", "failure": job.c.state == "failed"},
)


class Place(Struct, frozen=True):
    """How far a sweep is: it walks along an index, one state of jobs after the other, each by time.
    `state` is a place in STATES."""

    state: int = 0
    started_at: int = TIME_MIN
    key: int = 0


def count_jobs(connection: Connection, workspace: int, before: int) -> int:
    """The jobs of a workspace that started before a time."""
    return connection.execute(
        select(func.count())
        .select_from(job)
        .where(job.c.workspace == workspace, job.c.state.in_(STATES), job.c.started_at < before)
    ).scalar_one()


def remove_jobs(
    connection: Connection,
    workspace: int,
    place: Place,
    *,
    before: int,
    before_seq: int,
    holds: list[Filter],
    limit: int,
) -> Step[Place]:
    """Remove up to `limit` jobs that started before a time, but none that a hold holds and none
    that ended with a seq from `before_seq` on."""
    found = connection.execute(
        select(
            job.c.key,
            job.c.started_at,
            job.c.seq,
            held(holds, ROWS).label("held"),
            (func.length(job.c.body) + func.coalesce(func.length(job_lines.c.packed), 0)).label(
                "size"
            ),
        )
        .select_from(job.outerjoin(job_lines, job_lines.c.job == job.c.key))
        .where(
            job.c.workspace == workspace,
            job.c.state == STATES[place.state],
            job.c.started_at < before,
            job.c.started_at >= place.started_at,  # alone it bounds the walk in the index
            or_(
                job.c.started_at > place.started_at,
                and_(job.c.started_at == place.started_at, job.c.key > place.key),
            ),
        )
        .order_by(job.c.started_at, job.c.key)
        .limit(limit)
    ).all()
    rows = first_bytes(found, lambda row: row.size)
    gone = [row for row in rows if not row.held and (row.seq is None or row.seq < before_seq)]
    keys = [row.key for row in gone]
    connection.execute(delete(job_lines).where(job_lines.c.job.in_(keys)))
    connection.execute(delete(job).where(job.c.key.in_(keys)))
    removed = Removed(
        len(gone),
        len(rows) - len(gone),
        gone[0].started_at if gone else None,
        gone[-1].started_at if gone else None,
    )
    if rows and (len(rows) < len(found) or len(found) == limit):
        return Step(Place(place.state, rows[-1].started_at, rows[-1].key), removed)
    following = place.state + 1
    return Step(Place(following) if following < len(STATES) else None, removed)
