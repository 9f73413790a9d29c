"""n8n's executions as jobs: what its workflow and node events tell, put together.

n8n tells of an execution in many events and says nothing of one that ended in a crash. So an
execution of whose end nothing was heard is a job with the status `unknown`, until its end is told
in a later file. n8n's events hold no data of nodes: a step says what ran and how long.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct, field

from trailkeeper.activity import ID_MAX_BYTES, rfc3339, to_us
from trailkeeper.sources.base import ToldJob
from trailkeeper.sources.n8n_event import Event, text_in
from trailkeeper.sources.n8n_table import table

STEPS_MAX = 1_000
"""Steps of an execution that are kept, the first ones."""

OPEN_MAX = 1_000
"""Executions without an end that are remembered; past that the oldest is forgotten, and stays
`unknown`."""

CANCELED = "canceled"
_UNKNOWN = "unknown"
_CRASHED = "The execution ended in a crash"


class Step(Struct, omit_defaults=True):
    """One run of a node; times are microseconds."""

    node: str
    type: str | None = None
    started: int | None = None
    finished: int | None = None


class Execution(Struct, omit_defaults=True):
    """An execution as far as it was told of. `seen` are the ids of the events that told of it, so
    that one that is read again tells nothing new."""

    workflow: str
    name: str | None = None
    mode: str | None = None
    is_manual: bool = False
    started: int | None = None
    ended: int | None = None
    status: str | None = None
    error: str | None = None
    error_type: str | None = None
    last_node: str | None = None
    steps: list[Step] = field(default_factory=list[Step])
    seen: list[str] = field(default_factory=list[str])

    def tell(self, event: Event) -> None:
        """Take over what an event says."""
        if event.id in self.seen:
            return
        payload, at = event.payload, to_us(event.ts)
        self.name = text_in(payload, "workflowName") or self.name
        self.mode = text_in(payload, "mode") or self.mode
        self.is_manual = self.is_manual or payload.get("isManual") is True
        if end := table().ends.get(event.name):
            self._end(end, event, at)
        elif event.name == table().node_started:
            self._node(payload, started=at)
        elif event.name == table().node_finished:
            self._node(payload, finished=at)
        elif self.started is None:
            self.started = at
        if len(self.seen) < 2 * STEPS_MAX:
            self.seen.append(event.id)

    def _end(self, status: str, event: Event, at: int) -> None:
        """n8n says of an execution that was canceled that it failed, too."""
        if self.ended is None:
            self.ended = at
        if self.status != CANCELED:
            self.status = status
        self.error = text_in(event.payload, "errorMessage") or self.error
        self.error_type = text_in(event.payload, "errorNodeType") or self.error_type
        self.last_node = text_in(event.payload, "lastNodeExecuted") or self.last_node

    def _node(
        self, payload: dict[str, Any], *, started: int | None = None, finished: int | None = None
    ) -> None:
        node = text_in(payload, "nodeName") or text_in(payload, "nodeId") or _UNKNOWN
        if finished is not None:
            for step in reversed(self.steps):
                if step.node == node and step.finished is None:
                    step.finished = finished
                    return
        if len(self.steps) < STEPS_MAX:
            self.steps.append(Step(node, text_in(payload, "nodeType"), started, finished))


class Executions:
    """The executions of one file; `open` are those of the source's state, which goes from file to
    file."""

    def __init__(self, open_: dict[str, Execution]) -> None:
        self._open = open_
        self._lines: dict[str, int] = {}
        self._ended: set[str] = set()

    def tell(self, number: int, event: Event, workflow_name: str | None) -> bool:
        """Take over an event of line `number`; whether it says which execution it is about."""
        id = text_in(event.payload, "executionId")
        if id is None or len(id.encode()) > ID_MAX_BYTES:
            return False
        execution = self._open.get(id)
        if execution is None:
            workflow = text_in(event.payload, "workflowId") or ""
            fits = 0 < len(workflow.encode()) <= ID_MAX_BYTES
            execution = self._open[id] = Execution(workflow if fits else _UNKNOWN, workflow_name)
        execution.tell(event)
        self._lines[id] = number
        return True

    def take(self, *, at_end: bool) -> list[ToldJob]:
        """See Source.jobs. One that has ended waits for one more call: n8n's last events come out
        of order."""
        ended = {id for id in self._lines if self._open[id].ended is not None}
        ready = [id for id in self._lines if at_end or id in self._ended]
        told = [ToldJob(self._lines[id], _body(id, self._open[id])) for id in ready]
        for id in ready:
            del self._lines[id]
            if id in ended:
                del self._open[id]
        self._ended = ended - set(ready)
        for id in [one for one in self._open if one not in self._lines][:-OPEN_MAX]:
            del self._open[id]
        return told


def _body(id: str, execution: Execution) -> bytes:
    """The execution as a job in Workato's form."""
    failed = execution.status not in (None, "succeeded", CANCELED)
    error = (
        (execution.error or (_CRASHED if execution.status == "crashed" else None))
        if failed
        else None
    )
    started = execution.started
    if started is None:
        known = [step.started for step in execution.steps if step.started is not None]
        started = min(known, default=execution.ended)
    mode = execution.mode
    body: dict[str, Any] = {
        "id": id,
        "flow_id": execution.workflow,
        "status": execution.status or _UNKNOWN,
        "error_type": execution.error_type if failed else None,
        "error": error,
        "title": table().modes.get(mode, mode) if mode else None,
        "action_count": None,
        "started_at": None if started is None else rfc3339(started),
        "completed_at": None if execution.ended is None else rfc3339(execution.ended),
        "lines": _lines(execution, error),
        "is_test": execution.is_manual or mode == "manual",
    }
    if execution.name:
        body["recipe_name"] = execution.name
    return msgspec.json.encode(body)


def _lines(execution: Execution, error: str | None) -> list[dict[str, Any]]:
    failed = max(
        (at for at, step in enumerate(execution.steps) if step.node == execution.last_node),
        default=None,
    )
    return [
        {
            "recipe_line_number": number,
            "adapter_name": step.type,
            "adapter_operation": step.node,
            "input": None,
            "output": None,
            "error": error if number == failed else None,
            "mask_data": False,
            "line_stat": _stat(step),
        }
        for number, step in enumerate(execution.steps)
    ]


def _stat(step: Step) -> dict[str, Any] | None:
    if step.started is None or step.finished is None:
        return None
    return {"total": (step.finished - step.started) / 1e6, "details": []}
