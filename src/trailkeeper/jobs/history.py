"""The job history of all workspaces: taking jobs in, and finding them again."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import select

from trailkeeper.activity import now_us
from trailkeeper.errors import NotFound, Problem
from trailkeeper.identity.later import Later
from trailkeeper.identity.store import Store
from trailkeeper.jobs import listing
from trailkeeper.jobs.alarm import Alarm
from trailkeeper.jobs.job import WHOLE, Job, job_of
from trailkeeper.jobs.keep import Kept, keep
from trailkeeper.jobs.listing import JobFilter, JobPage, Recipe
from trailkeeper.jobs.prepare import NewJob, prepare
from trailkeeper.ledger.schema import job, job_lines
from trailkeeper.ledger.writer import Transaction
from trailkeeper.redaction import Redactor

Outcomes = list[Kept | Problem]


class Jobs:
    """`secret` signs the cursors of listings; mails are sent `later`."""

    def __init__(
        self, store: Store, redactor: Redactor, secret: bytes, alarm: Alarm, later: Later
    ) -> None:
        self._store = store
        self._redactor = redactor
        self._secret = secret
        self._alarm = alarm
        self._later = later

    def prepare(self, raw: bytes | msgspec.Raw) -> NewJob:
        """Check a job, and take out of it what must not be kept; from any thread. Raises
        MalformedBody, InvalidInput, TooLarge."""
        return prepare(raw, self._redactor)

    def take(self, workspace: int, jobs: Sequence[NewJob]) -> Outcomes:
        """Keep jobs that were sent just now, in order, and wait until they are on disk. For each
        there is what became of it, or why it was refused. Of jobs that have failed a mail goes to
        the workspace's addresses."""
        if not jobs:
            return []

        def work(transaction: Transaction) -> Outcomes:
            return [self.keep(transaction, workspace, new) for new in jobs]

        outcomes = self._store.change(work)
        failed = self._alarm.failures(one for one in outcomes if isinstance(one, Kept))
        if failed:
            self._later.do(lambda: self._alarm.tell(workspace, failed))
        return outcomes

    def keep(self, transaction: Transaction, workspace: int, new: NewJob) -> Kept | Problem:
        """Keep one inside another operation; nobody is told."""
        try:
            return keep(transaction.connection, workspace, new, now_us())
        except Problem as problem:
            return problem

    def page(
        self, workspace: int, asked: JobFilter, *, limit: int = 50, cursor: str | None = None
    ) -> JobPage:
        """The newest first, at most listing.PAGE_MAX. Raises CursorError."""
        with self._store.reading() as connection:
            return listing.page(connection, self._secret, workspace, asked, limit, cursor)

    def get(self, workspace: int, id: str) -> Job:
        """A job of this workspace, with its lines. Raises NotFound."""
        asked = (
            select(*WHOLE)
            .select_from(job.outerjoin(job_lines, job_lines.c.job == job.c.key))
            .where(job.c.workspace == workspace, job.c.id == id)
        )
        with self._store.reading() as connection:
            row = connection.execute(asked).first()
        if row is None:
            raise NotFound(f"There is no job with the id `{id[:255]}` in this workspace")
        return job_of(row)

    def recipes(self, workspace: int) -> list[Recipe]:
        """The recipes that have jobs, by name; listing.RECIPES_MAX at most."""
        with self._store.reading() as connection:
            return listing.recipes(connection, workspace)
