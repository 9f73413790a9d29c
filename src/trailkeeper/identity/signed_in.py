"""Who stands behind a session or an API key, and what they may do there."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import func, select

from trailkeeper.activity import Actor, Context, Credential, Target
from trailkeeper.identity.acting import By
from trailkeeper.identity.factors import has_second_factor
from trailkeeper.identity.privileges import OWNER, privileges_of
from trailkeeper.ledger.schema import (
    delegated_admin,
    member,
    session,
    user,
    workspace,
    workspace_sso,
)
from trailkeeper.ledger.schema import role as role_table


class SignedIn(Struct, frozen=True):
    """A user in a session, in one workspace; a delegated admin acts there for another user."""

    user: int
    user_id: str
    email: str
    name: str
    workspace: int
    workspace_id: str
    workspace_name: str
    role: str
    session_id: str
    csrf: str
    privileges: frozenset[str] = frozenset()
    acting_for: Actor | None = None
    through_sso: bool = False
    """The workspace's identity provider vouched for the user: that is good for this workspace
    only, and not for the account that the user may have elsewhere too."""
    api_key: str | None = None
    """The id of the user's own API key, where that came instead of a session's cookie."""
    must_enable_two_factor: bool = False
    """The workspace asks for a second factor and the user has none yet: only that page is open."""

    @property
    def is_owner(self) -> bool:
        return self.role == OWNER and self.acting_for is None

    @property
    def actor(self) -> Actor:
        """As the log has it."""
        kind = "delegated_admin" if self.acting_for else "user"
        return Actor(type=kind, id=self.user_id, name=self.name, email=self.email)

    @property
    def target(self) -> Target:
        """The user, as what an account's change is done to."""
        return Target(type="user", id=self.user_id, name=self.name, email=self.email)

    @property
    def team(self) -> Target:
        """The workspace, as what a switch leads to."""
        return Target(type="workspace", id=self.workspace_id, name=self.workspace_name)

    def by(self, context: Context) -> By:
        """For operations: this user, from where the request came."""
        return By(
            workspace=self.workspace,
            actor=self.actor,
            privileges=self.privileges,
            is_owner=self.is_owner,
            user=self.user,
            on_behalf_of=self.acting_for,
            credential=Credential(type="session", id=self.session_id)
            if self.api_key is None
            else Credential(type="api_key", id=self.api_key),
            context=replace(context, session_id=self.session_id or None),
        )


def member_query() -> Any:
    """Members with what they may do, for those who come without a session."""
    return (
        select(
            user.c.id.label("user_id"),
            user.c.email,
            user.c.name,
            workspace.c.id.label("workspace_id"),
            workspace.c.name.label("workspace_name"),
            member.c.role,
            role_table.c.privileges,
            workspace.c.require_two_factor,
            has_second_factor().label("has_two_factor"),
        )
        .select_from(member)
        .join(user, user.c.key == member.c.user)
        .join(workspace, workspace.c.key == member.c.workspace)
        .outerjoin(
            role_table,
            (role_table.c.workspace == member.c.workspace) & (role_table.c.name == member.c.role),
        )
    )


def signed_in(row: Any) -> SignedIn:
    """Who a row of SIGNED_IN is."""
    acting_for = None
    role = row.role
    if row.acting_for is not None:
        acting_for = Actor(type="user", id=row.for_id, name=row.for_name, email=row.for_email)
        role = row.for_role
    return SignedIn(
        user=row.user,
        user_id=row.user_id,
        email=row.email,
        name=row.name,
        workspace=row.workspace,
        workspace_id=row.workspace_id,
        workspace_name=row.workspace_name,
        role=role,
        session_id=row.session_id,
        csrf=row.csrf,
        privileges=privileges_of(role, row.privileges),
        acting_for=acting_for,
        must_enable_two_factor=bool(row.require_two_factor)
        and not row.has_two_factor
        and acting_for is None
        and not row.sso,
        through_sso=bool(row.sso),
    )


_account = user.alias("acting_for_user")
_member_for = member.alias("acting_for_member")
SIGNED_IN = (
    select(
        user.c.key.label("user"),
        user.c.id.label("user_id"),
        user.c.email,
        user.c.name,
        session.c.workspace,
        workspace.c.id.label("workspace_id"),
        workspace.c.name.label("workspace_name"),
        member.c.role,
        session.c.id.label("session_id"),
        session.c.csrf,
        role_table.c.privileges,
        workspace.c.require_two_factor,
        has_second_factor().label("has_two_factor"),
        session.c.acting_for,
        session.c.sso,
        _account.c.id.label("for_id"),
        _account.c.name.label("for_name"),
        _account.c.email.label("for_email"),
        _member_for.c.role.label("for_role"),
    )
    .select_from(session)
    .join(user, user.c.key == session.c.user)
    .join(workspace, workspace.c.key == session.c.workspace)
    .outerjoin(_account, _account.c.key == session.c.acting_for)
    .outerjoin(
        delegated_admin,
        (delegated_admin.c.user == session.c.user)
        & (delegated_admin.c.workspace == session.c.workspace)
        & (delegated_admin.c.acting_for == session.c.acting_for),
    )
    .outerjoin(
        _member_for,
        (_member_for.c.user == delegated_admin.c.acting_for)
        & (_member_for.c.workspace == session.c.workspace),
    )
    .outerjoin(
        member, (member.c.user == session.c.user) & (member.c.workspace == session.c.workspace)
    )
    .outerjoin(
        role_table,
        (role_table.c.workspace == session.c.workspace)
        & (role_table.c.name == func.coalesce(_member_for.c.role, member.c.role)),
    )
    .outerjoin(
        workspace_sso,
        (workspace_sso.c.workspace == session.c.workspace)
        & workspace_sso.c.enabled
        & workspace_sso.c.required,
    )
    .where(
        # A member's own session, or one for a member who still has this user as delegated admin.
        # With a password it is not enough where single sign-on is required, but for the owner.
        (
            session.c.acting_for.is_(None)
            & member.c.role.is_not(None)
            & (session.c.sso | workspace_sso.c.workspace.is_(None) | (member.c.role == OWNER))
        )
        | (session.c.acting_for.is_not(None) & _member_for.c.role.is_not(None))
    )
)
"""Sessions with who stands behind them, as long as they may be there."""
