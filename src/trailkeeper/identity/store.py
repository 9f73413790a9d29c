"""What the operations on accounts, teams and settings share: reading, changing, refusing."""

from __future__ import annotations

from collections.abc import Callable, Set
from contextlib import AbstractContextManager
from typing import NoReturn, TypeVar

from sqlalchemy import Connection, Engine, select

from trailkeeper.activity import ActivityInput, Target
from trailkeeper.errors import Forbidden
from trailkeeper.identity.acting import By
from trailkeeper.ledger.backend import Database
from trailkeeper.ledger.backends import backend_of
from trailkeeper.ledger.recorder import Recorder
from trailkeeper.ledger.schema import workspace
from trailkeeper.ledger.writer import Transaction, Writer

T = TypeVar("T")


class Store:
    """The database and the log, for operations that change both at once."""

    def __init__(self, engine: Engine, writer: Writer, recorder: Recorder) -> None:
        self._engine = engine
        self._writer = writer
        self._recorder = recorder

    def reading(self) -> Connection:
        """A connection to read with; it is to be closed, by `with`."""
        return self._engine.connect()

    def database(self, workspace: int) -> AbstractContextManager[Database]:
        """A read transaction over one workspace's log, at the level of the ledger."""
        return backend_of(self._engine).reading(self._engine, workspace)

    def change(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in the writer and wait until it is on disk. Raises what it raises; then
        nothing of it is kept."""
        return self._writer.run(work)

    def record(self, transaction: Transaction, workspace: int, *sent: ActivityInput) -> None:
        """Record activities with the changes of a transaction: all are kept, or nothing."""
        transaction.record(workspace, *[self._recorder.own(workspace, one) for one in sent])

    def append(self, workspace: int, sent: ActivityInput) -> None:
        """Record an activity alone, and wait until it is on disk."""
        self._writer.append(workspace, [self._recorder.own(workspace, sent)])

    def refuse(self, by: By, asked: str, why: str) -> NoReturn:
        """Record that someone asked for what they may not do, and raise Forbidden."""
        target = Target(type="operation", id=asked, name=asked)
        self.append(
            by.workspace, by.activity("access.denied", target, outcome="failure", reason=why)
        )
        raise Forbidden(why)

    def require(self, by: By, privilege: str, asked: str) -> None:
        """Refuse without the privilege."""
        if privilege not in by.privileges:
            self.refuse(by, asked, f"This needs the privilege `{privilege}`")

    def require_all(self, by: By, privileges: Set[str], asked: str) -> None:
        """Refuse without all of them: nobody gives or takes what they do not hold."""
        if lacking := privileges - by.privileges:
            names = ", ".join(f"`{one}`" for one in sorted(lacking))
            self.refuse(by, asked, f"This goes beyond what you hold: {names}")

    def workspace_target(self, connection: Connection, workspace_key: int) -> Target:
        """A workspace, as what something is done to."""
        row = connection.execute(
            select(workspace.c.id, workspace.c.name).where(workspace.c.key == workspace_key)
        ).one()
        return Target(type="workspace", id=row.id, name=row.name)
