"""Finished jobs in their order, for those who follow them, such as streams."""

from __future__ import annotations

from sqlalchemy import Engine, select

from trailkeeper.jobs.job import WHOLE, WITHOUT_LINES, Job, job_of
from trailkeeper.ledger.schema import job, job_lines, workspace


class JobSource:
    """The finished jobs of each workspace by `seq`, which is dense and in the order of commits:
    what a call has given never changes, and nothing is added before it.

    With `steps` jobs come with their lines, which stay packed until `Job.lines` is asked for.
    """

    def __init__(self, engine: Engine, *, steps: bool = False) -> None:
        self._engine = engine
        self._steps = steps

    def next_seq(self, workspace_key: int) -> int:
        """The seq that the next job to finish will get."""
        with self._engine.connect() as connection:
            found = connection.execute(
                select(workspace.c.next_job_seq).where(workspace.c.key == workspace_key)
            ).scalar()
        return found or 0

    def between(self, workspace_key: int, first: int, end: int) -> list[Job]:
        """The jobs from seq `first` to before `end` that are still kept, in order."""
        asked = select(*(WHOLE if self._steps else WITHOUT_LINES))
        if self._steps:
            asked = asked.select_from(job.outerjoin(job_lines, job_lines.c.job == job.c.key))
        asked = asked.where(
            job.c.workspace == workspace_key, job.c.seq >= first, job.c.seq < end
        ).order_by(job.c.seq)
        with self._engine.connect() as connection:
            return [job_of(row) for row in connection.execute(asked)]
