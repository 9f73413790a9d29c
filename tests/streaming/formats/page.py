"""`python -m tests.streaming.formats.page FILE` writes the reference page about the formats, with
an example of each, which the format itself has written."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.streaming.formats.job_samples import JOBS
from tests.streaming.formats.samples import SAMPLES, TEAM

from trailkeeper.streaming.format import Format
from trailkeeper.streaming.formats import FORMATS
from trailkeeper.streaming.template import templated

PAGE = "docs/reference/stream-formats.md"
EXAMPLE = SAMPLES[0]
JOB, JOB_LINES = JOBS[0]
TEMPLATE = '{"source": "trailkeeper", "sent": {{{now}}}, "logEntries": {{{log_message}}}}'

NOTES = {
    "trailkeeper": """\
The activity as `GET /api/v1/activities/{id}` gives it. It has everything; `id` is unique in a
workspace for ever, and `seq` is its place in the log.

A job is as `GET /api/v1/jobs/{id}` gives it, with `"type": "job"` before that, which no activity
has. Its `seq` counts the finished jobs of the workspace.
""",
    "workato": """\
The body that Workato's audit log streaming sent in 2019, for receivers that were made for it. Event
and resource types are those of the [activities](activities.md); an action that Workato does not
have goes by its own name, with underscores. `user` is the actor and is missing where the system
acted; `team` is the workspace's owner. Ids that are decimal numbers of at most 15 digits are
numbers. A copied recipe is a `recipe_created` with `parent_id`, as it was then.

What Workato has no field for stands in `details`, where there is something: `outcome` and `reason`
of what failed, `changes`, `on_behalf_of`, and `targets` beyond the first. `handle` is the actor's
own (`metadata.handle`), else made of the name. The body has no id to tell a second delivery by, as
Workato's has none; where that matters, use another format.

In an object store the path is like that of Workato's job files:
`user_id/activities/resource_id/YYYYMMDD/seq/user_id-resource_id-seq-YYYYMMDDHHMMSS-event.json`,
with the workspace's owner and the time of receipt.

A job has Workato's own body, as it was sent, in an object store in a file of Workato's own name:
`user_id/jobs/recipe_id/YYYYMMDD/job_id/user_id-recipe_id-job_id-YYYYMMDDHHMMSS-status.json`, with
the time when it ended.
""",
    "ocsf": """\
Events of the [Open Cybersecurity Schema Framework](https://schema.ocsf.io), with class and activity
of the [activities](activities.md). `ocsf` is version 1.4.0, which most receivers take, and stays
it; `ocsf-1.4` says so. `metadata.uid` is the activity's id, `time` is in milliseconds. What a class
has no attribute for stands in `unmapped`.

A job is API Activity (6003) whose `api.operation` is `job.succeeded`, `job.failed` or
`job.canceled`; its resources are the recipe and the job. `metadata.log_name` is `jobs`, and
`unmapped.job` is the body in Workato's form.
""",
    "ocsf-1.4": "The same as `ocsf`, and the version is in the name.\n",
    "ocsf-1.9": """\
Version 1.9.0. Account Change (3001) and User Access Management (3005) are User Management (3007)
there, what is done to a role is Role Management (3008), and members are `users` of their group.
""",
    "ecs": """\
Documents of the [Elastic Common Schema](https://www.elastic.co/docs/reference/ecs), version 8.11.
Fields of our own stand under `trailkeeper`. There `changes` and `details` are JSON as text, since
an index refuses a document whose field has another type than in the documents before it.

A job is the end of a process (`event.category`), with its duration, and `error` where it failed;
`event.dataset` is `trailkeeper.jobs`. Its body in Workato's form and its steps are JSON as text.
""",
    "cloudevents": """\
[CloudEvents](https://cloudevents.io) 1.0 in structured mode. `id` and `source` together tell a
second delivery; `sequence` sorts as the log does; `data` is the activity as the API gives it.

Jobs have a `source` of their own, which ends in `/jobs`, and the recipe as their `subject`; `data`
is the job as the API gives it.
""",
    "cef": """\
Lines of the Common Event Format, version 0, with the keys and the lengths of ArcSight's extension
dictionary: what is longer is cut. Line breaks are `\\n` and `\\r` in values; other characters that
cannot be seen are written as text, such as `\\u001b`.

Of a job's body and steps the line has the first 4,000 characters.
""",
}

HEAD = """\
# Formats of streams

Made by `make docs` from `tests/streaming/formats`; do not edit it by hand.

How a stream writes activities and jobs, by its setting `format`. Every message is one line of
UTF-8, without anything in it that a terminal or an editor would act on, and is the same whenever it
is sent again. Unless something else is said, an object's path is
`workspace/activities/YYYY/MM/DD/seq` or `workspace/jobs/YYYY/MM/DD/seq`, by the time of receipt.

The examples are an activity, Robin stopped the recipe "Sync product SKUs", and a job of that recipe
with its steps. A stream without recipe step details has the same without them.
"""

CUSTOM = """
## Custom messages

A stream's setting `template` is a JSON text that is put around each message, as Workato's custom
log messages are. In it

| placeholder | becomes |
| --- | --- |
| `{{{log_message}}}`, older `{{log_message}}` | the message as a JSON object |
| `{{{log_message_str}}}` | the same as a text |
| `{{{now}}}` | `2023-06-02T01:30:01.002+00:00` |
| `{{{now_utc}}}` | `1685683801002.213`, milliseconds since 1970 |
| `{{{now_utc_micro}}}` | `1685683801002213` |
| `{{{now_utc_nano}}}` | `1685683801002213000` |

- "Now" is when the activity or the job was received: a message that is sent again is the same.
- `{{{log_message_str}}}` and `{{{now}}}` may stand in quotes or without them.
- A message of a format that is not JSON (CEF) is a text in both places.
- Another name in braces is left as it is.
- The message must be in the template at least once, and at most four times.

A template that does not give valid JSON is refused when it is saved, and the answer says why.
Should a stream have one all the same, its messages are sent without it; the stream says so as its
`template_problem`, and `audit_stream.template_failed` is recorded once.

"""


def page() -> str:
    """The page's text."""
    sections = [_section(one) for one in FORMATS.values()]
    message = templated(FORMATS["workato"], TEMPLATE).encode(EXAMPLE, TEAM)
    custom = f"{CUSTOM}```\n{TEMPLATE}\n```\n\ngives\n\n{_json(message)}"
    return HEAD + "".join(sections) + custom


def _section(one: Format) -> str:
    start = f"\n## {one.name}\n\n{NOTES[one.name]}\n"
    if one.name == "ocsf-1.4":
        return start.rstrip("\n") + "\n"
    body = one.encode(EXAMPLE, TEAM)
    kind = f"Content type `{one.content_type}`, path `{one.path(EXAMPLE, TEAM)}.{one.ending}`.\n\n"
    job = one.encode_job(JOB, JOB_LINES, TEAM)
    path = f"\nA job, path `{one.job_path(JOB, TEAM)}.{one.ending}`:\n\n"
    return start + kind + _shown(one, body) + path + _shown(one, job)


def _shown(one: Format, body: bytes) -> str:
    return _json(body) if one.is_json else f"```\n{body.decode()}\n```\n"


def _json(body: bytes) -> str:
    return f"```json\n{json.dumps(json.loads(body), indent=2, ensure_ascii=False)}\n```\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page())
