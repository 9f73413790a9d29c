"""The small interpreter of n8n.toml: the activities of one event.

Nothing here changes the state: what an event changes in it is learnt after it was mapped.
"""

from __future__ import annotations

from typing import Any, cast

from msgspec import UNSET

from trailkeeper.activity import TARGETS_MAX, ActivityInput, Actor, Change, Context, Target
from trailkeeper.sources.n8n_event import (
    Event,
    email_id,
    nested,
    person_in,
    text_in,
    texts_in,
    without_personal,
)
from trailkeeper.sources.n8n_state import State
from trailkeeper.sources.n8n_table import Rule, Subject, table

SOURCE = "n8n"
_INSTANCE = Target(type="instance", id="n8n", name="n8n")
_SYSTEM = Actor(type="system", id="n8n", name="n8n")
_UNKNOWN = "unknown"
_SAID_ELSEWHERE = ("userId", "globalRole", "ipAddress", "userAgent", "publicApi")
"""Fields of a payload that become the actor, the context and `via`."""


def activities_of(event: Event, state: State) -> list[ActivityInput]:
    """The activities of one event; none if all that it tells was told by an event before.

    The first has the event's id, the others that id, a colon and a fixed text.
    """
    return _Mapping(event, state).activities()


class _Mapping:
    """The event at hand, and what is known when it comes."""

    def __init__(self, event: Event, state: State) -> None:
        self.event = event
        self.payload = event.payload
        self.state = state
        self.rule: Rule = table().rule(event.name)
        self.subject: Subject | None = table().subject_of(event.name, event.payload)
        self.actor = self._actor()
        self.context = Context(
            source=SOURCE,
            ip_address=_short(text_in(self.payload, "ipAddress")),
            user_agent=text_in(self.payload, "userAgent"),
        )
        self.made: list[ActivityInput] = []

    def activities(self) -> list[ActivityInput]:
        rule = self.rule
        if rule.by_field:
            self._by_field()
        elif rule.one_per_id:
            self._one_per_id()
        elif rule.renamed:
            self._updated(rule.renamed)
        else:
            self._add(rule.action, changes=[rule.change] if rule.change else None)
        if rule.stopped and self._was_active():
            why = {"stop_reason": rule.stopped.reason, "inferred": True}
            self._add(rule.stopped.action, "stopped", why)
        return self.made

    def _add(
        self,
        action: str | None,
        suffix: str = "",
        details: dict[str, Any] | None = None,
        *,
        changes: list[Change] | None = None,
        targets: list[Target] | None = None,
    ) -> None:
        """One more activity; the first one's suffix is left out of its id."""
        failed = table().is_failure(self.event.name) or self.payload.get("success") is False
        found, inferred = self._targets()
        told = {**self._details(action), **(details or {})}
        if inferred and targets is None:
            told["inferred"] = ["target"]
        activity = ActivityInput(
            id=f"{self.event.id}:{suffix}" if self.made else self.event.id,
            action=action or table().own_action(self.event.name),
            occurred_at=self.event.ts,
            actor=self.actor,
            targets=targets or found,
            outcome="failure" if failed else None,
            reason=self._reason() if failed else None,
            context=self.context,
            changes=changes or None,
            details=told or None,
        )
        self.made.append(activity)

    def _by_field(self) -> None:
        """One activity for each kind of what was changed, and one for all the rest."""
        kinds: dict[str | None, str] = {}
        for name in texts_in(self.payload, "fieldsChanged"):
            kinds.setdefault(self.rule.by_field.get(name), name)
        for action, name in (kinds or {None: ""}).items():
            details, changes = self._account_change(name)
            suffix = action.partition(".")[2] if action else "updated"
            self._add(action, suffix, details, changes=changes)

    def _account_change(self, name: str) -> tuple[dict[str, Any], list[Change] | None]:
        """The details and the change of a user's name or e-mail address, as far as known."""
        known, now = self.state.people.get(self.actor.id), person_in(self.payload)
        if name == "email":
            detail, field = "email", "email"
            old, new = (one and one.email for one in (known, now))
        elif name in ("firstName", "lastName"):
            detail, field = "user_name", "name"
            old, new = (one and one.full_name for one in (known, now))
        else:
            return {}, None
        if not new:
            return {}, None
        if not old or old == new:
            return {detail: new}, [Change(field=field, new=new)]
        details = {detail: new, f"previous_{detail}": old}
        return details, [Change(field=field, old=old, new=new)]

    def _one_per_id(self) -> None:
        """One activity for each id that no event before told of with the same actor."""
        ids = texts_in(self.payload, self.subject.id) if self.subject else []
        inviter = text_in(self.payload, "userId") or ""
        for one in ids:
            if self.subject and self.state.is_first_invitation(self.event, inviter, one):
                self._add(self.rule.action, one, targets=[self._target(self.subject, one)])
        if not ids:
            self._add(self.rule.action)

    def _updated(self, renamed: str) -> None:
        """The new name and the changed settings, each as an activity; else just the update."""
        new = text_in(self.payload, "workflowName")
        workflow = self.state.workflows.get(text_in(self.payload, "workflowId") or "")
        old = workflow.name if workflow else None
        settings = [
            Change(field=name, old=_side(value, "from"), new=_side(value, "to"))
            for name, value in nested(self.payload, self.rule.settings).items()
        ]
        if old and new and old != new:
            change = Change(field="name", old=old, new=new)
            self._add(renamed, "", {"previous_name": old}, changes=[change])
        if settings or not self.made:
            self._add(self.rule.action, "updated", changes=settings)

    def _was_active(self) -> bool:
        workflow = self.state.workflows.get(text_in(self.payload, "workflowId") or "")
        return workflow is not None and workflow.active

    def _actor(self) -> Actor:
        person = person_in(nested(self.payload, self.rule.actor) or self.payload)
        if person:
            known = self.state.people.get(person.id)
            return Actor(
                type="user",
                id=person.id,
                name=person.full_name or (known and known.name) or person.email,
                email=person.email or (known and known.email),
            )
        email = text_in(self.payload, "userEmail")
        if email is None:
            return _SYSTEM
        address = email if len(email) <= 320 else None
        if known := self.state.person_of(email):
            return Actor(type="user", id=known.id, name=known.name, email=address)
        return Actor(type="user", id=email_id(email), name=email, email=address)

    def _targets(self) -> tuple[list[Target], bool]:
        """What the event is about, and whether that was only inferred."""
        subject, actor = self.subject, self.actor
        if subject is None or (subject.actor and actor.type != "user"):
            return [_INSTANCE], False
        if subject.actor:
            itself = Target(type=subject.type, id=actor.id, name=actor.name, email=actor.email)
            return [itself], False
        ids = texts_in(self.payload, subject.id)
        if ids:
            return [self._target(subject, one) for one in ids[:TARGETS_MAX]], False
        kind = text_in(self.payload, subject.kind)
        inferred = self.state.only_credential(kind) if kind and self.rule.gone else None
        return [self._target(subject, inferred or _UNKNOWN)], inferred is not None

    def _target(self, subject: Subject, target_id: str) -> Target:
        if subject.person and (person := self.state.people.get(target_id)):
            return Target(type=subject.type, id=target_id, name=person.name, email=person.email)
        name = text_in(self.payload, subject.name)
        if name is None and subject.id == "workflowId":
            name = self.state.workflow_name(target_id)
        if name is None and (kind := text_in(self.payload, subject.kind)):
            name = f"{kind} credential"
        if name is None and target_id == _UNKNOWN:
            name = subject.unnamed
        return Target(type=subject.type, id=target_id, name=name)

    def _details(self, action: str | None) -> dict[str, Any]:
        payload = self.payload
        told: dict[str, Any]
        if action is None:
            told = {
                key: value
                for key, value in without_personal(payload).items()
                if key not in _SAID_ELSEWHERE
            }
            told["n8n_event"] = self.event.name
        else:
            fields = {name: payload.get(key) for name, key in self.rule.details.items()}
            told = {
                name: without_personal(value) for name, value in fields.items() if value is not None
            }
            told |= _method(text_in(payload, "authenticationMethod"))
        if payload.get("publicApi") is True:
            told["via"] = "public_api"
        return told

    def _reason(self) -> str | None:
        found = (text_in(self.payload, key) for key in table().reasons)
        return next((reason for reason in found if reason), None)


def _method(method: str | None) -> dict[str, Any]:
    if method is None:
        return {}
    known = table().methods.get(method)
    if known is None:
        return {"method": method}
    return {"activity": known.activity} | ({"provider": known.provider} if known.provider else {})


def _side(change: object, side: str) -> Any:
    if isinstance(change, dict):
        return without_personal(cast("dict[str, object]", change).get(side, UNSET))
    return change if side == "to" else UNSET


def _short(text: str | None) -> str | None:
    return text[:255] if text else None
