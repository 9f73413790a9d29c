"""What is known of an n8n instance after the events so far."""

from __future__ import annotations

from msgspec import Struct, field

from trailkeeper.sources.n8n_event import (
    Event,
    Person,
    email_key,
    nested,
    person_in,
    text_in,
    texts_in,
)
from trailkeeper.sources.n8n_jobs import Execution
from trailkeeper.sources.n8n_table import Rule, table


class Workflow(Struct, omit_defaults=True):
    """A workflow that was not deleted yet."""

    name: str | None = None
    active: bool = False


class State(Struct, forbid_unknown_fields=True):
    """What is known. It grows with the number of users, workflows and credentials, not of events.

    `people` are the users by id, `emails` their ids by address, old addresses too. `invited` says
    for each "inviter invitee" which event told of it first, `names` what any workflow was called,
    `executions` what is known of those that have not ended.
    """

    people: dict[str, Person] = field(default_factory=dict[str, Person])
    emails: dict[str, str] = field(default_factory=dict[str, str])
    workflows: dict[str, Workflow] = field(default_factory=dict[str, Workflow])
    credentials: dict[str, str] = field(default_factory=dict[str, str])
    invited: dict[str, str] = field(default_factory=dict[str, str])
    names: dict[str, str] = field(default_factory=dict[str, str])
    executions: dict[str, Execution] = field(default_factory=dict[str, Execution])

    def look_ahead(self, event: Event) -> None:
        """Take from an event what is true whenever it happened. Twice does no more than once."""
        for person in _people(event):
            self.people.setdefault(person.id, person)
            if person.email:
                self.emails.setdefault(email_key(person.email), person.id)
        workflow = text_in(event.payload, "workflowId")
        name = text_in(event.payload, "workflowName")
        if workflow and name:
            self.names[workflow] = name
        self._note_invitations(event)

    def learn(self, event: Event, rule: Rule) -> None:
        """Take over what is so after the event. Once for each event, in their order."""
        for person in _people(event):
            merged = self._merged(person)
            self.people[person.id] = merged
            if merged.email:
                self.emails[email_key(merged.email)] = person.id
        self._note_invitations(event)
        if rule.subject == "workflow":
            self._learn_workflow(event, rule)
        elif rule.subject == "credential":
            self._learn_credential(event, rule)

    def person_of(self, email: str) -> Person | None:
        """The user who has this e-mail address, or had it last."""
        return self.people.get(self.emails.get(email_key(email), ""))

    def workflow_name(self, workflow_id: str) -> str | None:
        """The workflow's name after the last event, or else one that it had at some time."""
        known = self.workflows.get(workflow_id)
        return (known and known.name) or self.names.get(workflow_id)

    def only_credential(self, kind: str) -> str | None:
        """The id of the credential of this type, if exactly one is known."""
        ids = [one for one, its_kind in self.credentials.items() if its_kind == kind]
        return ids[0] if len(ids) == 1 else None

    def is_first_invitation(self, event: Event, inviter: str, invitee: str) -> bool:
        """Whether no event before told of this invitation."""
        return self.invited.get(_pair(inviter, invitee), event.id) == event.id

    def _merged(self, person: Person) -> Person:
        known = self.people.get(person.id) or person
        return Person(
            id=person.id,
            first_name=person.first_name or (None if person.last_name else known.first_name),
            last_name=person.last_name or (None if person.first_name else known.last_name),
            email=person.email or known.email,
        )

    def _note_invitations(self, event: Event) -> None:
        if not table().rule(event.name).one_per_id:
            return
        inviter = text_in(event.payload, "userId") or ""
        for invitee in texts_in(event.payload, "targetUserId"):
            self.invited.setdefault(_pair(inviter, invitee), event.id)

    def _learn_workflow(self, event: Event, rule: Rule) -> None:
        workflow_id = text_in(event.payload, "workflowId")
        if workflow_id is None:
            return
        if rule.gone:
            self.workflows.pop(workflow_id, None)
            return
        known = self.workflows.setdefault(workflow_id, Workflow())
        known.name = text_in(event.payload, "workflowName") or known.name
        if rule.active is not None:
            known.active = rule.active

    def _learn_credential(self, event: Event, rule: Rule) -> None:
        kind = text_in(event.payload, "credentialType")
        credential_id = text_in(event.payload, "credentialId")
        if rule.gone:
            credential_id = credential_id or (self.only_credential(kind) if kind else None)
            self.credentials.pop(credential_id or "", None)
        elif credential_id and kind:
            self.credentials[credential_id] = kind


def _people(event: Event) -> list[Person]:
    places = (
        event.payload,
        *(nested(event.payload, key) for key in ("inviter", "invitee")),
    )
    return [person for place in places if (person := person_in(place))]


def _pair(inviter: str, invitee: str) -> str:
    return f"{inviter} {invitee}"
