"""Objects of the Open Cybersecurity Schema Framework that events of several classes have.

Every value is checked by its type in the schema: what is no address or no e-mail (a masked one is
none) goes where a text may stand.
"""

from __future__ import annotations

from typing import Any

from trailkeeper.activity import Activity, Actor, Context, Credential, Target
from trailkeeper.streaming.plain import ip_version, is_email

PEOPLE = frozenset({"user", "member", "delegated_admin"})
"""Kinds of target that are users."""

_ACTOR_TYPES: dict[str, tuple[int, str]] = {
    "user": (1, "User"),
    "delegated_admin": (2, "Admin"),
    "system": (3, "System"),
    "api_client": (99, "API Client"),
}

IP_MAX = 40
"""The longest address that the schema takes."""

_OF_ENDPOINTS = (("ip", 2, "IP Address"),)
_OF_REQUESTS = (("user_agent", 16, "HTTP User-Agent"),)
_OF_USERS = (
    ("uid", 31, "User Object: uid"),
    ("name", 4, "User Name"),
    ("email_addr", 5, "Email Address"),
)
"""Attributes that are observables, with the number and the name of their type."""


def user_of(actor: Actor, credential: Credential | None = None) -> dict[str, Any]:
    """An actor as a user."""
    type_id, type = _ACTOR_TYPES[actor.type]
    user = _person(actor.id, actor.name, actor.email)
    user["type_id"], user["type"] = type_id, type
    if credential is not None:
        user["credential_uid"] = credential.id
    return user


def person_of(activity: Activity) -> dict[str, Any]:
    """The user that it was done to: the primary target where that is one, else the actor."""
    target = activity.targets[0]
    if target.type not in PEOPLE:
        return user_of(activity.actor)
    user = _person(target.id, target.name, target.email)
    user["type_id"], user["type"] = 1, "User"
    return user


def _person(id: str, name: str | None, email: str | None) -> dict[str, Any]:
    user: dict[str, Any] = {"uid": id}
    if name is not None:
        user["name"] = name
    if email is not None:
        # An e-mail that is masked is still one way to recognise a user.
        user["email_addr" if is_email(email) else "uid_alt"] = email
    return user


def thing_of(target: Target) -> dict[str, Any]:
    """What a managed entity and the details of a resource have in common."""
    thing: dict[str, Any] = {"uid": target.id, "type": target.type}
    if target.name is not None:
        thing["name"] = target.name
    data: dict[str, Any] = {}
    if target.email is not None:
        data["email"] = target.email
    if target.metadata:
        data["metadata"] = target.metadata
    if data:
        thing["data"] = data
    return thing


def endpoint(address: str) -> dict[str, Any]:
    is_ip = ip_version(address) and len(address) <= IP_MAX
    return {"ip" if is_ip else "name": address}


def http_request(context: Context) -> dict[str, Any]:
    request: dict[str, Any] = {}
    if context.user_agent is not None:
        request["user_agent"] = context.user_agent
    if context.request_id is not None:
        request["uid"] = context.request_id
    return request


def observables(body: dict[str, Any]) -> list[dict[str, Any]]:
    """What other tools look events up by, each once, with the place where it stands."""
    found: dict[tuple[int, str], dict[str, Any]] = {}
    for place, part, attributes in (
        ("src_endpoint", body.get("src_endpoint"), _OF_ENDPOINTS),
        ("http_request", body.get("http_request"), _OF_REQUESTS),
        ("actor.user", body["actor"]["user"], _OF_USERS),
        ("user", body.get("user"), _OF_USERS),
    ):
        if part is None:
            continue
        for key, type_id, type in attributes:
            if (value := part.get(key)) is not None and (type_id, value) not in found:
                name = f"{place}.{key}"
                one = {"name": name, "type_id": type_id, "type": type, "value": value}
                found[type_id, value] = one
    return list(found.values())
