"""A job as the API gives it: its body in Workato's form, and then our own fields."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from trailkeeper.activity import rfc3339
from trailkeeper.jobs.job import Job
from trailkeeper.jobs.workato import with_lines


class OwnFields(Struct, frozen=True, kw_only=True):
    """What stands behind a job's body in Workato's form."""

    recipe_id: str
    recipe_name: str | None
    state: str
    is_test: bool
    seq: int | None
    received_at: str


def whole_job(job: Job, lines: bytes | None) -> bytes:
    """As JSON, with these lines. The same job gives the same bytes."""
    own = OwnFields(
        recipe_id=job.recipe_id,
        recipe_name=job.recipe_name,
        state=job.state,
        is_test=job.is_test,
        seq=job.seq,
        received_at=rfc3339(job.received_at),
    )
    return with_lines(job.body, lines)[:-1] + b"," + msgspec.json.encode(own)[1:]
