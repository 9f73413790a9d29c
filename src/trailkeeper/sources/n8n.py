"""n8n: the events of its event log file and of its log streaming.

The file is `n8nEventLog.log` in n8n's folder, one JSON object a line; the names of the events are
those of n8n's documentation, "Log streaming". What becomes of each stands in n8n.toml.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct, field

from trailkeeper.activity import Id
from trailkeeper.sources.base import Mapped, OfJob, Refused, Result, Skipped, ToldJob
from trailkeeper.sources.lines import LINE_MAX_BYTES, LineError, trimmed, what_is_wrong
from trailkeeper.sources.n8n_event import CONFIRM, Event, read_event, text_in
from trailkeeper.sources.n8n_jobs import Executions
from trailkeeper.sources.n8n_mapping import activities_of
from trailkeeper.sources.n8n_state import State
from trailkeeper.sources.n8n_table import table

REPEATED = "told by an earlier event"
NAMELESS = "about an execution without an id"


class _Head(Struct):
    type: str | None = field(name="__type", default=None)
    id: Id | None = None


_decode_head = msgspec.json.Decoder(_Head).decode


class N8nSource:
    """A source of n8n's events."""

    keeps_state = True

    def __init__(self) -> None:
        self.state = State()
        self._executions = Executions(self.state.executions)

    def look_ahead(self, line: bytes) -> None:
        """Note whose an e-mail address is, how workflows are called, who was invited first."""
        try:
            event = read_event(trimmed(line))
        except LineError:
            return
        if event:
            self.state.look_ahead(event)

    def event_id(self, number: int, line: bytes) -> str | None:
        """The event's id; `number` is not needed for it."""
        del number
        text = trimmed(line)
        if len(text) > LINE_MAX_BYTES:
            return None
        try:
            head = _decode_head(text)
        except (ValueError, RecursionError):
            return None
        return None if head.type == CONFIRM else head.id

    def map(self, number: int, line: bytes) -> Result | None:
        """The activities of an event, or what it tells of an execution; None for a blank line and
        for n8n's confirmations."""
        try:
            event = read_event(trimmed(line))
        except LineError as error:
            return Refused(number, str(error))
        if event is None:
            return None
        if table().is_of_execution(event.name):
            return self._of_execution(number, event)
        return self._activities(number, event)

    def jobs(self, *, at_end: bool) -> list[ToldJob]:
        """The executions."""
        return self._executions.take(at_end=at_end)

    def export_state(self) -> bytes:
        """The users, workflows, credentials and invitations known by now, and the executions that
        have not ended, as JSON."""
        return msgspec.json.encode(self.state)

    def load_state(self, state: bytes) -> None:
        """Go on from an exported state. Raises `msgspec.DecodeError` if it is none of n8n's."""
        self.state = msgspec.json.decode(state, type=State)
        self._executions = Executions(self.state.executions)

    def _of_execution(self, number: int, event: Event) -> Result:
        name = self.state.workflow_name(text_in(event.payload, "workflowId") or "")
        told = self._executions.tell(number, event, name)
        return OfJob(number) if told else Skipped(number, NAMELESS)

    def _activities(self, number: int, event: Event) -> Result:
        if reason := table().skip_reason(event.name):
            return Skipped(number, reason)
        activities = activities_of(event, self.state)
        if not activities:
            return Skipped(number, REPEATED)
        for activity in activities:
            if wrong := what_is_wrong(activity):
                return Refused(number, wrong)
        self.state.learn(event, table().rule(event.name))
        return Mapped(number, activities)
