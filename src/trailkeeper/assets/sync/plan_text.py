"""A plan, for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import UNSET

from trailkeeper.activity import Change
from trailkeeper.assets.sync.compare import HIDDEN
from trailkeeper.assets.sync.plan import Plan, Step, Verb

VALUE_MAX = 60
CHANGES_SHOWN = 20
NAMES_SHOWN = 20
NOTHING = "Nothing to do: the assets are as the files say."

_MARKS: dict[Verb, str] = {"create": "+", "delete": "-", "adopt": "="}


def lines(plan: Plan) -> Iterator[str]:
    """What people read: a line for each asset, what changes of it, and how much it is."""
    for step in plan.steps:
        yield from _step(step)
    for path in plan.hand_made:
        yield f"  ! {path}: differs from the one made by hand, which --adopt takes over"
    for problem in plan.unset:
        yield f"  ! {problem}"
    for note in plan.notes:
        yield f"  ! {note}"
    if plan.unmanaged:
        names = sorted(f"{one.of.noun} {one.name!r}" for one in plan.unmanaged)
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        yield f"Not managed ({len(names)}): {', '.join(names[:NAMES_SHOWN])}{more}"
    yield _summary(plan)


def as_json(plan: Plan) -> dict[str, Any]:
    """The same for programs."""
    return {
        "summary": plan.counts(),
        "steps": [
            {
                "path": step.path,
                "kind": step.kind,
                "id": step.asset.id if step.asset else None,
                "verbs": step.verbs,
                "changes": msgspec.to_builtins(step.changes),
            }
            for step in plan.steps
        ],
        "hand_made": plan.hand_made,
        "unset": msgspec.to_builtins(plan.unset),
        "notes": plan.notes,
        "unmanaged": [{"kind": one.kind, "id": one.id, "name": one.name} for one in plan.unmanaged],
    }


def _step(step: Step) -> Iterator[str]:
    verbs, difference = step.verbs, step.difference
    mark = _MARKS.get(verbs[0], "~") if len(verbs) == 1 else "~"
    yield f"  {mark} {step.path}"
    if difference.rests and step.asset:
        allowed = step.asset.of.operations["update"].from_states[0]
        yield f"      is {allowed} while it is changed"
    if step.adopts:
        yield "      is taken over: it was made by hand"
    if difference.name is not None and step.asset:
        yield f"      is renamed from {_value(step.asset.name)}"
    if difference.moved:
        yield "      is moved here"
    for change in step.changes[:CHANGES_SHOWN]:
        yield f"      {_change(change)}"
    if len(step.changes) > CHANGES_SHOWN:
        yield f"      … and {len(step.changes) - CHANGES_SHOWN} more changes"


def _change(change: Change) -> str:
    if change.new == HIDDEN:
        return f"{change.field}: {HIDDEN}"
    if change.old is UNSET:
        return f"+ {change.field}: {_value(change.new)}"
    if change.new is UNSET:
        return f"- {change.field}: {_value(change.old)}"
    return f"{change.field}: {_value(change.old)} → {_value(change.new)}"


def _value(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= VALUE_MAX else text[: VALUE_MAX - 1] + "…"


def _summary(plan: Plan) -> str:
    if not plan.steps:
        return "Nothing can be done as it is." if plan.hand_made or plan.unset else NOTHING
    verbs = [set(step.verbs) for step in plan.steps]
    created = sum("create" in one for one in verbs)
    deleted = sum("delete" in one for one in verbs)
    adopted = sum("adopt" in one for one in verbs)
    changed = sum(bool(one & {"update", "rename", "move"}) for one in verbs)
    taken = f", {adopted} to take over" if adopted else ""
    return f"Plan: {created} to create, {changed} to change{taken}, {deleted} to delete."
