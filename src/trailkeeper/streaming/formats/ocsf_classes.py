"""What each class of the Open Cybersecurity Schema Framework needs: one function a class.

A function adds to the event what its class asks for: its required attributes, and the recommended
ones that an activity knows. It returns the targets that the event does not have in full then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from trailkeeper.activity import Activity, Target
from trailkeeper.catalogue.ocsf_versions import ROLE_MANAGEMENT, USER_MANAGEMENT, OcsfVersion
from trailkeeper.streaming.format import Team
from trailkeeper.streaming.formats.ocsf_parts import person_of, thing_of

Body = dict[str, Any]
Left = Sequence[Target]

UNKNOWN = "unknown"


def of_class(body: Body, activity: Activity, team: Team, version: OcsfVersion) -> Left:
    """Adds what the event's class needs; returns the targets that are left over."""
    return _CLASSES[body["class_uid"]](body, activity, team, version)


def _account_change(body: Body, activity: Activity, _team: Team, _version: OcsfVersion) -> Left:
    body["user"] = person_of(activity)
    return activity.targets


def _authentication(body: Body, activity: Activity, _team: Team, _version: OcsfVersion) -> Left:
    body["user"] = person_of(activity)
    body["service"] = {"name": activity.context.source or "Trailkeeper"}
    if "second_factor" in activity.details:
        body["is_mfa"] = True
    return activity.targets


def _entity_management(body: Body, activity: Activity, _team: Team, _version: OcsfVersion) -> Left:
    entity = thing_of(activity.targets[0])
    entity["type_id"] = 99
    body["entity"] = entity
    return activity.targets[1:]


def _user_access(body: Body, activity: Activity, _team: Team, _version: OcsfVersion) -> Left:
    body["user"] = person_of(activity)
    body["privileges"] = _privileges(activity) or [_role(activity) or activity.targets[0].type]
    return activity.targets


def _group_management(body: Body, activity: Activity, team: Team, version: OcsfVersion) -> Left:
    """The group is the workspace: its members are added and removed."""
    body["group"] = {"uid": team.id, "name": team.name, "type": "workspace"}
    if version.has_roles:
        body["users"] = [person_of(activity)]
        _add_role(body, activity)
    else:
        body["user"] = person_of(activity)
    return activity.targets


def _user_management(body: Body, activity: Activity, _team: Team, _version: OcsfVersion) -> Left:
    body["user"] = person_of(activity)
    _add_role(body, activity)
    if privileges := _privileges(activity):
        body["privileges"] = privileges
    return activity.targets


def _role_management(body: Body, activity: Activity, _team: Team, _version: OcsfVersion) -> Left:
    target = activity.targets[0]
    role: dict[str, Any] = {"uid": target.id}
    if target.name is not None:
        role["name"] = target.name
    if privileges := _privileges(activity):
        role["privileges"] = privileges
    body["iam_role"] = role
    return activity.targets


def _api_activity(body: Body, activity: Activity, _team: Team, _version: OcsfVersion) -> Left:
    source = activity.context.source
    body["api"] = {"operation": activity.action, "service": {"name": source or "Trailkeeper"}}
    body["resources"] = [thing_of(target) for target in activity.targets]
    body.setdefault("src_endpoint", {"svc_name": source or UNKNOWN})
    return ()


_CLASSES: dict[int, Callable[[Body, Activity, Team, OcsfVersion], Left]] = {
    3001: _account_change,
    3002: _authentication,
    3004: _entity_management,
    3005: _user_access,
    3006: _group_management,
    USER_MANAGEMENT: _user_management,
    ROLE_MANAGEMENT: _role_management,
    6003: _api_activity,
}


def _role(activity: Activity) -> str | None:
    role = activity.details.get("role")
    return role if isinstance(role, str) else None


def _privileges(activity: Activity) -> list[str]:
    given = activity.details.get("privileges")
    if not isinstance(given, list):
        return []
    return [one for one in cast("list[Any]", given) if isinstance(one, str)]


def _add_role(body: Body, activity: Activity) -> None:
    if role := _role(activity):
        body["iam_roles"] = [{"name": role}]
