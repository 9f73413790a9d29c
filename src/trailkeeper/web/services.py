"""What the pages need from the rest of the product, as protocols the composition root fills."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

from trailkeeper.activity import Activity, Context
from trailkeeper.catalogue.vocabulary import Vocabulary
from trailkeeper.identity.acting import By
from trailkeeper.identity.log_in import (
    ChallengeEnded,
    CodeNeeded,
    LogInFailed,
    Throttled,
    WrongCode,
)
from trailkeeper.identity.sessions import SsoNeeded
from trailkeeper.identity.signed_in import SignedIn
from trailkeeper.installation import Installation
from trailkeeper.ledger.facets import Facets
from trailkeeper.ledger.histogram import Histogram
from trailkeeper.ledger.reader import Choice, Page, Role
from trailkeeper.query.filters import Filter

__all__ = [
    "Access",
    "Audit",
    "ChallengeEnded",
    "Choice",
    "CodeNeeded",
    "LogIn",
    "LogInFailed",
    "Page",
    "Role",
    "Services",
    "Sessions",
    "SignedIn",
    "SsoNeeded",
    "Throttled",
    "WrongCode",
]


class LogIn(Protocol):
    """Logging in. Each attempt is recorded by the implementation."""

    def with_password(self, email: str, password: str, context: Context) -> tuple[str, SignedIn]:
        """The cookie's value and the new session. Raises LogInFailed, CodeNeeded, Throttled."""
        ...

    def with_code(self, challenge: str, code: str, context: Context) -> tuple[str, SignedIn]:
        """The second step. Raises WrongCode, ChallengeEnded, Throttled."""
        ...

    def passkey_options(self, challenge: str) -> str | None:
        """How a browser logs in with a passkey, as JSON; None where the user has none. Raises
        ChallengeEnded."""
        ...

    def with_passkey(self, challenge: str, response: str, context: Context) -> tuple[str, SignedIn]:
        """The second step by a passkey. Raises WrongCode, ChallengeEnded, Throttled."""
        ...


class Sessions(Protocol):
    """Who is there, and logging out, which is recorded."""

    def find(self, cookie: str) -> SignedIn | None:
        """The session of a cookie's value, or None where it is unknown or has ended."""
        ...

    def log_out(self, session: SignedIn, context: Context, /) -> None:
        """Ends the session; a second call does nothing."""
        ...


class Audit(Protocol):
    """Reading one workspace's log."""

    def page(
        self,
        workspace: int,
        asked: Filter,
        *,
        order: str = "desc",
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page:
        """The newest first. Raises CursorError for a cursor of another listing."""
        ...

    def histogram(self, workspace: int, asked: Filter, interval: str, zone: ZoneInfo) -> Histogram:
        """How many match over time."""
        ...

    def get(self, workspace: int, activity_id: str, /) -> Activity | None:
        """The activity with this id, of this workspace only."""
        ...

    @property
    def choices(self) -> Callable[..., list[Choice]]:
        """`(workspace, role, text, *, type, asked, limit)`: the users or assets that a picker
        offers.

        Matches by name, e-mail or id, accents and case ignored; the most recent without a text.
        `type` is one type of them or None; they are counted in what matches the filter `asked`.
        """
        ...

    @property
    def facets(self) -> Callable[..., Facets]:
        """`(workspace, asked, names, *, limit)`: the most frequent values of fields."""
        ...

    def entity(self, workspace: int, role: Role, ref: str) -> Choice | None:
        """The one a filter's value (`type:id`, an id or an e-mail) means."""
        ...

    def target_types(self, workspace: int) -> list[str]: ...

    def actions_seen(self, workspace: int) -> list[str]: ...

    def is_empty(self, workspace: int) -> bool:
        """Whether nothing was ever recorded."""
        ...


class Access(Protocol):
    """Who may see what."""

    def may_view_audit(self, session: SignedIn) -> bool: ...

    def record_denied(self, session: SignedIn, path: str, context: Context) -> None:
        """Records that the log was asked for and refused."""
        ...

    def record_page_denied(self, by: By, path: str, needed: str) -> None:
        """Records that another page was asked for and refused."""
        ...

    def record_missed(self, by: By, path: str) -> None:
        """Records that something was to be changed that is not there for this user."""
        ...


@dataclass(frozen=True)
class Services:
    """All of it. `secret_key` signs the log-in form; at least 32 random bytes."""

    log_in: LogIn
    sessions: Sessions
    audit: Audit
    access: Access
    secret_key: bytes
    vocabulary: Callable[[int], Vocabulary] = lambda _: Vocabulary()
    """What actions are called in a workspace."""
    installation: Installation | None = None
    """Where the operations of account, team and settings are."""
