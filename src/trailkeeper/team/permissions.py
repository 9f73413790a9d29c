"""Who may do what, as small predicates that read as rules."""

from __future__ import annotations

from collections.abc import Callable

from trailkeeper.identity.privileges import Privilege
from trailkeeper.identity.signed_in import SignedIn

Rule = Callable[[SignedIn], bool]


def holds(privilege: Privilege) -> Rule:
    """Who has this privilege by their role; the owner has all."""
    return lambda who: privilege in who.privileges


def both(*rules: Rule) -> Rule:
    return lambda who: all(rule(who) for rule in rules)


def is_owner(who: SignedIn) -> bool:
    return who.is_owner


def acts_as_self(who: SignedIn) -> bool:
    """Neither a delegated admin nor someone a workspace's identity provider vouched for: an
    account's own settings are its user's alone, who has its password."""
    return who.acting_for is None and not who.through_sso


may_view_audit = holds("activity_audit.view")
