"""Making workspaces and their members."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection, insert, select

from trailkeeper.activity import Target, now_us, uuid7
from trailkeeper.identity.acting import By, everything
from trailkeeper.identity.names import checked_email, checked_name
from trailkeeper.identity.passwords import hash_password
from trailkeeper.identity.privileges import OWNER
from trailkeeper.identity.signed_in import SignedIn
from trailkeeper.identity.store import Store
from trailkeeper.ledger.recorder import system_actor
from trailkeeper.ledger.schema import member, user, workspace
from trailkeeper.ledger.writer import Transaction
from trailkeeper.team.roles import privileges_in

COMMAND_LINE = system_actor("cli", "Command line")
"""The actor of what an operator does at the server's own command line."""


FIRST = 1
"""The key of the workspace that `init` makes; its owner is the installation's."""


def is_first(who: SignedIn) -> bool:
    """Whether someone is in the installation's first workspace."""
    return who.workspace == FIRST


class TeamError(ValueError):
    """A workspace or a user that cannot be made; the message says why."""


class Made(Struct, frozen=True):
    """The ids of a workspace and its owner."""

    workspace_id: str
    workspace: str
    owner_id: str
    owner_email: str


class Workspaces:
    """All workspaces."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(self, name: str, owner_email: str, owner_name: str, password: str | None) -> Made:
        """Make a workspace and record that. Its owner is the user with this address; when there
        is none, one is made with this name and password. Raises InvalidInput, TeamError,
        WeakPassword."""
        name = checked_name(name, "The workspace's name", "/name")
        email = checked_email(owner_email, "/email")
        owner_name = checked_name(owner_name, "The owner's name", "/owner")
        password_hash = None if password is None else hash_password(password)
        at = now_us()
        workspace_id = uuid7(at)

        def work(transaction: Transaction) -> Made:
            connection = transaction.connection
            if connection.execute(select(workspace.c.key).where(workspace.c.name == name)).first():
                raise TeamError(f"There is a workspace named {name!r} already")
            key = connection.execute(
                insert(workspace)
                .values(id=workspace_id, name=name, created_at=at, next_seq=0)
                .returning(workspace.c.key)
            ).scalar_one()
            owner = connection.execute(
                select(user.c.key, user.c.id, user.c.name).where(user.c.email == email)
            ).first()
            if owner and password_hash is not None:
                raise TeamError(f"There is a user with the e-mail {email}; leave the password out")
            if owner:
                owner_id, called = owner.id, owner.name
                connection.execute(
                    insert(member).values(workspace=key, user=owner.key, role=OWNER, created_at=at)
                )
            elif password_hash is None:
                raise TeamError(f"There is no user with the e-mail {email}; give a password")
            else:
                owner_id, called = uuid7(at), owner_name
                _add_member(
                    connection, key, _User(owner_id, email, called, password_hash), OWNER, at
                )
            created = everything(key, COMMAND_LINE).activity(
                "workspace.created",
                Target(type="workspace", id=workspace_id, name=name),
                Target(type="user", id=owner_id, name=called, email=email),
            )
            self._store.record(transaction, key, created)
            return Made(workspace_id, name, owner_id, email)

        return self._store.change(work)

    def add_member(self, by: By, email: str, name: str, password: str, role: str) -> str:
        """Make a user who is a member with this role, and record that; returns the user's id.
        Raises InvalidInput, TeamError, WeakPassword."""
        key = by.workspace
        email = checked_email(email, "/email")
        name = checked_name(name, "The user's name", "/name")
        password_hash = hash_password(password)
        at = now_us()
        id = uuid7(at)

        def work(transaction: Transaction) -> None:
            connection = transaction.connection
            privileges_in(connection, key, role)
            if connection.execute(select(user.c.key).where(user.c.email == email)).first():
                raise TeamError(f"There is a user with the e-mail {email} already")
            _add_member(connection, key, _User(id, email, name, password_hash), role, at)
            joined = by.activity(
                "member.added",
                Target(type="member", id=id, name=name, email=email),
                details={"role": role},
            )
            self._store.record(transaction, key, joined)

        self._store.change(work)
        return id

    def listed(self) -> list[tuple[str, str]]:
        """Id and name of each workspace, in the order in which they were made."""
        with self._store.reading() as connection:
            rows = connection.execute(
                select(workspace.c.id, workspace.c.name).order_by(workspace.c.key)
            ).all()
        return [(row.id, row.name) for row in rows]

    def name(self, key: int) -> str:
        """What the workspace with this key is called."""
        with self._store.reading() as connection:
            return connection.execute(
                select(workspace.c.name).where(workspace.c.key == key)
            ).scalar_one()

    def target(self, key: int) -> Target:
        """The workspace with this key, as what something is done to."""
        with self._store.reading() as connection:
            return self._store.workspace_target(connection, key)

    def by_operator(self, name: str) -> By:
        """Who acts at the server's own command line, in the workspace with this name. Raises
        TeamError."""
        return everything(self.find(name), COMMAND_LINE)

    def find(self, name: str) -> int:
        """The key of the workspace with this name. Raises TeamError with the names there are."""
        with self._store.reading() as connection:
            rows = connection.execute(select(workspace.c.key, workspace.c.name)).all()
        for row in rows:
            if row.name == name:
                return row.key
        names = ", ".join(repr(row.name) for row in rows) or "none"
        raise TeamError(f"There is no workspace named {name!r}; there are: {names}")


class _User(Struct, frozen=True):
    id: str
    email: str
    name: str
    password_hash: str


def _add_member(connection: Connection, key: int, who: _User, role: str, at: int) -> None:
    """Insert a new user who is a member of a workspace."""
    made = connection.execute(
        insert(user)
        .values(
            id=who.id,
            email=who.email,
            name=who.name,
            password_hash=who.password_hash,
            created_at=at,
        )
        .returning(user.c.key)
    ).scalar_one()
    connection.execute(insert(member).values(workspace=key, user=made, role=role, created_at=at))
