"""Finished jobs in their order, for those who follow them, such as streams."""

from __future__ import annotations

from sqlalchemy import Engine, func, literal, select

from trailkeeper.jobs.job import WHOLE, WITHOUT_LINES, EndedJob, ended_job_of
from trailkeeper.ledger.schema import job, job_lines
from trailkeeper.ledger.schema import workspace as workspaces

BATCH_BYTES = 16 * 1024 * 1024
"""JSON of the jobs that go together; a larger one goes alone."""


class JobSource:
    """The finished jobs of each workspace by `seq`, which is dense and in the order of commits:
    what a call has given never changes, and nothing is added before it. Who wants steps gets jobs
    with their lines, which stay packed until `Job.lines` is asked for."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def next_seq(self, workspace: int) -> int:
        """The seq that the next job to finish will get."""
        with self._engine.connect() as connection:
            found = connection.execute(
                select(workspaces.c.next_job_seq).where(workspaces.c.key == workspace)
            ).scalar()
        return found or 0

    def recorded_at(self, workspace: int, seq: int) -> int | None:
        """When the first job from `seq` on came in, in microseconds; None without any."""
        asked = (
            select(job.c.received_at)
            .where(job.c.workspace == workspace, job.c.seq >= seq)
            .order_by(job.c.seq)
            .limit(1)
        )
        with self._engine.connect() as connection:
            return connection.execute(asked).scalar()

    def end_of_batch(self, workspace: int, first: int, end: int, wants: bool) -> int:
        """Before BATCH_BYTES are exceeded, but after one job at least."""
        lines_size = func.coalesce(job_lines.c.raw_bytes, 0) if wants else literal(0)
        sizes = (
            select(job.c.seq, func.length(job.c.body) + lines_size)
            .select_from(job.outerjoin(job_lines, job_lines.c.job == job.c.key))
            .where(job.c.workspace == workspace, job.c.seq >= first, job.c.seq < end)
            .order_by(job.c.seq)
        )
        left = BATCH_BYTES
        with self._engine.connect() as connection:
            for seq, size in connection.execute(sizes):
                left -= size
                if left < 0:
                    return max(seq, first + 1)
        return end

    def between(self, workspace: int, first: int, end: int, wants: bool) -> list[EndedJob]:
        """The jobs from seq `first` to before `end` that are still kept, in order."""
        asked = select(*(WHOLE if wants else WITHOUT_LINES))
        if wants:
            asked = asked.select_from(job.outerjoin(job_lines, job_lines.c.job == job.c.key))
        asked = asked.where(
            job.c.workspace == workspace, job.c.seq >= first, job.c.seq < end
        ).order_by(job.c.seq)
        with self._engine.connect() as connection:
            return [ended_job_of(row) for row in connection.execute(asked)]
