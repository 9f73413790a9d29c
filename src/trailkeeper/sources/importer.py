"""Importing a file: read twice, mapped once, written in batches with the source's state.

A batch's activities and jobs and the state that goes with them commit in one transaction, so an
import that was broken off goes on where it stopped when it is started again, and importing a file
twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct, field
from sqlalchemy import delete, insert, select

from trailkeeper.errors import Problem
from trailkeeper.jobs.history import Jobs
from trailkeeper.jobs.keep import JobEnded, Kept
from trailkeeper.jobs.prepare import NewJob
from trailkeeper.ledger.append import Outcomes
from trailkeeper.ledger.prepare import Prepared
from trailkeeper.ledger.reader import Reader
from trailkeeper.ledger.recorder import Recorder
from trailkeeper.ledger.schema import source_state
from trailkeeper.ledger.writer import Transaction, Writer
from trailkeeper.sources.base import Mapped, OfJob, Refused, Skipped, Source, ToldJob
from trailkeeper.sources.lines import LINE_MAX_BYTES

BATCH_LINES = 1_000
REFUSALS_KEPT = 1_000

Progress = Callable[[int], None]
"""Called with the bytes of the file that have been worked off."""


class Refusal(Struct, frozen=True):
    """A line that was not imported, and why."""

    file: str
    line: int
    reason: str


class JobSummary(Struct):
    """What became of the jobs that files told of. `updated` ones were there and had not ended."""

    imported: int = 0
    updated: int = 0
    already_there: int = 0
    refused: int = 0


class Summary(Struct):
    """What became of one or more files: activities imported and already there, lines skipped and
    refused; jobs are counted on their own, and the lines that tell of them nowhere else."""

    imported: int = 0
    already_there: int = 0
    skipped: int = 0
    refused: int = 0
    skipped_reasons: dict[str, int] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    """The first REFUSALS_KEPT of them, of jobs too."""
    jobs: JobSummary = field(default_factory=JobSummary)

    def refuse(self, file: Path, line: int, reason: str) -> None:
        self.refused += 1
        self._name(file, line, reason)

    def refuse_job(self, file: Path, line: int, reason: str) -> None:
        self.jobs.refused += 1
        self._name(file, line, reason)

    @property
    def has_news(self) -> bool:
        """Whether anything was recorded."""
        return bool(self.imported or self.jobs.imported or self.jobs.updated)

    def _name(self, file: Path, line: int, reason: str) -> None:
        if len(self.refusals) < REFUSALS_KEPT:
            self.refusals.append(Refusal(str(file), line, reason))


class _Ready(Struct):
    """What goes to the writer at once: activities and jobs by the lines that told of them, and
    whether any line changed what the source knows."""

    activities: list[tuple[int, Prepared]] = field(default_factory=list[tuple[int, Prepared]])
    jobs: list[tuple[int, NewJob]] = field(default_factory=list[tuple[int, NewJob]])
    has_news: bool = False


class Importer:
    """Imports files of one format into one workspace."""

    def __init__(
        self,
        reader: Reader,
        recorder: Recorder,
        writer: Writer,
        jobs: Jobs,
        workspace: int,
        name: str,
        make: Callable[[], Source],
    ) -> None:
        self._reader = reader
        self._recorder = recorder
        self._writer = writer
        self._jobs = jobs
        self._workspace = workspace
        self._name = name
        self._make = make

    def run(self, file: Path, summary: Summary, progress: Progress = lambda _: None) -> None:
        """Import a file and add to the summary. Raises OSError when it cannot be read."""
        source = self._make()
        with file.open("rb") as stream:
            for _, line in _lines(stream):
                if line is not None:
                    source.look_ahead(line)
            stream.seek(0)
            if state := self._writer.run(self._read_state):
                source.load_state(state)
            for batch in _batches(_lines(stream)):
                self._import(source, file, batch, summary)
                progress(stream.tell())
        ready = _Ready()
        self._take_jobs(source.jobs(at_end=True), file, ready, summary)
        self._write(source, file, ready, summary)

    def _read_state(self, transaction: Transaction) -> bytes | None:
        return transaction.connection.execute(
            select(source_state.c.state).where(
                source_state.c.workspace == self._workspace, source_state.c.source == self._name
            )
        ).scalar()

    def _import(
        self,
        source: Source,
        file: Path,
        batch: list[tuple[int, bytes | None]],
        summary: Summary,
    ) -> None:
        ids = {
            number: id
            for number, line in batch
            if line is not None and (id := source.event_id(number, line)) is not None
        }
        known = self._reader.known_ids(self._workspace, list(ids.values()))
        ready = _Ready()
        for number, line in batch:
            if line is None:
                summary.refuse(file, number, f"the line is longer than {LINE_MAX_BYTES:,} bytes")
                continue
            if source.keeps_state and (id := ids.get(number)) in known and id:
                summary.already_there += self._reader.count_derived(self._workspace, id)
                continue
            result = source.map(number, line)
            if isinstance(result, Mapped):
                for activity in result.activities:
                    try:
                        prepared = self._recorder.prepare(self._workspace, activity)
                        ready.activities.append((number, prepared))
                    except Problem as problem:
                        summary.refuse(file, number, problem.detail)
            elif isinstance(result, OfJob):
                ready.has_news = True
            elif isinstance(result, Skipped):
                summary.skipped += 1
                count = summary.skipped_reasons.get(result.reason, 0)
                summary.skipped_reasons[result.reason] = count + 1
            elif isinstance(result, Refused):
                summary.refuse(file, number, result.reason)
        self._take_jobs(source.jobs(at_end=False), file, ready, summary)
        self._write(source, file, ready, summary)

    def _take_jobs(self, told: list[ToldJob], file: Path, ready: _Ready, summary: Summary) -> None:
        for one in told:
            try:
                ready.jobs.append((one.line, self._jobs.prepare(one.body)))
            except Problem as problem:
                summary.refuse_job(file, one.line, problem.detail)

    def _write(self, source: Source, file: Path, ready: _Ready, summary: Summary) -> None:
        if not (ready.activities or ready.jobs or ready.has_news):
            return
        workspace, name, state = self._workspace, self._name, source.export_state()

        def work(transaction: Transaction) -> tuple[Outcomes, list[Kept | Problem]]:
            outcomes = transaction.record(workspace, *(one for _, one in ready.activities))
            jobs = [self._jobs.keep(transaction, workspace, one) for _, one in ready.jobs]
            if source.keeps_state:
                transaction.connection.execute(
                    delete(source_state).where(
                        source_state.c.workspace == workspace, source_state.c.source == name
                    )
                )
                transaction.connection.execute(
                    insert(source_state).values(workspace=workspace, source=name, state=state)
                )
            return outcomes, jobs

        outcomes, jobs = self._writer.run(work)
        for (number, _), outcome in zip(ready.activities, outcomes, strict=True):
            if isinstance(outcome, Problem):
                summary.refuse(file, number, outcome.detail)
            elif outcome.already_there:
                summary.already_there += 1
            else:
                summary.imported += 1
        for (number, _), kept in zip(ready.jobs, jobs, strict=True):
            if isinstance(kept, Problem) and not isinstance(kept, JobEnded):
                summary.refuse_job(file, number, kept.detail)
            else:
                _count(summary.jobs, kept)


def _count(jobs: JobSummary, kept: Kept | JobEnded) -> None:
    """A job that has ended is there already, however much of it this file tells."""
    if isinstance(kept, JobEnded) or kept.became == "unchanged":
        jobs.already_there += 1
    elif kept.became == "created":
        jobs.imported += 1
    else:
        jobs.updated += 1


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Lines with their numbers; None for one that is too long to be held in memory."""
    number = 0
    while line := stream.readline(LINE_MAX_BYTES + 2):
        number += 1
        if len(line) <= LINE_MAX_BYTES + 1:
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(LINE_MAX_BYTES)
        yield number, None


def _batches(
    lines: Iterator[tuple[int, bytes | None]],
) -> Iterator[list[tuple[int, bytes | None]]]:
    batch: list[tuple[int, bytes | None]] = []
    for line in lines:
        batch.append(line)
        if len(batch) == BATCH_LINES:
            yield batch
            batch = []
    if batch:
        yield batch
