"""The two places of a stream, inside operations: in the activities and in the finished jobs. Each
has a follower of its own, so that trouble with one does not hold up the other."""

from __future__ import annotations

from sqlalchemy import Connection

from trailkeeper.followers import places
from trailkeeper.followers.follower import NO_JOBS, OFF, Log, Place
from trailkeeper.ledger.writer import Transaction
from trailkeeper.streaming.stream import KINDS, Stream


def make(transaction: Transaction, workspace: int, id: str, name: str, *, cursor: int) -> None:
    """Of a stream that is off, and does not include jobs; of activities it begins at `cursor`."""
    connection = transaction.connection
    starts: dict[Log, int] = {
        "activities": cursor,
        "jobs": places.next_seq(connection, workspace, "jobs"),
    }
    for log, kind in KINDS.items():
        places.make(transaction, workspace, kind, id, name, cursor=starts[log], log=log)
        why = OFF if log == "activities" else NO_JOBS
        places.pause(transaction, places.find(connection, workspace, kind, id), why)


def place_of(connection: Connection, one: Stream, log: Log) -> Place:
    """Where a stream stands in a log."""
    return places.find(connection, one.workspace, KINDS[log], one.id)


def both(connection: Connection, one: Stream) -> list[Place]:
    return [place_of(connection, one, log) for log in KINDS]


def included(connection: Connection, one: Stream) -> list[Place]:
    """The places that are to run while the stream does; that in the activities is the first."""
    return both(connection, one) if one.job_history else both(connection, one)[:1]


def include_jobs(transaction: Transaction, one: Stream) -> None:
    """From now on the stream has jobs: those that finish after this. It runs or stands as it does
    for activities."""
    connection = transaction.connection
    activities, jobs = both(connection, one)
    start = places.next_seq(connection, one.workspace, "jobs")
    places.replay(transaction, jobs, start)
    if activities.state == "running":
        places.resume(transaction, jobs)
    else:
        places.pause(transaction, jobs, activities.pause_reason or OFF)


def leave_jobs_out(transaction: Transaction, one: Stream) -> None:
    """From now on the stream has no jobs."""
    places.pause(transaction, place_of(transaction.connection, one, "jobs"), NO_JOBS)
