"""Activities under the names that Workato's API and its audit log streaming give them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from trailkeeper.activity import Activity
from trailkeeper.catalogue.load import catalogue
from trailkeeper.catalogue.values import case_fits, fits


class _Meaning(NamedTuple):
    action: str
    when: Mapping[str, str | bool]
    implied: Mapping[str, str | bool]


def event_type(activity: Activity) -> str:
    """`recipe_stopped` for `recipe.stopped`.

    Where the details decide, as for `audit_stream.toggled`, and lack what decides, it is the first
    of the action's event types. An action that Workato does not have keeps its own name, with
    underscores: `invoice_paid_late`.
    """
    spec = catalogue().get(activity.action)
    if spec is None or spec.workato is None:
        return activity.action.replace(".", "_").replace("-", "_")
    cases = (c.event_type for c in spec.cases if c.event_type and case_fits(c.when, activity))
    return next(cases, spec.workato.event_type)


def resource_type(activity: Activity) -> str:
    """`Flow` for a recipe.

    For an action that Workato does not have, the primary target's type as Workato would write it:
    that of its own kinds of asset where the catalogue tells it, else `PurchaseOrder` for
    `purchase_order`.
    """
    spec = catalogue().get(activity.action)
    if spec and spec.workato:
        return spec.workato.resource_type
    kind = activity.targets[0].type
    return _resource_types().get(kind) or "".join(
        word[:1].upper() + word[1:] for word in kind.replace(".", "_").replace("-", "_").split("_")
    )


def action_for(event_type: str, details: Mapping[str, Any] | None = None) -> str | None:
    """The action that an event type means, None for one that is not in the catalogue.

    The details tell apart what shares an event type: `user_login` is `user.team_switched` with
    `activity: switch_team`, and `user.logged_in` otherwise.
    """
    meanings = _meanings().get(event_type, [])
    if len(meanings) == 1:
        return meanings[0].action
    return next((m.action for m in meanings if fits(m.when, details or {})), None)


def implied_details(event_type: str) -> dict[str, str | bool]:
    """The details that an event type alone tells: `enabled: false` for
    `audit_log_streaming_disabled`; for most, nothing."""
    meanings = _meanings().get(event_type, [])
    return dict(meanings[0].implied) if len(meanings) == 1 else {}


@lru_cache(maxsize=1)
def _meanings() -> dict[str, list[_Meaning]]:
    """What each event type can mean, the meaning that asks for most details first."""
    found: dict[str, list[_Meaning]] = {}
    for spec in catalogue().actions:
        if spec.workato:
            implied = {case.event_type: case.when for case in spec.cases if case.event_type}
            for name in {spec.workato.event_type, *implied}:
                meaning = _Meaning(spec.action, spec.workato.when, implied.get(name, {}))
                found.setdefault(name, []).append(meaning)
    for meanings in found.values():
        meanings.sort(key=lambda meaning: len(meaning.when), reverse=True)
    return found


@lru_cache(maxsize=1)
def _resource_types() -> dict[str, str]:
    """Workato's resource type of each kind of target, told by the actions named after the kind."""
    found: dict[str, set[str]] = {}
    for spec in catalogue().actions:
        if spec.workato and spec.action.startswith(f"{spec.target_type}."):
            found.setdefault(spec.target_type, set()).add(spec.workato.resource_type)
    return {kind: names.pop() for kind, names in found.items() if len(names) == 1}
