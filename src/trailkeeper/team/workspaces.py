"""Making workspaces and their members."""

from __future__ import annotations

import re

from msgspec import Struct
from sqlalchemy import Connection, Engine, insert, select

from trailkeeper.activity import ActivityInput, Actor, Target, now_us, uuid7
from trailkeeper.identity.passwords import hash_password
from trailkeeper.ledger.recorder import Recorder, system_actor
from trailkeeper.ledger.schema import member, user, workspace
from trailkeeper.ledger.writer import Transaction, Writer
from trailkeeper.team.permissions import OWNER

NAME_MAX = 100

COMMAND_LINE = system_actor("cli", "Command line")
"""The actor of what an operator does at the server's own command line."""


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

    def __init__(self, engine: Engine, writer: Writer, recorder: Recorder) -> None:
        self._engine = engine
        self._writer = writer
        self._recorder = recorder

    def create(self, name: str, owner_email: str, owner_name: str, password: str) -> Made:
        """Make a workspace and its owner, and record that. Raises TeamError, WeakPassword."""
        name = checked_name(name, "The workspace's name")
        email = checked_email(owner_email)
        owner_name = checked_name(owner_name, "The owner's name")
        password_hash = hash_password(password)
        at = now_us()
        made = Made(uuid7(at), name, uuid7(at), email)

        def work(transaction: Transaction) -> None:
            connection = transaction.connection
            if connection.execute(select(workspace.c.key).where(workspace.c.name == name)).first():
                raise TeamError(f"There is a workspace named {name!r} already")
            key = connection.execute(
                insert(workspace)
                .values(id=made.workspace_id, name=name, created_at=at, next_seq=0)
                .returning(workspace.c.key)
            ).scalar_one()
            owner = _User(made.owner_id, email, owner_name, password_hash)
            _add_member(connection, key, owner, OWNER, at)
            created = self._recorder.own(
                key,
                ActivityInput(
                    action="workspace.created",
                    actor=COMMAND_LINE,
                    targets=[
                        Target(type="workspace", id=made.workspace_id, name=name),
                        Target(type="user", id=made.owner_id, name=owner_name, email=email),
                    ],
                ),
            )
            transaction.record(key, created)

        self._writer.run(work)
        return made

    def add_member(
        self, key: int, email: str, name: str, password: str, role: str, by: Actor
    ) -> str:
        """Make a user who is a member with this role, and record that; returns the user's id."""
        email = checked_email(email)
        name = checked_name(name, "The user's name")
        role = checked_name(role, "The role")
        if role == OWNER:
            raise TeamError("A workspace has one owner; give another role")
        password_hash = hash_password(password)
        at = now_us()
        id = uuid7(at)

        def work(transaction: Transaction) -> None:
            connection = transaction.connection
            if connection.execute(select(user.c.key).where(user.c.email == email)).first():
                raise TeamError(f"There is a user with the e-mail {email} already")
            _add_member(connection, key, _User(id, email, name, password_hash), role, at)
            joined = self._recorder.own(
                key,
                ActivityInput(
                    action="member.added",
                    actor=by,
                    targets=[Target(type="member", id=id, name=name, email=email)],
                    details={"role": role},
                ),
            )
            transaction.record(key, joined)

        self._writer.run(work)
        return id

    def find(self, name: str) -> int:
        """The key of the workspace with this name. Raises TeamError with the names there are."""
        with self._engine.connect() as connection:
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


def checked_email(email: str) -> str:
    """The address in lower case. Raises TeamError for what is none."""
    email = email.strip().lower()
    if len(email) > 254 or not re.fullmatch(r"[^\s@<>\"]+@[^\s@<>\"]+\.[^\s@<>\".]+", email):
        raise TeamError(f"{email[:80]!r} is no e-mail address")
    return email


def checked_name(name: str, what: str) -> str:
    """The name without blanks around it. Raises TeamError for an empty or unprintable one."""
    name = name.strip()
    if not name or len(name) > NAME_MAX or not name.isprintable():
        raise TeamError(f"{what} must have 1 to {NAME_MAX} printable characters")
    return name
