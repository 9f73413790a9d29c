"""An activity as a sentence, in parts: which of them is a name, and whose.

Names and values are put in after the template has been taken apart, so that nothing in them is
ever read as a placeholder.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from trailkeeper.activity import Activity, Actor, Target
from trailkeeper.catalogue.load import catalogue
from trailkeeper.catalogue.spec import humanise
from trailkeeper.catalogue.template import Hole, Optional, Template, is_reserved, parse
from trailkeeper.catalogue.values import case_fits, cut, shown, value_of

if TYPE_CHECKING:
    from trailkeeper.catalogue.details import CustomAction

Role = Literal["text", "actor", "on_behalf_of", "target", "detail"]


class Segment(Struct, frozen=True, omit_defaults=True):
    """A part of a sentence, as plain text that the page still has to escape.

    `ref` is the index in `targets` of the target that a part of role target names.
    """

    text: str
    role: Role = "text"
    ref: int | None = None


_FAILED = "Failed: "
_PLAIN_USER = "User "
_ACTOR_KINDS = {
    "user": "User",
    "api_client": "API client",
    "system": "System",
    "delegated_admin": "Delegated admin",
}


def segments(activity: Activity, custom: CustomAction | None = None) -> list[Segment]:
    """The sentence of an activity.

    `custom` is the declaration of an action that the catalogue does not have; without one such an
    action gets a plain sentence of its name. No part is ever empty and no placeholder is left
    over: a value that is missing has a fallback, goes away with its brackets, or is said to be
    unknown. Values are cut at 120 characters.
    """
    spec = catalogue().get(activity.action)
    failed = activity.outcome == "failure" and not (spec and spec.tells_failure)
    writer = _Writer(activity, _FAILED if failed else "")
    if spec:
        cases = (c.sentence for c in spec.cases if c.sentence and case_fits(c.when, activity))
        writer.write(parse(next(cases, spec.sentence)))
    elif custom and custom.sentence:
        writer.write(parse(custom.sentence))
    else:
        label = custom.label if custom else humanise(activity.action)
        writer.write((cut(label), ": ", Hole(("target",)), ", by ", Hole(("actor",)), "."))
    return writer.done


def sentence(activity: Activity, custom: CustomAction | None = None) -> str:
    """The sentence of an activity as one text; see `segments`."""
    return "".join(segment.text for segment in segments(activity, custom))


class _Writer:
    def __init__(self, activity: Activity, start: str) -> None:
        self.activity = activity
        self.done: list[Segment] = [Segment(start)] if start else []
        self.delegation_said = False

    def write(self, template: Template) -> None:
        self.delegation_said = any(
            isinstance(part, Hole) and "on_behalf_of" in part.names for part in template
        )
        for at, part in enumerate(template):
            if isinstance(part, Optional):
                self._optional(part)
            elif isinstance(part, Hole):
                self._add(self._fill(part) or [Segment(f"unknown {_words(part.names[0])}")])
            elif part.endswith(_PLAIN_USER) and _is_actor(template[at + 1 : at + 2]):
                kind = _ACTOR_KINDS[self.activity.actor.type]
                self._add([Segment(part.removesuffix(_PLAIN_USER) + kind + " ")])
            else:
                self._add([Segment(part)])

    def _optional(self, optional: Optional) -> None:
        parts = [self._fill(p) if isinstance(p, Hole) else [Segment(p)] for p in optional.parts]
        if all(parts):
            self._add(segment for part in parts for segment in part)

    def _add(self, new: Iterable[Segment]) -> None:
        """Neighbouring plain texts become one, so that `_before` sees all that precedes a name."""
        for segment in new:
            last = self.done[-1] if self.done else None
            if last and last.role == segment.role == "text":
                self.done[-1] = Segment(last.text + segment.text)
            else:
                self.done.append(segment)

    def _fill(self, hole: Hole) -> list[Segment]:
        for name in hole.names:
            if filled := self._value(name, stands_for_target="target" in hole.names):
                return filled
        return []

    def _value(self, name: str, *, stands_for_target: bool) -> list[Segment]:
        if name == "actor":
            return self._actor()
        if name == "on_behalf_of":
            return self._delegator()
        if is_reserved(name):
            return self._target(int(name.removeprefix("target") or 1) - 1)
        text = cut(shown(value_of(self.activity, name)))
        if not text.strip():
            return []
        return [Segment(text, "target", 0) if stands_for_target else Segment(text, "detail")]

    def _actor(self) -> list[Segment]:
        actor = [Segment(self._name(self.activity.actor), "actor")]
        if self.delegation_said or self.activity.on_behalf_of is None:
            return actor
        self.delegation_said = True
        return [*actor, Segment(" on behalf of "), *self._delegator()]

    def _delegator(self) -> list[Segment]:
        who = self.activity.on_behalf_of
        return [Segment(self._name(who), "on_behalf_of")] if who else []

    def _target(self, index: int) -> list[Segment]:
        targets = self.activity.targets
        if index >= len(targets):
            return []
        return [Segment(self._name(targets[index]), "target", index)]

    def _name(self, who: Actor | Target) -> str:
        for name in (who.name, who.email):
            if name and name.strip():
                return cut(name)
        kind = _words(who.type)
        before = self.done[-1].text.replace("/", "").casefold() if self.done else ""
        return cut(who.id if before.endswith(f"{kind} ") else f"{kind} {who.id}")


def _is_actor(following: Template) -> bool:
    return following == (Hole(("actor",)),)


def _words(name: str) -> str:
    return humanise(name).lower()
