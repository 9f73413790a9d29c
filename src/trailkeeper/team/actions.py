"""A workspace's own actions, and whether it takes only declared ones."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace
from sqlalchemy import Engine, func, insert, select, update

from trailkeeper.activity import ActivityInput, Actor, Change, Context, Target, now_us
from trailkeeper.catalogue.details import CustomAction
from trailkeeper.catalogue.vocabulary import Vocabulary
from trailkeeper.ledger.recorder import Recorder
from trailkeeper.ledger.schema import custom_action, workspace
from trailkeeper.ledger.writer import Transaction, Writer


class Actions:
    """Declaring actions; each declaration is a new version, and old ones are kept."""

    def __init__(self, engine: Engine, writer: Writer, recorder: Recorder) -> None:
        self._engine = engine
        self._writer = writer
        self._recorder = recorder

    def declared(self, key: int) -> list[CustomAction]:
        """The latest version of each action of a workspace, by name."""
        return [action for _, action in sorted(self._recorder.rules(key).custom.items())]

    def declare(self, key: int, action: CustomAction, by: Actor, context: Context) -> CustomAction:
        """Keep the next version of an action and record that; from then on its details are
        checked. `version` of what is passed is ignored."""

        def work(transaction: Transaction) -> CustomAction:
            latest = transaction.connection.execute(
                select(func.max(custom_action.c.version)).where(
                    custom_action.c.workspace == key, custom_action.c.name == action.name
                )
            ).scalar()
            made = replace(action, version=(latest or 0) + 1)
            transaction.connection.execute(
                insert(custom_action).values(
                    workspace=key,
                    name=made.name,
                    version=made.version,
                    declaration=msgspec.json.encode(made).decode(),
                    created_at=now_us(),
                )
            )
            declared = self._recorder.own(
                key,
                ActivityInput(
                    action="action.declared",
                    actor=by,
                    targets=[Target(type="action", id=made.name, name=made.label)],
                    context=context,
                    details={"version": made.version},
                ),
            )
            transaction.record(key, declared)
            return made

        made = self._writer.run(work)
        self._recorder.forget(key)
        return made

    def set_strict(self, key: int, strict: bool, by: Actor, context: Context) -> None:
        """Take only actions of the catalogue and declared ones, or all; recorded when it changes
        something."""

        def work(transaction: Transaction) -> None:
            row = transaction.connection.execute(
                select(workspace.c.id, workspace.c.name, workspace.c.strict_actions).where(
                    workspace.c.key == key
                )
            ).one()
            if row.strict_actions == strict:
                return
            transaction.connection.execute(
                update(workspace).where(workspace.c.key == key).values(strict_actions=strict)
            )
            changed = self._recorder.own(
                key,
                ActivityInput(
                    action="workspace.settings_updated",
                    actor=by,
                    targets=[Target(type="workspace", id=row.id, name=row.name)],
                    context=context,
                    changes=[
                        Change(field="strict_actions", old=bool(row.strict_actions), new=strict)
                    ],
                ),
            )
            transaction.record(key, changed)

        self._writer.run(work)
        self._recorder.forget(key)

    def vocabulary(self, key: int) -> Vocabulary:
        """What actions are called in a workspace."""
        return Vocabulary(self._recorder.rules(key).custom)

    def is_strict(self, key: int) -> bool:
        return self._recorder.rules(key).strict
