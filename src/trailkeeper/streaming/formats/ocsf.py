"""Activities and jobs as events of the Open Cybersecurity Schema Framework (https://schema.ocsf.io).

`ocsf-1.4` and `ocsf-1.9` name their version; `ocsf` is the older one, which most receivers take.
A further version is a row of `VERSIONS` and of catalogue/ocsf_versions.py. No profile is used, and
no attribute that its version deprecates. Class and activity are the catalogue's. What the class has
no place for stands in `unmapped`: nothing of an activity is lost.

A job is API Activity, which receivers take that know no class for it: the recipe has done it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from msgspec import Raw

from trailkeeper.activity import Activity, Target, rfc3339, to_us
from trailkeeper.catalogue import catalogue
from trailkeeper.catalogue.ocsf_classes import OTHER_ACTIVITY
from trailkeeper.catalogue.ocsf_versions import V1_4, V1_9, OcsfVersion
from trailkeeper.catalogue.sentence import sentence
from trailkeeper.jobs.job import EndedJob
from trailkeeper.jobs.workato import with_lines
from trailkeeper.streaming.format import Encode, EncodeJob, Format, Team
from trailkeeper.streaming.formats.job_parts import (
    action_of,
    milliseconds_of,
    sentence_of,
    why_of,
)
from trailkeeper.streaming.formats.ocsf_classes import UNKNOWN, of_class
from trailkeeper.streaming.formats.ocsf_parts import endpoint, http_request, observables, user_of
from trailkeeper.streaming.formats.own import dated_job_path, dated_path
from trailkeeper.streaming.plain import json_line

VERSIONS: dict[str, OcsfVersion] = {"ocsf": V1_4, "ocsf-1.4": V1_4, "ocsf-1.9": V1_9}

_CATEGORIES = {3: "Identity & Access Management", 6: "Application Activity"}
_PRODUCT = {"name": "Trailkeeper", "vendor_name": "Trailkeeper"}
_SUCCESS: dict[str, Any] = {
    "severity_id": 1,
    "severity": "Informational",
    "status_id": 1,
    "status": "Success",
}
_FAILURE: dict[str, Any] = {
    "severity_id": 2,
    "severity": "Low",
    "status_id": 2,
    "status": "Failure",
}
_CANCELED = _SUCCESS | {"status_id": 99, "status": "Canceled"}
_OF_JOBS = {"succeeded": _SUCCESS, "failed": _FAILURE, "canceled": _CANCELED}


def event(activity: Activity, team: Team, version: OcsfVersion) -> dict[str, Any]:
    """The event, as an object of which nothing may be changed."""
    context = activity.context
    body = _head(activity.action, version).copy()
    body |= _FAILURE if activity.outcome == "failure" else _SUCCESS
    if activity.reason is not None:
        body["status_detail"] = activity.reason
    body["time"] = to_us(activity.occurred_at) // 1_000
    body["message"] = sentence(activity)
    body["metadata"] = _metadata(activity, team, version)
    actor: dict[str, Any] = {"user": user_of(activity.actor, activity.credential)}
    if context.session_id is not None:
        actor["session"] = {"uid": context.session_id}
    body["actor"] = actor
    if context.ip_address is not None:
        body["src_endpoint"] = endpoint(context.ip_address)
    if request := http_request(context):
        body["http_request"] = request
    targets = of_class(body, activity, team, version)
    body["observables"] = observables(body)
    if unmapped := _unmapped(activity, targets):
        body["unmapped"] = unmapped
    return body


def job_event(
    job: EndedJob, lines: bytes | None, team: Team, version: OcsfVersion
) -> dict[str, Any]:
    """The same of a job."""
    action, recipe = action_of(job), {"uid": job.recipe_id, "type": "recipe"}
    if job.recipe_name is not None:
        recipe["name"] = job.recipe_name
    one = {"uid": job.id, "type": "job"}
    if job.title is not None:
        one["name"] = job.title
    body = _head(action, version) | _OF_JOBS[job.state]
    body["status_code"] = job.status
    if (why := why_of(job)) is not None:
        body["status_detail"] = why
    body["time"] = body["end_time"] = job.ended_at // 1_000
    body["start_time"] = job.started_at // 1_000
    body["duration"] = milliseconds_of(job)
    body["message"] = sentence_of(job)
    body["metadata"] = {
        "version": version.number,
        "product": _PRODUCT,
        "uid": job.id,
        "sequence": job.seq,
        "event_code": action,
        "log_name": "jobs",
        "log_provider": "trailkeeper",
        "tenant_uid": team.id,
        "original_time": rfc3339(job.ended_at),
        "logged_time": job.received_at // 1_000,
    }
    body["actor"] = {"app_uid": job.recipe_id, "app_name": job.recipe_name or job.recipe_id}
    body["api"] = {"operation": action, "service": {"name": "Trailkeeper"}}
    body["resources"] = [recipe, one]
    body["src_endpoint"] = {"svc_name": UNKNOWN}
    body["unmapped"] = {"is_test": job.is_test, "job": Raw(with_lines(job.body, lines))}
    return body


def _metadata(activity: Activity, team: Team, version: OcsfVersion) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "version": version.number,
        "product": _PRODUCT,
        "uid": activity.id,
        "sequence": activity.seq,
        "event_code": activity.action,
        "log_name": "activities",
        "log_provider": activity.context.source or "trailkeeper",
        "tenant_uid": team.id,
        "labels": [f"environment:{activity.environment}"],
        "original_time": activity.occurred_at.isoformat(),
        "logged_time": to_us(activity.received_at) // 1_000,
    }
    if activity.context.trace_id is not None:
        metadata["correlation_uid"] = activity.context.trace_id
    return metadata


def _unmapped(activity: Activity, targets: Sequence[Target]) -> dict[str, Any]:
    unmapped: dict[str, Any] = {"targets": targets} if targets else {}
    if activity.actor.metadata:
        unmapped["actor"] = {"metadata": activity.actor.metadata}
    if activity.on_behalf_of is not None:
        unmapped["on_behalf_of"] = activity.on_behalf_of
    if activity.credential is not None:
        unmapped["credential"] = activity.credential
    if activity.changes:
        unmapped["changes"] = activity.changes
    if activity.details:
        unmapped["details"] = activity.details
    return unmapped


@lru_cache(maxsize=2_048)
def _head(action: str, version: OcsfVersion) -> dict[str, Any]:
    class_uid, activity_id = numbers = version.classification(action)
    class_name, activity_name = version.captions(numbers)
    category = class_uid // 1_000
    # An activity that the class has no number for goes by its own name.
    own_name = catalogue().label_of(action) if activity_id == OTHER_ACTIVITY else activity_name
    return {
        "class_uid": class_uid,
        "class_name": class_name,
        "category_uid": category,
        "category_name": _CATEGORIES[category],
        "activity_id": activity_id,
        "activity_name": own_name,
        "type_uid": class_uid * 100 + activity_id,
        "type_name": f"{class_name}: {activity_name}",
    }


def _encode(version: OcsfVersion) -> Encode:
    return lambda activity, team: json_line(event(activity, team, version))


def _encode_job(version: OcsfVersion) -> EncodeJob:
    return lambda job, lines, team: json_line(job_event(job, lines, team, version))


def _format(name: str, version: OcsfVersion) -> Format:
    label = version.number.rpartition(".")[0]
    return Format(
        name=name,
        label="OCSF" if name == "ocsf" else f"OCSF {label}",
        help=f"Events of the Open Cybersecurity Schema Framework, version {version.number}.",
        encode=_encode(version),
        path=dated_path,
        encode_job=_encode_job(version),
        job_path=dated_job_path,
    )


FORMATS = tuple(_format(name, version) for name, version in VERSIONS.items())
