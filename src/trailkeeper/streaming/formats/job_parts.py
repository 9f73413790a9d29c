"""What formats say of a job, where they have words of their own for it."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from trailkeeper.jobs.job import EndedJob
from trailkeeper.jobs.message import message_of

_ENDS = {"succeeded": "succeeded", "failed": "failed", "canceled": "was canceled"}


class _Told(Struct):
    error: str | None = None


_decode = msgspec.json.Decoder(_Told).decode


def action_of(job: EndedJob) -> str:
    """What stands where activities have their action: `job.failed`."""
    return f"job.{job.state}"


def sentence_of(job: EndedJob) -> str:
    return f"Job {job.id} of recipe {job.recipe_name or job.recipe_id} {_ENDS[job.state]}."


def why_of(job: EndedJob) -> str | None:
    """The message in the job's error, where it has any."""
    error = _decode(job.body).error
    return message_of(error) if error else None


def milliseconds_of(job: EndedJob) -> int:
    """How long it took."""
    return max(0, job.ended_at - job.started_at) // 1_000
