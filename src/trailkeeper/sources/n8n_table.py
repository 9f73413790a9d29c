"""The shape of n8n.toml, which says what becomes of n8n's events."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from msgspec import Struct

from trailkeeper.activity import Change

_ACTION_MAX = 128


class Subject(Struct, frozen=True, forbid_unknown_fields=True):
    """A thing that events are about; the strings but `type` and `unnamed` are payload fields."""

    type: str
    id: str | None = None
    name: str | None = None
    kind: str | None = None
    person: bool = False
    actor: bool = False
    unnamed: str | None = None


class Method(Struct, frozen=True, forbid_unknown_fields=True):
    """How somebody logged in."""

    activity: str
    provider: str | None = None


class Stop(Struct, frozen=True, forbid_unknown_fields=True):
    """What is added where the event ends the running of a workflow in silence."""

    action: str
    reason: str


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of one kind of event; n8n.toml explains the fields."""

    action: str | None = None
    subject: str | None = None
    actor: str | None = None
    details: dict[str, str] = {}
    change: Change | None = None
    settings: str | None = None
    renamed: str | None = None
    stopped: Stop | None = None
    by_field: dict[str, str] = {}
    one_per_id: bool = False
    active: bool | None = None
    gone: bool = False

    @property
    def actions(self) -> set[str]:
        """Every action that this rule names."""
        named = {self.action, self.renamed, *self.by_field.values()}
        if self.stopped:
            named.add(self.stopped.action)
        return {action for action in named if action}


class Table(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of n8n.toml."""

    prefix: str
    reasons: list[str]
    failures: list[str]
    execution_started: str
    node_started: str
    node_finished: str
    ends: dict[str, str]
    modes: dict[str, str]
    skipped: dict[str, str]
    methods: dict[str, Method]
    subjects: dict[str, Subject]
    events: dict[str, Rule]

    def is_of_execution(self, event: str) -> bool:
        """Whether events of this name tell of an execution, which becomes a job."""
        begun = (self.execution_started, self.node_started, self.node_finished)
        return event in begun or event in self.ends

    def skip_reason(self, event: str) -> str | None:
        """Why an event of this name is no activity; None if it is one."""
        for start, reason in self.skipped.items():
            if event.startswith(start):
                return reason
        return None if event.startswith(self.prefix) else "not an audit event"

    def rule(self, event: str) -> Rule:
        """The event's rule; an empty one where it has none."""
        return self.events.get(event.removeprefix(self.prefix), _NO_RULE)

    def is_failure(self, event: str) -> bool:
        """Whether the event's very name tells of a failure."""
        return event.endswith(tuple(self.failures))

    def own_action(self, event: str) -> str:
        """The action of an event that the table gives none.

        `n8n.audit.mcp.toolCalled` becomes `n8n.mcp.tool_called`.
        """
        parts = event.removeprefix(self.prefix).split(".")
        return ".".join(["n8n", *filter(None, map(_part, parts))])[:_ACTION_MAX].rstrip(".")

    def subject_of(self, event: str, payload: dict[str, Any]) -> Subject | None:
        """What the event is about; None if that can only be the n8n instance itself."""
        named = self.rule(event).subject
        if named:
            return self.subjects[named]
        for subject in self.subjects.values():
            if subject.id and subject.id in payload:
                return subject
        return self.subjects["user"] if event.startswith(f"{self.prefix}user.") else None


_NO_RULE = Rule()


def _part(text: str) -> str:
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text).lower()
    valid = re.sub(r"[^a-z0-9_-]", "_", words)
    return valid if not valid or valid[0].isalpha() else f"x_{valid}"


@cache
def table() -> Table:
    """The table that the package ships."""
    text = files("trailkeeper.sources").joinpath("n8n.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Table)
