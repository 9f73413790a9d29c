"""What the API's handlers need; the composition root fills it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trailkeeper.activity import ActivityInput
from trailkeeper.identity.sessions import Sessions, SignedIn
from trailkeeper.identity.tokens import TokenCheck
from trailkeeper.ledger.reader import Reader
from trailkeeper.team.actions import Actions


@dataclass(frozen=True)
class ApiServices:
    tokens: TokenCheck
    sessions: Sessions
    reader: Reader
    actions: Actions
    may_view_audit: Callable[[SignedIn], bool]
    record: Callable[[int, ActivityInput], None]
    """Records an activity of Trailkeeper's own in a workspace, and waits until it is on disk."""
