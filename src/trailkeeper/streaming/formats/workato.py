"""Activities and jobs as Workato streamed them in 2019.

Source: "Activity audit log file details and sample data" and "Job history replication" of Workato's
documentation (docs.workato.com), and bodies from that time. Event and resource types are those of
catalogue/workato.py; an action that Workato does not have keeps its own name, with underscores.

The body has `event`, `details`, `user` (but for what no person or program did), `team` (the
workspace's owner), `resource` and `timestamp`, in this order. Ids that are decimal numbers of at
most 15 digits are numbers, so that no reader rounds them. What Workato has no place for stands in
`details`, and only where there is something: `outcome` and `reason` of what failed, `changes`,
`on_behalf_of`, and `targets` beyond the first. `details.request` comes last, with what is known.

Jobs are kept in Workato's form, and are sent as they are (see jobs/workato.py).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from trailkeeper.activity import Activity, Actor, Target
from trailkeeper.catalogue.workato import event_type, resource_type
from trailkeeper.jobs.job import EndedJob
from trailkeeper.jobs.workato import with_lines, workato_job_path
from trailkeeper.streaming.format import Format, Team
from trailkeeper.streaming.plain import json_line, visible_json

EVENTS_OF_2019 = {"recipe_copied": "recipe_created"}
"""Where the stream's name of that time is not the API's of today: a copy of a recipe was one that
is created, with `parent_id`."""

RESOURCES: dict[str, tuple[str, ...]] = {
    "Flow": ("name", "parent_id"),
    "Folder": ("name", "path"),
    "ManagedUserGrant": ("role", "name", "email"),
    "MemberInvitation": ("role", "name", "email"),
    "Package": ("folder_id", "folder_path", "file_name"),
    "SharedAccount": ("name", "provider", "identity", "authorized"),
    "User": ("name", "email", "email_confirmed_at"),
}
"""The keys of a resource after `type` and `id`, in order. `name` and `email` are the target's; the
others are taken out of the details, else out of the target's metadata."""

OTHER_RESOURCE = ("name", "email")
NUMBERS = frozenset({"parent_id", "folder_id"})
FIRST_DETAILS = ("run_once", "force", "error", "stop_reason", "activity")
"""Details whose order is known; the ledger keeps them by the alphabet."""

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,14}")
_NOT_IN_PATH = re.compile(r"[^A-Za-z0-9_-]+")
_ID_IN_PATH_MAX = 48
_EVENT_IN_PATH_MAX = 100


def encode(activity: Activity, team: Team) -> bytes:
    details = _details(activity)
    resource = _resource(activity, team, details)
    body: dict[str, Any] = {"event": event_of(activity), "details": details}
    if activity.actor.type != "system":
        body["user"] = _user(activity.actor)
    body["team"] = _team(team)
    body["resource"] = resource
    body["timestamp"] = activity.occurred_at.isoformat(" ")[:19] + " UTC"
    return json_line(body)


def event_of(activity: Activity) -> str:
    event = event_type(activity)
    return EVENTS_OF_2019.get(event, event)


def path(activity: Activity, team: Team) -> str:
    """`user_id/activities/resource_id/YYYYMMDD/seq/user_id-resource_id-seq-YYYYMMDDHHMMSS-event`,
    as the objects of jobs are `user_id/jobs/recipe_id/YYYYMMDD/job_id/…`. The user is the
    workspace's owner, the time that of receipt. Of ids there is what fits a path everywhere; `seq`
    keeps the names apart."""
    owner, resource = _path_part(team.owner_id), _path_part(activity.targets[0].id)
    at, seq = activity.received_at, f"{activity.seq:012d}"
    return (
        f"{owner}/activities/{resource}/{at:%Y%m%d}/{seq}/"
        f"{owner}-{resource}-{seq}-{at:%Y%m%d%H%M%S}-{event_of(activity)[:_EVENT_IN_PATH_MAX]}"
    )


def encode_job(job: EndedJob, lines: bytes | None, _team: Team) -> bytes:
    return visible_json(with_lines(job.body, lines))


def job_path(job: EndedJob, team: Team) -> str:
    return workato_job_path(job, team.owner_id).removesuffix(".json")


def number(text: Any) -> Any:
    """The number that a text is in decimals; anything else as it is."""
    return int(text) if isinstance(text, str) and _DECIMAL.fullmatch(text) else text


def _details(activity: Activity) -> dict[str, Any]:
    details = activity.details
    shown = {key: details[key] for key in FIRST_DETAILS if key in details} | details
    if activity.outcome == "failure":
        shown.setdefault("outcome", "failure")
        if activity.reason is not None:
            shown.setdefault("reason", activity.reason)
    if activity.changes:
        shown.setdefault("changes", activity.changes)
    if other := activity.on_behalf_of:
        shown.setdefault("on_behalf_of", _user(other))
    if len(activity.targets) > 1:
        shown.setdefault("targets", activity.targets[1:])
    return shown


def _resource(activity: Activity, team: Team, details: dict[str, Any]) -> dict[str, Any]:
    """Takes what belongs to the resource out of the details, and puts the request at their end."""
    target, type = activity.targets[0], resource_type(activity)
    if type == "User" and target.id == team.id:
        # To Workato a workspace is the user that owns it.
        target = Target(type="user", id=team.owner_id, name=team.owner_name, email=team.owner_email)
    resource: dict[str, Any] = {"type": type, "id": number(target.id)}
    metadata = target.metadata or {}
    for key in RESOURCES.get(type, OTHER_RESOURCE):
        if key == "name":
            value = target.name
        elif key == "email":
            value = target.email
        else:
            value = details.pop(key) if key in details else metadata.get(key)
        if value is not None:
            resource[key] = number(value) if key in NUMBERS else value
    if type == "Package" and target.name is not None:
        resource.setdefault("file_name", target.name)
    context = activity.context
    known = {"ip_address": context.ip_address, "user_agent": context.user_agent}
    if request := {key: value for key, value in known.items() if value is not None}:
        details.pop("request", None)
        details["request"] = request
    return resource


def _user(actor: Actor) -> dict[str, Any]:
    handle = (actor.metadata or {}).get("handle")
    return {
        "id": number(actor.id),
        "handle": handle if isinstance(handle, str) else handle_of(actor.name, actor.email),
        "email": actor.email,
        "name": actor.name,
    }


@lru_cache(maxsize=64)
def _team(team: Team) -> dict[str, Any]:
    return {
        "id": number(team.owner_id),
        "handle": handle_of(team.owner_name, team.owner_email),
        "email": team.owner_email,
        "name": team.owner_name,
    }


@lru_cache(maxsize=8_192)
def handle_of(name: str | None, email: str | None) -> str | None:
    """`johndoe` for John Doe, as Workato makes handles; without a name, the address before its @.
    An actor may bring its own in its metadata."""
    handle = "".join(c for c in (name or "").lower() if c.isalnum())
    return handle or (email or "").partition("@")[0] or None


@lru_cache(maxsize=8_192)
def _path_part(id: str) -> str:
    return _NOT_IN_PATH.sub("_", id)[:_ID_IN_PATH_MAX]


FORMAT = Format(
    name="workato",
    label="Workato",
    help="The body that Workato streams, for receivers that were made for it.",
    encode=encode,
    path=path,
    encode_job=encode_job,
    job_path=job_path,
)
