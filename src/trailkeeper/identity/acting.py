"""Who acts: what every operation is told, so that it records the right actor."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from trailkeeper.activity import (
    ActivityInput,
    Actor,
    Change,
    Context,
    Credential,
    Outcome,
    Target,
)
from trailkeeper.identity.privileges import PRIVILEGES


class By(Struct, frozen=True, kw_only=True):
    """Someone who acts in one workspace: from a page, through the API or at the command line.

    `privileges` are what the caller may do, `is_owner` whether it is the workspace's owner (or the
    operator at the command line). `user` is the acting user's key in the database, if it is one.
    """

    workspace: int
    actor: Actor
    privileges: frozenset[str]
    is_owner: bool = False
    user: int | None = None
    on_behalf_of: Actor | None = None
    credential: Credential | None = None
    context: Context = Context()

    def activity(
        self,
        action: str,
        *targets: Target,
        outcome: Outcome | None = None,
        reason: str | None = None,
        changes: list[Change] | None = None,
        details: dict[str, Any] | None = None,
    ) -> ActivityInput:
        """An activity of this actor, for Recorder.own."""
        return ActivityInput(
            action=action,
            actor=self.actor,
            on_behalf_of=self.on_behalf_of,
            credential=self.credential,
            targets=list(targets),
            outcome=outcome,
            reason=reason,
            context=self.context,
            changes=changes or None,
            details=details or None,
        )


def everything(workspace: int, actor: Actor, context: Context | None = None) -> By:
    """Someone who may do all, such as the operator at the command line."""
    return By(
        workspace=workspace,
        actor=actor,
        privileges=frozenset(PRIVILEGES),
        is_owner=True,
        context=context or Context(),
    )
