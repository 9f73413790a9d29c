"""What streams and archives have not delivered yet, and what of it is coming of age."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from trailkeeper.followers.follower import NOT_WANTED
from trailkeeper.ledger.keys import first_key
from trailkeeper.ledger.schema import activity, follower, job


def undelivered_from(connection: Connection, workspace: int, *, jobs: bool) -> int | None:
    """The first seq, of activities or of jobs, that a stream that is on, or an archive, has not
    delivered."""
    return connection.execute(
        select(func.min(follower.c.cursor)).where(
            follower.c.workspace == workspace,
            follower.c.log.in_(("jobs",) if jobs else ("activities", "closed_days")),
            (follower.c.state == "running") | (follower.c.pause_reason.not_in(NOT_WANTED)),
        )
    ).scalar()


def has_activities(connection: Connection, workspace: int, seq: int, before: int) -> bool:
    """Whether any from a seq on occurred before a time."""
    found = select(activity.c.seq).where(
        activity.c.workspace == workspace,
        activity.c.seq >= seq,
        activity.c.key < first_key(before),
    )
    return connection.execute(found.order_by(activity.c.seq).limit(1)).first() is not None


def has_jobs(connection: Connection, workspace: int, seq: int, before: int) -> bool:
    """Whether any from a seq on started before a time."""
    found = select(job.c.seq).where(
        job.c.workspace == workspace, job.c.seq >= seq, job.c.started_at < before
    )
    return connection.execute(found.order_by(job.c.seq).limit(1)).first() is not None
