"""One job as its page shows it: what is known of it, its error, and its steps.

A job may be very large: a page shows STEPS_SHOWN steps, and VALUE_MAX characters of each value.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from trailkeeper.activity import from_us
from trailkeeper.jobs.job import Job
from trailkeeper.jobs.lines import steps_in
from trailkeeper.jobs.message import message_of
from trailkeeper.web.clock import Clock
from trailkeeper.web.job_list import (
    Standing,
    duration_of,
    duration_text,
    standing_of,
    started_of,
)
from trailkeeper.web.job_urls import job_path, jobs_of_recipe
from trailkeeper.web.pane import Fact
from trailkeeper.web.text import as_json, visible

STEPS_SHOWN = 100
VALUE_MAX = 20_000
READ_MAX = 200_000
"""Bytes of a value up to which it is read and written anew, with a line for each part."""

_NULL = msgspec.Raw(b"null")


class _Step(Struct):
    recipe_line_number: int | None = None
    adapter_name: str | None = None
    adapter_operation: str | None = None
    input: msgspec.Raw = _NULL
    output: msgspec.Raw = _NULL
    error: msgspec.Raw = _NULL
    mask_data: bool = False
    line_stat: dict[str, Any] | None = None


class _Body(Struct):
    error: str | None = None
    parent_id: int | str | None = None
    calling_job_id: int | str | None = None
    action_count: int | None = None
    report: msgspec.Raw = _NULL


_decode_step = msgspec.json.Decoder(_Step).decode
_decode_body = msgspec.json.Decoder(_Body).decode


class StepView(Struct, frozen=True, kw_only=True):
    """A step; a value that is not there is empty."""

    number: int
    name: str
    adapter: str
    input: str
    output: str
    is_masked: bool
    error: str
    duration: str


class JobView(Struct, frozen=True, kw_only=True):
    """`error` is the message for people, `error_raw` all that was sent of it, if that is more.
    `steps` are those from the number `first` on; there are `count`, or too many bytes of them."""

    title: str
    standing: Standing
    is_test: bool
    error: str
    error_type: str
    error_raw: str
    facts: list[Fact]
    report: str
    steps: list[StepView]
    first: int
    count: int
    are_too_long: bool
    earlier: str
    later: str


def job_view(job: Job, clock: Clock, first: int) -> JobView:
    """`first` is the number of the first step that is wanted."""
    body = _decode_body(job.body)
    lines = job.lines
    steps = steps_in(lines) if lines is not None else []
    count = len(steps or ())
    first = max(0, min(first, count - 1))
    end = first + STEPS_SHOWN
    raw_error = body.error or ""
    message = message_of(raw_error) if len(raw_error) <= READ_MAX else raw_error
    path = job_path(job.id)
    return JobView(
        title=visible(job.title or f"Job {job.id}"),
        standing=standing_of(job),
        is_test=job.is_test,
        error=_cut(_lines_of(message)),
        error_type=visible(job.error_type or ""),
        error_raw=_json(raw_error.encode()) if message != raw_error else "",
        facts=_facts(job, body, clock),
        report=_value(body.report),
        steps=[_step(raw, number) for number, raw in enumerate((steps or [])[first:end], first)],
        first=first,
        count=count,
        are_too_long=steps is None,
        earlier=f"{path}?from={max(0, first - STEPS_SHOWN)}#steps" if first else "",
        later=f"{path}?from={end}#steps" if end < count else "",
    )


def _facts(job: Job, body: _Body, clock: Clock) -> list[Fact]:
    facts = [
        Fact(
            "Recipe",
            visible(job.recipe_name or job.recipe_id),
            jobs_of_recipe(job.recipe_id),
            "All its jobs",
        ),
        Fact("Started", started_of(job, clock).exact),
    ]
    if job.completed_at is not None:
        facts.append(Fact("Completed", clock.exact(from_us(job.completed_at))))
    if duration := duration_of(job):
        facts.append(Fact("Duration", duration))
    facts.append(Fact("Job id", visible(job.id)))
    if job.recipe_name:
        facts.append(Fact("Recipe id", visible(job.recipe_id)))
    for name, other in (("Repeats", body.parent_id), ("Called by", body.calling_job_id)):
        if other is not None:
            facts.append(Fact(name, f"Job {visible(str(other))}", job_path(str(other)), "Open"))
    if body.action_count is not None:
        facts.append(Fact("Actions", str(body.action_count)))
    return facts


def _step(raw: msgspec.Raw, number: int) -> StepView:
    step = _decode_step(raw)
    total = (step.line_stat or {}).get("total")
    is_masked = step.mask_data
    return StepView(
        number=number if step.recipe_line_number is None else step.recipe_line_number,
        name=visible(step.adapter_operation or step.adapter_name or "Step"),
        adapter=visible(step.adapter_name or "") if step.adapter_operation else "",
        input="" if is_masked else _value(step.input),
        output="" if is_masked else _value(step.output),
        is_masked=is_masked,
        error=_value(step.error),
        duration=duration_text(total) if isinstance(total, int | float) else "",
    )


def _value(raw: msgspec.Raw) -> str:
    """A value for people: text as it is, everything else as JSON; empty for none."""
    text = bytes(raw)
    if text in (b"null", b"{}", b"[]", b'""'):
        return ""
    if text.startswith(b'"') and len(text) <= READ_MAX:
        return _cut(_lines_of(msgspec.json.decode(text, type=str)))
    return _json(text)


def _json(text: bytes) -> str:
    if len(text) > READ_MAX:
        return _cut(visible(text[: VALUE_MAX * 4].decode(errors="ignore")), len(text))
    return _cut(as_json(msgspec.json.decode(text)))


def _lines_of(text: str) -> str:
    """Harmless, but with its line ends."""
    return "\n".join(visible(line) for line in text.split("\n"))


def _cut(text: str, whole: int = 0) -> str:
    if len(text) <= VALUE_MAX and not whole:
        return text
    size = max(whole, len(text))
    return f"{text[:VALUE_MAX]}\n… cut: {size:,} characters in all; the API gives the whole"
