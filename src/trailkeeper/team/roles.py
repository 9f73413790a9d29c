"""Custom roles, made of privileges. Nobody gives or takes a privilege that they do not hold."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from sqlalchemy import Connection, delete, func, insert, select, update

from trailkeeper.activity import Change, Target, now_us, uuid7
from trailkeeper.errors import Conflict, FieldError, InvalidInput, NotFound
from trailkeeper.identity.acting import By
from trailkeeper.identity.names import checked_name
from trailkeeper.identity.privileges import BUILT_IN, OWNER, PRIVILEGES, privileges_of
from trailkeeper.identity.sessions import end_role_sessions
from trailkeeper.identity.store import Store
from trailkeeper.ledger.schema import invitation, member, role
from trailkeeper.ledger.writer import Transaction

GIVE_OR_TAKE = "Give or take privileges"
RESERVED = {OWNER.casefold(), *(name.casefold() for name in BUILT_IN)}


class Role(Struct, frozen=True):
    """A role of a workspace; a built-in one has its name as its id. `members` have it now."""

    id: str
    name: str
    privileges: list[str]
    built_in: bool
    members: int = 0


class Roles:
    """The roles of all workspaces."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def listed(self, workspace: int) -> list[Role]:
        """The built-in roles, then the custom ones by name."""
        with self._store.reading() as connection:
            used = connection.execute(
                select(member.c.role, func.count())
                .where(member.c.workspace == workspace)
                .group_by(member.c.role)
            ).all()
            rows = connection.execute(
                select(role.c.id, role.c.name, role.c.privileges)
                .where(role.c.workspace == workspace)
                .order_by(func.lower(role.c.name))
            ).all()
        counts = {row[0]: row[1] for row in used}
        built_in = [
            Role(name, name, in_order(privileges), True, counts.get(name, 0))
            for name, privileges in BUILT_IN.items()
        ]
        custom = [
            Role(row.id, row.name, in_order(row.privileges.split()), False, counts.get(row.name, 0))
            for row in rows
        ]
        return built_in + custom

    def find(self, workspace: int, id: str) -> Role:
        """A custom role. Raises NotFound."""
        for found in self.listed(workspace):
            if found.id == id and not found.built_in:
                return found
        raise _none(id)

    def create(self, by: By, name: str, privileges: Iterable[str]) -> str:
        """Make a role and record that; returns its id. Raises Forbidden, InvalidInput, Conflict."""
        self._store.require(by, "roles.manage", "Make a role")
        name = _checked_role_name(name)
        wanted = _checked_privileges(privileges)
        self._store.require_all(by, wanted, GIVE_OR_TAKE)
        at = now_us()
        id = uuid7(at)
        sent = by.activity(
            "role.created",
            Target(type="role", id=id, name=name),
            details={"privileges": in_order(wanted)},
        )

        def work(transaction: Transaction) -> None:
            _check_free(transaction.connection, by.workspace, name)
            transaction.connection.execute(
                insert(role).values(
                    workspace=by.workspace,
                    id=id,
                    name=name,
                    privileges=" ".join(in_order(wanted)),
                    created_at=at,
                )
            )
            self._store.record(transaction, by.workspace, sent)

        self._store.change(work)
        return id

    def update(self, by: By, id: str, name: str, privileges: Iterable[str]) -> None:
        """Change a role's name and privileges, and record what changed; nothing is recorded where
        nothing did. With other privileges, sessions of those who have the role end, but not that
        of the one who does this. Raises Forbidden, InvalidInput, NotFound, Conflict."""
        self._store.require(by, "roles.manage", "Change a role")
        name = _checked_role_name(name)
        wanted = _checked_privileges(privileges)
        old = self.find(by.workspace, id)
        self._store.require_all(by, wanted ^ set(old.privileges), GIVE_OR_TAKE)
        changes: list[Change] = []
        if name != old.name:
            changes.append(Change(field="name", old=old.name, new=name))
        if wanted != set(old.privileges):
            changes.append(Change(field="privileges", old=old.privileges, new=in_order(wanted)))
        if not changes:
            return
        sent = by.activity(
            "role.updated",
            Target(type="role", id=id, name=name),
            changes=changes,
            details={"privileges": in_order(wanted)},
        )

        def work(transaction: Transaction) -> None:
            connection = transaction.connection
            if name.casefold() != old.name.casefold():
                _check_free(connection, by.workspace, name)
            changed = connection.execute(
                update(role)
                .where(
                    role.c.workspace == by.workspace,
                    role.c.id == id,
                    role.c.name == old.name,
                    role.c.privileges == " ".join(old.privileges),
                )
                .values(name=name, privileges=" ".join(in_order(wanted)))
            )
            if not changed.rowcount:
                raise Conflict("The role was changed meanwhile; look at it again")
            for table in (member, invitation):
                connection.execute(
                    update(table)
                    .where(table.c.workspace == by.workspace, table.c.role == old.name)
                    .values(role=name)
                )
            if wanted != set(old.privileges):
                end_role_sessions(transaction, by.workspace, name, but_user=by.user)
            self._store.record(transaction, by.workspace, sent)

        self._store.change(work)

    def delete(self, by: By, id: str) -> None:
        """Delete a role that nobody has, and record that. Raises Forbidden, NotFound, Conflict."""
        self._store.require(by, "roles.manage", "Delete a role")
        old = self.find(by.workspace, id)
        self._store.require_all(by, set(old.privileges), GIVE_OR_TAKE)
        sent = by.activity("role.deleted", Target(type="role", id=id, name=old.name))

        def work(transaction: Transaction) -> None:
            connection = transaction.connection
            for table, who in ((member, "Members have"), (invitation, "Invitations name")):
                used = connection.execute(
                    select(func.count())
                    .select_from(table)
                    .where(table.c.workspace == by.workspace, table.c.role == old.name)
                ).scalar_one()
                if used:
                    raise Conflict(f"{who} this role ({used}); give them another one first")
            deleted = connection.execute(
                delete(role).where(role.c.workspace == by.workspace, role.c.id == id)
            )
            if not deleted.rowcount:
                raise _none(id)
            self._store.record(transaction, by.workspace, sent)

        self._store.change(work)


def privileges_in(connection: Connection, workspace: int, name: str) -> frozenset[str]:
    """What the role of this name allows. Raises InvalidInput when there is none; the owner's is
    none that can be given."""
    custom = connection.execute(
        select(role.c.privileges).where(role.c.workspace == workspace, role.c.name == name)
    ).scalar()
    if custom is None and name not in BUILT_IN:
        detail = "is no role of this workspace"
        raise InvalidInput(f"{name[:100]!r} {detail}", FieldError(detail, "/role"))
    return privileges_of(name, custom)


def in_order(privileges: Iterable[str]) -> list[str]:
    """Privileges in the order of their table."""
    there = set(privileges)
    return [privilege for privilege in PRIVILEGES if privilege in there]


def _checked_role_name(name: str) -> str:
    name = checked_name(name, "The role's name", "/name")
    if name.casefold() in RESERVED:
        detail = "is the name of a built-in role"
        raise InvalidInput(f"{name!r} {detail}", FieldError(detail, "/name"))
    return name


def _checked_privileges(privileges: Iterable[str]) -> set[str]:
    wanted = set(privileges)
    if unknown := wanted - set(PRIVILEGES):
        detail = f"{min(unknown)[:60]!r} is no privilege"
        raise InvalidInput(detail, FieldError(detail, "/privileges"))
    if not wanted:
        detail = "choose at least one"
        raise InvalidInput("A role needs a privilege", FieldError(detail, "/privileges"))
    return wanted


def _check_free(connection: Connection, workspace: int, name: str) -> None:
    names = connection.execute(select(role.c.name).where(role.c.workspace == workspace)).scalars()
    if name.casefold() in {one.casefold() for one in names}:
        raise Conflict(
            f"There is a role named {name!r} already",
            FieldError("is the name of another role", "/name"),
        )


def _none(id: str) -> NotFound:
    return NotFound(f"There is no custom role {id[:80]} in this workspace")
