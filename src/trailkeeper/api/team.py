"""/api/v1/team: collaborators, invitations, roles."""

from __future__ import annotations

from typing import Any

from litestar import Request, delete, get, patch, post, put
from litestar.datastructures import State
from litestar.params import FromPath, RawBody
from msgspec import Struct

from trailkeeper.activity import rfc3339
from trailkeeper.api.auth import OWN_ACCOUNT, by_of, caller_of, holding
from trailkeeper.api.json_body import read
from trailkeeper.api.services import installation_of
from trailkeeper.team.roles import Role

ApiRequest = Request[Any, Any, State]
TEAM = {"permission": holding("team.manage")}
ROLES = {"permission": holding("roles.manage")}


class MemberView(Struct, frozen=True):
    id: str
    name: str
    email: str
    role: str
    joined_at: str
    two_factor: bool


class MemberList(Struct, frozen=True):
    data: list[MemberView]


class NewRole(Struct, frozen=True, forbid_unknown_fields=True):
    role: str


class Transfer(Struct, frozen=True, forbid_unknown_fields=True):
    """`password` is the present owner's."""

    member_id: str
    password: str


class Invite(Struct, frozen=True, forbid_unknown_fields=True):
    email: str
    role: str


class InvitationView(Struct, frozen=True):
    id: str
    email: str
    role: str
    invited_by: str | None
    created_at: str
    expires_at: str
    expired: bool


class InvitationList(Struct, frozen=True):
    data: list[InvitationView]


class RoleInput(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    privileges: list[str]


class RoleList(Struct, frozen=True):
    data: list[Role]


class Made(Struct, frozen=True):
    id: str


@get("/team/members", opt=TEAM, sync_to_thread=True, summary="Collaborators")
def list_members(request: ApiRequest) -> MemberList:
    """All collaborators, by name."""
    found = installation_of(request).members.listed(caller_of(request).workspace)
    return MemberList(
        [
            MemberView(
                one.id, one.name, one.email, one.role, rfc3339(one.joined_at), one.has_two_factor
            )
            for one in found
        ]
    )


@patch("/team/members/{id:str}", opt=TEAM, sync_to_thread=True, status_code=204, summary="Role")
def update_member(request: ApiRequest, id: FromPath[str], body: RawBody) -> None:
    """Give a collaborator another role. Recorded as `member.updated`."""
    role = read(body, NewRole).role
    installation_of(request).members.update_role(by_of(request), id, role)


@delete("/team/members/{id:str}", opt=TEAM, sync_to_thread=True, summary="Remove a collaborator")
def remove_member(request: ApiRequest, id: FromPath[str]) -> None:
    """Their sessions and API key here end at once. Recorded as `member.deleted`."""
    installation_of(request).members.remove(by_of(request), id)


@put(
    "/team/owner",
    opt={"permission": OWN_ACCOUNT},
    sync_to_thread=True,
    status_code=204,
    summary="Transfer the workspace",
)
def transfer(request: ApiRequest, body: RawBody) -> None:
    """By the owner's own API key only; the owner becomes an Admin."""
    asked = read(body, Transfer)
    members = installation_of(request).members
    members.transfer(by_of(request), asked.member_id, asked.password)


@get("/team/invitations", opt=TEAM, sync_to_thread=True, summary="Invitations")
def list_invitations(request: ApiRequest) -> InvitationList:
    """Those that wait or have expired, newest first."""
    found = installation_of(request).invitations.listed(caller_of(request).workspace)
    return InvitationList(
        [
            InvitationView(
                id=one.id,
                email=one.email,
                role=one.role,
                invited_by=one.invited_by,
                created_at=rfc3339(one.created_at),
                expires_at=rfc3339(one.expires_at),
                expired=one.expired,
            )
            for one in found
        ]
    )


@post("/team/invitations", opt=TEAM, sync_to_thread=True, summary="Invite a collaborator")
def invite(request: ApiRequest, body: RawBody) -> Made:
    """A link is sent by mail. Recorded as `invite.created`."""
    asked = read(body, Invite)
    invitations = installation_of(request).invitations
    return Made(invitations.create(by_of(request), asked.email, asked.role))


@patch(
    "/team/invitations/{id:str}", opt=TEAM, sync_to_thread=True, status_code=204, summary="Modify"
)
def modify_invite(request: ApiRequest, id: FromPath[str], body: RawBody) -> None:
    """Another role. Recorded as `invite.modified`."""
    role = read(body, NewRole).role
    installation_of(request).invitations.modify(by_of(request), id, role)


@delete("/team/invitations/{id:str}", opt=TEAM, sync_to_thread=True, summary="Cancel an invitation")
def cancel_invite(request: ApiRequest, id: FromPath[str]) -> None:
    """Its link no longer works. Recorded as `invite.canceled`."""
    installation_of(request).invitations.cancel(by_of(request), id)


@post(
    "/team/invitations/{id:str}/resend",
    opt=TEAM,
    sync_to_thread=True,
    status_code=204,
    summary="Send an invitation again",
)
def resend_invite(request: ApiRequest, id: FromPath[str]) -> None:
    """With a new link; the old one no longer works."""
    installation_of(request).invitations.resend(by_of(request), id)


@get("/team/roles", opt=ROLES, sync_to_thread=True, summary="Roles")
def list_roles(request: ApiRequest) -> RoleList:
    """The built-in roles, then the custom ones."""
    return RoleList(installation_of(request).roles.listed(caller_of(request).workspace))


@post("/team/roles", opt=ROLES, sync_to_thread=True, summary="Make a role")
def create_role(request: ApiRequest, body: RawBody) -> Made:
    """Recorded as `role.created`."""
    asked = read(body, RoleInput)
    roles = installation_of(request).roles
    return Made(roles.create(by_of(request), asked.name, asked.privileges))


@put("/team/roles/{id:str}", opt=ROLES, sync_to_thread=True, status_code=204, summary="Change")
def update_role(request: ApiRequest, id: FromPath[str], body: RawBody) -> None:
    """Its name and privileges. Recorded as `role.updated`."""
    asked = read(body, RoleInput)
    installation_of(request).roles.update(by_of(request), id, asked.name, asked.privileges)


@delete("/team/roles/{id:str}", opt=ROLES, sync_to_thread=True, summary="Delete a role")
def delete_role(request: ApiRequest, id: FromPath[str]) -> None:
    """Refused while it is in use. Recorded as `role.deleted`."""
    installation_of(request).roles.delete(by_of(request), id)


ROUTES: list[Any] = [
    list_members,
    update_member,
    remove_member,
    transfer,
    list_invitations,
    invite,
    modify_invite,
    cancel_invite,
    resend_invite,
    list_roles,
    create_role,
    update_role,
    delete_role,
]
