"""Activities and jobs in the Common Event Format of ArcSight, version 0: one line each.

Source: "Micro Focus Security ArcSight Common Event Format", version 25, with its extension
dictionary, whose keys and lengths are kept; what is longer is cut, and ends in an ellipsis. A pipe
is escaped in the header, an equals sign in the extension, a backslash in both. Line breaks of
values are `\\n` and `\\r`, as the format has them; other characters that cannot be seen are written
as text, `\\u001b`, and so are line breaks in the header, which may have none.

An IPv6 address stands in `c6a2`, since `src` is for IPv4 in this version. An address or an id that
does not fit its key stands in a text field with a label.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from trailkeeper.activity import Activity, Actor, to_us
from trailkeeper.catalogue import catalogue
from trailkeeper.catalogue.sentence import sentence
from trailkeeper.jobs.job import EndedJob
from trailkeeper.streaming.format import Format, Team
from trailkeeper.streaming.formats.job_parts import action_of, sentence_of, why_of
from trailkeeper.streaming.formats.ocsf_parts import PEOPLE
from trailkeeper.streaming.formats.own import dated_job_path, dated_path
from trailkeeper.streaming.plain import ip_version, json_text, visible

MAPPING_VERSION = "1"
"""The device version of the header. It is this mapping's and not the program's: a line that is sent
again after an upgrade is the same."""

SUCCESS, FAILURE = 3, 6
"""Severities, from 0 to 10: low and medium."""

LENGTHS = {
    "act": 63,
    "cat": 1_023,
    "deviceExternalId": 255,
    "duid": 1_023,
    "duser": 1_023,
    "externalId": 40,
    "fileId": 1_023,
    "fileType": 1_023,
    "fname": 1_023,
    "msg": 1_023,
    "outcome": 63,
    "reason": 1_023,
    "requestClientApplication": 1_023,
    "sourceServiceName": 1_023,
    "spriv": 1_023,
    "suid": 1_023,
    "suser": 1_023,
    "cs": 4_000,
    "flexString": 1_023,
}
"""The dictionary's, in characters before they are escaped."""

_OUTCOMES = {"succeeded": "success", "failed": "failure"}
_LINE_BREAKS = {"\n": "\\n", "\r": "\\r"}

Pair = tuple[str, str | None]


def encode(activity: Activity, team: Team) -> bytes:
    severity = FAILURE if activity.outcome == "failure" else SUCCESS
    return _line(activity.action, severity, extension(activity, team))


def encode_job(job: EndedJob, lines: bytes | None, team: Team) -> bytes:
    severity = FAILURE if job.state == "failed" else SUCCESS
    return _line(action_of(job), severity, job_extension(job, lines, team))


def _line(action: str, severity: int, pairs: Iterator[Pair]) -> bytes:
    shown = (f"{key}={value(key, text)}" for key, text in pairs if text)
    return f"{_header(action)}|{severity}|{' '.join(shown)}".encode()


def extension(activity: Activity, team: Team) -> Iterator[Pair]:
    """The keys of the extension in order; those without a value are left out."""
    actor, target, context = activity.actor, activity.targets[0], activity.context
    occurred = str(to_us(activity.occurred_at) // 1_000)
    yield "rt", str(to_us(activity.received_at) // 1_000)
    yield "start", occurred
    yield "end", occurred
    yield "cat", catalogue().category_of(activity.action)
    yield "act", activity.action
    yield "outcome", activity.outcome
    yield "reason", activity.reason
    yield "msg", sentence(activity)
    yield "suid", actor.id
    yield "suser", actor.name
    yield "spriv", actor.type
    if target.type in PEOPLE:
        yield "duid", target.id
        yield "duser", target.name or target.email
    yield "fileType", target.type
    yield "fileId", target.id
    yield "fname", target.name
    yield from _address(context.ip_address)
    yield "requestClientApplication", context.user_agent
    yield "sourceServiceName", context.source
    yield "deviceExternalId", team.id
    yield from _id(activity.id, "Activity id")
    yield from _labelled("cn1", "seq", str(activity.seq))
    yield from _labelled("cs1", "Actor e-mail", actor.email)
    yield from _labelled("cs2", "Environment", activity.environment)
    yield from _labelled("cs3", "On behalf of", _who(activity.on_behalf_of))
    yield from _labelled("cs4", "Targets", _json(activity.targets[1:]))
    yield from _labelled("cs5", "Changes", _json(activity.changes))
    yield from _labelled("cs6", "Details", _json(_details(activity)))


def job_extension(job: EndedJob, lines: bytes | None, team: Team) -> Iterator[Pair]:
    """The same of a job; of a long body and of its steps there is the beginning."""
    yield "rt", str(job.received_at // 1_000)
    yield "start", str(job.started_at // 1_000)
    yield "end", str(job.ended_at // 1_000)
    yield "cat", "Job"
    yield "act", action_of(job)
    yield "outcome", _OUTCOMES.get(job.state, job.state)
    yield "reason", why_of(job)
    yield "msg", sentence_of(job)
    yield "fileType", "recipe"
    yield "fileId", job.recipe_id
    yield "fname", job.recipe_name
    yield "deviceExternalId", team.id
    yield from _id(job.id, "Job id")
    yield from _labelled("cn1", "seq", str(job.seq))
    yield from _labelled("cs1", "Title", job.title)
    yield from _labelled("cs2", "Status", job.status)
    yield from _labelled("cs3", "Test", "true" if job.is_test else "false")
    yield from _labelled("cs5", "Steps", _beginning(lines) if lines else None)
    yield from _labelled("cs6", "Job", _beginning(job.body))


def _beginning(body: bytes) -> str:
    """As much of it as a key takes, which need not be JSON."""
    most = LENGTHS["cs"]
    return body[: 4 * (most + 1)].decode(errors="ignore")


def _id(id: str, label: str) -> Iterator[Pair]:
    if len(id) <= LENGTHS["externalId"]:
        yield "externalId", id
    else:
        yield from _labelled("flexString1", label, id)


def _address(address: str | None) -> Iterator[Pair]:
    if address is None:
        return
    version = ip_version(address)
    if version == 4:
        yield "src", address
    elif version == 6:
        yield from _labelled("c6a2", "Source IPv6 Address", address)
    else:
        yield from _labelled("flexString2", "Source address", address)


def _details(activity: Activity) -> dict[str, object]:
    """The details, with what else has no key of its own; they give way to nothing."""
    context, target, actor = activity.context, activity.targets[0], activity.actor
    more = {
        "session_id": context.session_id,
        "request_id": context.request_id,
        "trace_id": context.trace_id,
        "credential": activity.credential,
        "actor_metadata": actor.metadata,
        "target_metadata": target.metadata,
        "target_email": target.email,
    }
    return {**{key: one for key, one in more.items() if one}, **activity.details}


def _who(actor: Actor | None) -> str | None:
    return f"{actor.type}:{actor.id} {actor.name or ''}".rstrip() if actor else None


def _json(found: object) -> str | None:
    return json_text(found) if found else None


def _labelled(key: str, label: str, text: str | None) -> Iterator[Pair]:
    if text:
        yield f"{key}Label", label
        yield key, text


@lru_cache(maxsize=2_048)
def _header(action: str) -> str:
    parts = ("Trailkeeper", "Trailkeeper", MAPPING_VERSION, action, catalogue().label_of(action))
    return "|".join(("CEF:0", *map(header_value, parts)))


def header_value(text: str) -> str:
    return visible(text).replace("\\", "\\\\").replace("|", "\\|")


def value(key: str, text: str) -> str:
    """A value of the extension, in no more characters than the dictionary gives its key."""
    most = LENGTHS.get(key) or LENGTHS.get(key.rstrip("0123456789"))
    if most and len(text) > most:
        text = text[: most - 1] + "…"
    if text.isprintable() and "\\" not in text and "=" not in text:
        return text
    lines = (_escaped(part) for part in re.split(r"([\n\r])", text))
    return "".join(lines)


def _escaped(part: str) -> str:
    if part in _LINE_BREAKS:
        return _LINE_BREAKS[part]
    return visible(part).replace("\\", "\\\\").replace("=", "\\=")


FORMAT = Format(
    name="cef",
    label="CEF",
    help="Lines of the Common Event Format, for ArcSight and what reads it.",
    encode=encode,
    path=dated_path,
    encode_job=encode_job,
    job_path=dated_job_path,
    content_type="text/plain; charset=utf-8",
    ending="cef",
)
