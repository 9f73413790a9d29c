"""The collaborators of a workspace: their roles, removing them, and who owns the workspace."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import delete, func, select, update

from trailkeeper.activity import Change, Target
from trailkeeper.errors import Conflict, NotFound
from trailkeeper.identity.acting import By
from trailkeeper.identity.confirm import PasswordConfirm
from trailkeeper.identity.factors import has_second_factor
from trailkeeper.identity.privileges import ADMIN, OWNER, privileges_of
from trailkeeper.identity.sessions import end_sessions
from trailkeeper.identity.store import Store
from trailkeeper.identity.tokens import drop_keys
from trailkeeper.ledger.schema import member, role, user
from trailkeeper.ledger.writer import Transaction
from trailkeeper.team.delegation import drop_grants
from trailkeeper.team.roles import privileges_in


class Member(Struct, frozen=True):
    """A collaborator; `joined_at` is in microseconds."""

    key: int
    id: str
    name: str
    email: str
    role: str
    joined_at: int
    has_two_factor: bool
    privileges: frozenset[str]

    @property
    def is_owner(self) -> bool:
        return self.role == OWNER

    @property
    def target(self) -> Target:
        return Target(type="member", id=self.id, name=self.name, email=self.email)


class Members:
    """The members of all workspaces."""

    def __init__(self, store: Store, confirm: PasswordConfirm) -> None:
        self._store = store
        self._confirm = confirm

    def listed(self, workspace_key: int) -> list[Member]:
        """All members, by name."""
        with self._store.reading() as connection:
            rows = connection.execute(
                select(
                    user.c.key,
                    user.c.id,
                    user.c.name,
                    user.c.email,
                    member.c.role,
                    member.c.created_at,
                    has_second_factor().label("has_two_factor"),
                    role.c.privileges,
                )
                .join(member, member.c.user == user.c.key)
                .outerjoin(
                    role,
                    (role.c.workspace == member.c.workspace) & (role.c.name == member.c.role),
                )
                .where(member.c.workspace == workspace_key)
                .order_by(func.lower(user.c.name), user.c.key)
            ).all()
        return [
            Member(
                key=row.key,
                id=row.id,
                name=row.name,
                email=row.email,
                role=row.role,
                joined_at=row.created_at,
                has_two_factor=row.has_two_factor,
                privileges=privileges_of(row.role, row.privileges),
            )
            for row in rows
        ]

    def find(self, workspace_key: int, id: str) -> Member:
        """A member by the user's id. Raises NotFound."""
        for found in self.listed(workspace_key):
            if found.id == id:
                return found
        raise NotFound(f"There is no member {id[:80]} in this workspace")

    def update_role(self, by: By, id: str, new_role: str) -> None:
        """Give a member another role, and record that; their sessions here end, so that they come
        back with what the role allows. Raises Forbidden, NotFound, InvalidInput, Conflict."""
        self._store.require(by, "team.manage", "Change a collaborator's role")
        found = self._manageable(by, id, "Change a collaborator's role")
        with self._store.reading() as connection:
            wanted = privileges_in(connection, by.workspace, new_role)
        self._store.require_all(by, wanted, "Give a role")
        if found.role == new_role:
            return
        sent = by.activity(
            "member.updated",
            found.target,
            changes=[Change(field="role", old=found.role, new=new_role)],
            details={"role": new_role, "previous_role": found.role},
        )

        def work(transaction: Transaction) -> None:
            # The role may have been deleted or renamed since it was looked at.
            privileges_in(transaction.connection, by.workspace, new_role)
            changed = transaction.connection.execute(
                update(member)
                .where(
                    member.c.workspace == by.workspace,
                    member.c.user == found.key,
                    member.c.role == found.role,
                )
                .values(role=new_role)
            )
            if not changed.rowcount:
                raise Conflict("The collaborator was changed meanwhile; look again")
            if found.key != by.user:
                end_sessions(transaction, found.key, workspace_key=by.workspace)
            self._store.record(transaction, by.workspace, sent)

        self._store.change(work)

    def remove(self, by: By, id: str) -> None:
        """Remove a member: their sessions and API key here end at once. The
        owner stays. Raises Forbidden, NotFound, Conflict."""
        self._store.require(by, "team.manage", "Remove a collaborator")
        found = self._manageable(by, id, "Remove a collaborator")
        sent = by.activity("member.deleted", found.target, details={"role": found.role})

        def work(transaction: Transaction) -> None:
            removed = transaction.connection.execute(
                delete(member).where(
                    member.c.workspace == by.workspace,
                    member.c.user == found.key,
                    member.c.role != OWNER,
                )
            )
            if not removed.rowcount:
                raise Conflict("The collaborator was changed meanwhile; look again")
            end_sessions(transaction, found.key, workspace_key=by.workspace)
            drop_keys(transaction, by.workspace, found.key)
            self._store.record(transaction, by.workspace, sent)

        self._store.change(work)

    def transfer(self, by: By, id: str, password: str) -> None:
        """Make another member the owner; the old one becomes an Admin. Only the owner does that,
        with their password. Raises Forbidden, NotFound, InvalidInput, Conflict."""
        asked = "Transfer the workspace"
        if not by.is_owner or by.user is None:
            self._store.refuse(by, asked, "Only the owner may give the workspace away")
        self._confirm.check(by.user, password, "/password")
        found = self.find(by.workspace, id)
        if found.is_owner:
            raise Conflict("This is the owner already")
        with self._store.reading() as connection:
            here = self._store.workspace_target(connection, by.workspace)
        sent = by.activity(
            "workspace.ownership_transferred",
            here,
            Target(type="user", id=found.id, name=found.name, email=found.email),
            changes=[Change(field="owner", old=by.actor.name, new=found.name)],
        )

        def work(transaction: Transaction) -> None:
            for key, old, new in ((by.user, OWNER, ADMIN), (found.key, found.role, OWNER)):
                changed = transaction.connection.execute(
                    update(member)
                    .where(
                        member.c.workspace == by.workspace,
                        member.c.user == key,
                        member.c.role == old,
                    )
                    .values(role=new)
                )
                if not changed.rowcount:
                    raise Conflict("The team was changed meanwhile; look again")
            # Whom the old owner let act for them may do so no longer: it was the owner's right.
            drop_grants(self._store, transaction, by)
            end_sessions(transaction, found.key, workspace_key=by.workspace)
            self._store.record(transaction, by.workspace, sent)

        self._store.change(work)

    def _manageable(self, by: By, id: str, asked: str) -> Member:
        found = self.find(by.workspace, id)
        if found.is_owner:
            raise Conflict("The owner stays: transfer the workspace to another member first")
        self._store.require_all(by, found.privileges, asked)
        return found
