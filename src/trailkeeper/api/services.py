"""What the API's handlers need; the composition root fills it."""

from __future__ import annotations

from dataclasses import dataclass

from trailkeeper.identity.sessions import Sessions
from trailkeeper.identity.tokens import TokenCheck
from trailkeeper.ledger.reader import Reader
from trailkeeper.team.access import Access
from trailkeeper.team.actions import Actions


@dataclass(frozen=True)
class ApiServices:
    tokens: TokenCheck
    sessions: Sessions
    reader: Reader
    actions: Actions
    access: Access
