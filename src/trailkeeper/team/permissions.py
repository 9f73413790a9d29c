"""Who may do what, as small predicates that read as rules."""

from __future__ import annotations

from trailkeeper.identity.sessions import SignedIn

OWNER = "owner"
ADMIN = "Admin"


def may_view_audit(who: SignedIn) -> bool:
    """The audit log is visible to the workspace's owner and to members with the Admin role."""
    return who.role in (OWNER, ADMIN)
