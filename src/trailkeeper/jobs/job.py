"""A job as it is kept and read."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement

from trailkeeper.jobs.lines import unpack
from trailkeeper.jobs.status import State
from trailkeeper.ledger.schema import job, job_lines

TITLE_MAX = 1_000
ERROR_MAX = 2_000
"""Characters of title and error that listings show and searches see."""


def beginning(text: str | None, most: int) -> str | None:
    """What of it is kept for listings."""
    return text[:most] if text is not None else None


class Summary(Struct, frozen=True, kw_only=True):
    """What listings show of a job. Times are microseconds; `title` and `error` are cut."""

    key: int
    id: str
    id_is_number: bool
    recipe_id: str
    recipe_name: str | None
    status: str
    state: State
    is_test: bool
    started_at: int
    completed_at: int | None
    received_at: int
    seq: int | None
    error_type: str | None
    title: str | None
    error: str | None

    @property
    def sent_id(self) -> int | str:
        """The id as it was sent."""
        return int(self.id) if self.id_is_number else self.id


class Job(Summary, frozen=True, kw_only=True):
    """A whole job. `body` is JSON in Workato's form, without its lines; those are `packed`, and
    are there only if they were asked for."""

    body: bytes
    packed: bytes | None = None

    @property
    def lines(self) -> bytes | None:
        """The steps as JSON, at most LINES_MAX_BYTES; None for a job that came without any."""
        return None if self.packed is None else unpack(self.packed)


class EndedJob(Job, frozen=True, kw_only=True):
    """A job that has ended, by which it has a place in the order of all that have."""

    seq: int

    @property
    def ended_at(self) -> int:
        return self.started_at if self.completed_at is None else self.completed_at


SUMMARY: list[ColumnElement[Any]] = [job.c[name] for name in Summary.__struct_fields__]
WITHOUT_LINES: list[ColumnElement[Any]] = [*SUMMARY, job.c.body]
WHOLE: list[ColumnElement[Any]] = [*WITHOUT_LINES, job_lines.c.packed]
"""What is to be selected for a Summary and a Job; WHOLE from `job` left joined to `job_lines`."""


def summary_of(row: Any) -> Summary:
    return Summary(**row._mapping)  # noqa: SLF001 # SQLAlchemy's documented name


def job_of(row: Any) -> Job:
    return Job(**row._mapping)  # noqa: SLF001 # SQLAlchemy's documented name


def ended_job_of(row: Any) -> EndedJob:
    return EndedJob(**row._mapping)  # noqa: SLF001 # SQLAlchemy's documented name
