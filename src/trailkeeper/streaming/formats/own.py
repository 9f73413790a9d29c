"""Activities and jobs as the API gives them."""

from __future__ import annotations

from trailkeeper.activity import Activity, from_us
from trailkeeper.jobs.job import EndedJob
from trailkeeper.jobs.whole import whole_job
from trailkeeper.streaming.format import Format, Team
from trailkeeper.streaming.plain import json_line, visible_json


def encode(activity: Activity, _team: Team) -> bytes:
    return json_line(activity)


def dated_path(activity: Activity, team: Team) -> str:
    """`<workspace>/activities/2026/11/22/<seq of 12 digits>`, by the time of receipt."""
    return f"{team.id}/activities/{activity.received_at:%Y/%m/%d}/{activity.seq:012d}"


def encode_job(job: EndedJob, lines: bytes | None, _team: Team) -> bytes:
    """With `type` before it, which no activity has."""
    return visible_json(b'{"type":"job",' + whole_job(job, lines)[1:])


def dated_job_path(job: EndedJob, team: Team) -> str:
    """`<workspace>/jobs/2026/11/22/<seq of 12 digits>`, by the time of receipt."""
    return f"{team.id}/jobs/{from_us(job.received_at):%Y/%m/%d}/{job.seq:012d}"


FORMAT = Format(
    name="trailkeeper",
    label="Trailkeeper",
    help="The activity or the job as the API gives it.",
    encode=encode,
    path=dated_path,
    encode_job=encode_job,
    job_path=dated_job_path,
)
