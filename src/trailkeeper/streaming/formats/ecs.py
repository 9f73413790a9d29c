"""Activities and jobs in the Elastic Common Schema, version 8.11.

Source: https://www.elastic.co/docs/reference/ecs (fields, and the allowed values of `event.kind`,
`event.category`, `event.type` and `event.outcome`). Category and types come from the class and the
activity that the catalogue gives an action in OCSF.

What the schema has no field for stands under `trailkeeper`, as the schema asks of custom fields.
There, `changes` and `details` are JSON as text: their keys and types are anybody's, and an index
refuses documents whose field has another type than that of the first document that had it.

A job is the end of a process. What Workato's body says of it is JSON as text, too.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from trailkeeper.activity import Activity, Actor, Target, rfc3339, to_us
from trailkeeper.catalogue.ocsf import classification
from trailkeeper.catalogue.sentence import sentence
from trailkeeper.jobs.job import EndedJob
from trailkeeper.streaming.format import Format, Team
from trailkeeper.streaming.formats.job_parts import (
    action_of,
    milliseconds_of,
    sentence_of,
    why_of,
)
from trailkeeper.streaming.formats.ocsf_parts import PEOPLE
from trailkeeper.streaming.formats.own import dated_job_path, dated_path
from trailkeeper.streaming.plain import ip_version, json_line, json_text

VERSION = "8.11.0"

CATEGORIES: dict[int, str] = {
    3001: "iam",
    3002: "authentication",
    3004: "configuration",
    3005: "iam",
    3006: "iam",
    6003: "api",
}
"""`event.category` of a class of OCSF."""

_API = 6003
_KINDS_OF_USERS = {3001: "user", 3005: "user", 3006: "group"}
_ENTITY = {1: "creation", 2: "access", 4: "deletion"}
_TYPES: dict[int, dict[int, str]] = {
    3001: {1: "creation", 6: "deletion"},
    3002: {0: "info", 1: "start", 2: "end", 99: "info"},
    3004: _ENTITY,
    3006: {5: "deletion", 6: "creation"},
    6003: {**_ENTITY, 99: "info"},
}
"""`event.type` of an activity in a class; others change something."""


def encode(activity: Activity, team: Team) -> bytes:
    context = activity.context
    body: dict[str, Any] = {
        "@timestamp": rfc3339(to_us(activity.occurred_at)),
        "ecs": {"version": VERSION},
        "message": sentence(activity),
        "event": _event(activity),
        "user": _user(activity),
        "organization": {"id": team.id, "name": team.name},
        "service": {"environment": activity.environment},
    }
    if (address := context.ip_address) is not None:
        body["source"] = {"address": address}
        if ip_version(address):
            body["source"]["ip"] = address
    if context.user_agent is not None:
        body["user_agent"] = {"original": context.user_agent}
    if context.request_id is not None:
        body["http"] = {"request": {"id": context.request_id}}
    if context.trace_id is not None:
        body["trace"] = {"id": context.trace_id}
    body["related"] = _related(body)
    body["trailkeeper"] = _custom(activity)
    return json_line(body)


def _event(activity: Activity) -> dict[str, Any]:
    category, types = categorised(activity.action)
    event: dict[str, Any] = {
        "kind": "event",
        "category": [category],
        "type": types,
        "action": activity.action,
        "outcome": activity.outcome,
        "id": activity.id,
        "sequence": activity.seq,
        "created": rfc3339(to_us(activity.received_at)),
        "provider": activity.context.source or "trailkeeper",
        "module": "trailkeeper",
        "dataset": "trailkeeper.activities",
    }
    if activity.reason is not None:
        event["reason"] = activity.reason
    return event


@lru_cache(maxsize=2_048)
def categorised(action: str) -> tuple[str, list[str]]:
    """`event.category` and `event.type` of an action."""
    class_uid, activity_id = classification(action)
    if class_uid == _API and action.endswith("denied"):
        return CATEGORIES[class_uid], ["access", "denied"]
    type = _TYPES.get(class_uid, {}).get(activity_id, "change")
    kind = _KINDS_OF_USERS.get(class_uid)
    return CATEGORIES[class_uid], [kind, type] if kind else [type]


def _user(activity: Activity) -> dict[str, Any]:
    """Who did it, for whom, and whom it was done to."""
    user = _person(activity.actor)
    if activity.on_behalf_of is not None:
        user["effective"] = _person(activity.on_behalf_of)
    if activity.targets[0].type in PEOPLE:
        user["target"] = _person(activity.targets[0])
    return user


def _person(who: Actor | Target) -> dict[str, Any]:
    person: dict[str, Any] = {"id": who.id}
    if who.name is not None:
        person["name"] = who.name
    if who.email is not None:
        person["email"] = who.email
    return person


def _related(body: dict[str, Any]) -> dict[str, list[str]]:
    """What to look events up by, each once."""
    user = body["user"]
    people = (user, user.get("effective"), user.get("target"))
    found = [one[key] for one in people if one for key in ("id", "name", "email") if key in one]
    related = {"user": list(dict.fromkeys(found))}
    if "ip" in body.get("source", {}):
        related["ip"] = [body["source"]["ip"]]
    return related


def _custom(activity: Activity) -> dict[str, Any]:
    custom: dict[str, Any] = {
        "actor": {"type": activity.actor.type},
        "targets": [_target(one) for one in activity.targets],
    }
    if activity.actor.metadata:
        custom["actor"]["metadata"] = json_text(activity.actor.metadata)
    if activity.credential is not None:
        custom["credential"] = activity.credential
    if activity.context.session_id is not None:
        custom["session"] = {"id": activity.context.session_id}
    if activity.changes:
        custom["changes"] = json_text(activity.changes)
    if activity.details:
        custom["details"] = json_text(activity.details)
    return custom


def _target(target: Target) -> dict[str, Any]:
    shown = {"type": target.type, **_person(target)}
    if target.metadata:
        shown["metadata"] = json_text(target.metadata)
    return shown


_OUTCOMES = {"succeeded": "success", "failed": "failure"}


def encode_job(job: EndedJob, lines: bytes | None, team: Team) -> bytes:
    why = why_of(job)
    event: dict[str, Any] = {
        "kind": "event",
        "category": ["process"],
        "type": ["end"],
        "action": action_of(job),
        "outcome": _OUTCOMES.get(job.state, "unknown"),
        "id": job.id,
        "sequence": job.seq,
        "created": rfc3339(job.received_at),
        "start": rfc3339(job.started_at),
        "end": rfc3339(job.ended_at),
        "duration": milliseconds_of(job) * 1_000_000,
        "provider": "trailkeeper",
        "module": "trailkeeper",
        "dataset": "trailkeeper.jobs",
    }
    shown: dict[str, Any] = {
        "id": job.id,
        "title": job.title,
        "status": job.status,
        "is_test": job.is_test,
        "recipe": {"id": job.recipe_id, "name": job.recipe_name},
        "body": job.body.decode(),
    }
    body: dict[str, Any] = {
        "@timestamp": rfc3339(job.ended_at),
        "ecs": {"version": VERSION},
        "message": sentence_of(job),
        "event": event,
        "organization": {"id": team.id, "name": team.name},
    }
    if why is not None:
        event["reason"] = why
        body["error"] = {"message": why}
        if job.error_type is not None:
            body["error"]["type"] = job.error_type
    if lines is not None:
        shown["lines"] = lines.decode()
    body["trailkeeper"] = {"job": shown}
    return json_line(body)


FORMAT = Format(
    name="ecs",
    label="Elastic Common Schema",
    help=f"Documents of the Elastic Common Schema, version {VERSION}.",
    encode=encode,
    path=dated_path,
    encode_job=encode_job,
    job_path=dated_job_path,
)
