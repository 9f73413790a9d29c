"""What the API's handlers need; the composition root fills it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar.connection import ASGIConnection

from trailkeeper.api.job_posts import JobPosts
from trailkeeper.identity.sessions import Sessions
from trailkeeper.identity.token_check import TokenCheck
from trailkeeper.installation import Installation
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
    installation: Installation
    """Where the operations of account, team and settings are."""
    job_posts: JobPosts


def installation_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Installation:
    """The installation with all operations."""
    services: ApiServices = connection.app.state["api"]
    return services.installation
