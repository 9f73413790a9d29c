"""Activities and jobs as CloudEvents 1.0, in JSON and structured mode: each is one JSON object.

Source: https://github.com/cloudevents/spec, cloudevents/spec.md and cloudevents/formats/
json-format.md; `sequence` is the documented extension of that name. `data` is the activity as the
API gives it. `id` is the activity's and unique within `source`, the workspace: receivers tell a
second delivery by the two. Attributes have no control characters, by the specification: in `id` and
`subject` those are percent-encoded, and so is the percent sign.

Of a job `data` is what the API gives, `subject` its recipe, and `source` one of its own: an id may
be that of a job and of an activity.
"""

from __future__ import annotations

from urllib.parse import quote

from msgspec import Raw

from trailkeeper.activity import Activity, rfc3339, to_us
from trailkeeper.jobs.job import EndedJob
from trailkeeper.jobs.whole import whole_job
from trailkeeper.streaming.format import Format, Team
from trailkeeper.streaming.formats.job_parts import action_of
from trailkeeper.streaming.formats.own import dated_job_path, dated_path
from trailkeeper.streaming.plain import json_line

TYPE = "com.trailkeeper."
_SAFE = "/ !\"#$&'()*+,:;<=>?@[]^`{|}\\"


def encode(activity: Activity, team: Team) -> bytes:
    target = activity.targets[0]
    return json_line(
        {
            "specversion": "1.0",
            "id": attribute(activity.id),
            "source": f"/trailkeeper/workspaces/{team.id}",
            "type": TYPE + activity.action,
            "subject": attribute(f"{target.type}/{target.id}"),
            "time": rfc3339(to_us(activity.occurred_at)),
            "sequence": f"{activity.seq:012d}",
            "datacontenttype": "application/json",
            "data": activity,
        }
    )


def encode_job(job: EndedJob, lines: bytes | None, team: Team) -> bytes:
    return json_line(
        {
            "specversion": "1.0",
            "id": attribute(job.id),
            "source": f"/trailkeeper/workspaces/{team.id}/jobs",
            "type": TYPE + action_of(job),
            "subject": attribute(f"recipe/{job.recipe_id}"),
            "time": rfc3339(job.ended_at),
            "sequence": f"{job.seq:012d}",
            "datacontenttype": "application/json",
            "data": Raw(whole_job(job, lines)),
        }
    )


def attribute(text: str) -> str:
    """A text as the value of an attribute: different texts stay different."""
    return text if text.isprintable() and "%" not in text else quote(text, safe=_SAFE)


FORMAT = Format(
    name="cloudevents",
    label="CloudEvents",
    help="CloudEvents 1.0, in structured mode.",
    encode=encode,
    path=dated_path,
    encode_job=encode_job,
    job_path=dated_job_path,
    content_type="application/cloudevents+json",
)
