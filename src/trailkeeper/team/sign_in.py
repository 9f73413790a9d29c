"""How members of a workspace have to sign in."""

from __future__ import annotations

from sqlalchemy import select, update

from trailkeeper.activity import Change, Target
from trailkeeper.errors import Conflict
from trailkeeper.identity.acting import By
from trailkeeper.identity.factors import is_protected
from trailkeeper.identity.store import Store
from trailkeeper.ledger.schema import workspace
from trailkeeper.ledger.writer import Transaction


class SignIn:
    """The rules of all workspaces."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def requires_two_factor(self, workspace_key: int) -> bool:
        with self._store.reading() as connection:
            return bool(
                connection.execute(
                    select(workspace.c.require_two_factor).where(workspace.c.key == workspace_key)
                ).scalar_one()
            )

    def require_two_factor(self, by: By, required: bool) -> None:
        """Ask every member for a second factor, or no longer; recorded when it changes something.
        Members without one see only the page on which they enable it. Raises Forbidden, and
        Conflict for someone who has none themselves."""
        self._store.require(by, "settings.manage", "Change how members sign in")

        def work(transaction: Transaction) -> None:
            connection = transaction.connection
            row = connection.execute(
                select(workspace.c.id, workspace.c.name, workspace.c.require_two_factor).where(
                    workspace.c.key == by.workspace
                )
            ).one()
            if bool(row.require_two_factor) == required:
                return
            own = by.user if by.on_behalf_of is None else None
            if required and own is not None and not is_protected(connection, own):
                raise Conflict("Enable two-factor authentication for yourself first")
            connection.execute(
                update(workspace)
                .where(workspace.c.key == by.workspace)
                .values(require_two_factor=required)
            )
            sent = by.activity(
                "workspace.settings_updated",
                Target(type="workspace", id=row.id, name=row.name),
                changes=[Change(field="require_two_factor", old=not required, new=required)],
                details={"settings": ["require_two_factor"]},
            )
            self._store.record(transaction, by.workspace, sent)

        self._store.change(work)
