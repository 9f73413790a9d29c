"""A job in exactly Workato's form: the body that its job history streaming writes, and its path.

The order of the keys is that of Workato's own bodies, in their form of 2018 or of 2019.
"""

from __future__ import annotations

import re
from typing import Any

from trailkeeper.activity import from_us
from trailkeeper.jobs.job import EndedJob, Job

_BEGINNING = ("id", "flow_id", "parent_id", "calling_job_id", "status")
FORM_2018 = (
    *_BEGINNING,
    *("started_at", "completed_at", "error_type", "error", "title", "is_poll_error", "report"),
)
FORM_2019 = (
    *_BEGINNING,
    *("error_type", "error", "title", "is_poll_error", "action_count"),
    *("started_at", "completed_at", "report"),
)
"""Only this one has `action_count`."""

_DEFAULTS: dict[str, Any] = {"is_poll_error": False, "report": {}}

_NOT_IN_PATHS = re.compile(r"[^A-Za-z0-9_.~-]")


def in_form(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a job in Workato's order; a field that nobody has sent is null, as is one that
    Workato has nothing to say in."""
    form = FORM_2019 if "action_count" in fields else FORM_2018
    return {name: fields.get(name, _DEFAULTS.get(name)) for name in form}


def workato_job(job: Job, *, steps: bool) -> bytes:
    """A job as Workato streams it, as JSON; with `steps` and `lines`, where it came with any. The
    same job gives the same bytes. With `steps` the job must have been read with its lines."""
    return with_lines(job.body, job.lines if steps else None)


def with_lines(body: bytes, lines: bytes | None) -> bytes:
    """The body with `lines` at its end, if there are any."""
    return body if lines is None else body[:-1] + b',"lines":' + lines + b"}"


def workato_job_path(job: EndedJob, user_id: str) -> str:
    """The name of a finished job's file, in which the time is when it ended, in UTC:
    `4848/jobs/1002398/20190913/994216821/4848-1002398-994216821-20190913192218-succeeded.json`.

    What an id holds besides letters, digits and `_.~-` is written as `%2F`: an id is one part of
    a path, whatever it is.
    """
    ended = from_us(job.ended_at)
    user, recipe, id, status = map(_part, (user_id, job.recipe_id, job.id, job.status))
    folder = f"{user}/jobs/{recipe}/{ended:%Y%m%d}/{id}"
    return f"{folder}/{user}-{recipe}-{id}-{ended:%Y%m%d%H%M%S}-{status}.json"


def _part(text: str) -> str:
    if not text.strip("."):  # `.` and `..` lead elsewhere
        return "%2E" * len(text)
    return _NOT_IN_PATHS.sub(lambda found: "".join(f"%{b:02X}" for b in found[0].encode()), text)
