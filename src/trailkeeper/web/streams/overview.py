"""A stream's first page: how it stands, and what is done to it as a whole."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from litestar import Response
from litestar.params import FromPath
from msgspec import Struct

from trailkeeper.activity import to_us
from trailkeeper.errors import FieldError, InvalidInput, Problem
from trailkeeper.followers.deliveries import this_minute
from trailkeeper.followers.follower import Log
from trailkeeper.streaming.destination import Answer
from trailkeeper.streaming.overview import Overview, Part
from trailkeeper.streaming.stream import Stream
from trailkeeper.streaming.template import problem_of
from trailkeeper.web.clock import Clock, clock_of
from trailkeeper.web.forms import Plain, Sent, attempt
from trailkeeper.web.routes import form, page
from trailkeeper.web.sections import check_form, done
from trailkeeper.web.security import WebRequest
from trailkeeper.web.session import by_of, installation_of
from trailkeeper.web.streams.chart import Chart, chart
from trailkeeper.web.streams.show import MANAGE, STREAMS, draw, path_of, stream_at
from trailkeeper.web.streams.text import counted, lag_text, rate

ONE = f"{STREAMS}/{{id:str}}"


class SwitchForm(Struct):
    enabled: str = ""
    csrf: str = ""


class ReplayForm(Struct):
    """From a `seq` or a `time`, not both; jobs from a seq. `confirmed` is the seq whose question
    was answered."""

    log: str = ""
    seq: str = ""
    time: str = ""
    confirmed: str = ""
    csrf: str = ""


class PartView(Struct, frozen=True):
    """One of the logs of a stream, in large."""

    label: str
    lag: str
    rate: str
    hourly: str
    part: Part
    hour: Chart
    day: Chart


class Question(Struct, frozen=True):
    """What a replay from `seq` would do."""

    log: Log
    seq: int
    text: str
    recorded_at: int | None


@page(ONE, MANAGE)
def overview_page(request: WebRequest, id: FromPath[str]) -> Response[str]:
    return _overview(request, stream_at(request, id))


@form(f"{ONE}/toggle", MANAGE)
def toggle_stream(request: WebRequest, id: FromPath[str], data: Sent[SwitchForm]) -> Response[str]:
    check_form(request, data.csrf)
    enabled = bool(data.enabled)
    return _do(
        request,
        id,
        "stream-on" if enabled else "stream-off",
        lambda: installation_of(request).streams.toggle(by_of(request), id, enabled),
    )


@form(f"{ONE}/pause", MANAGE)
def pause_stream(request: WebRequest, id: FromPath[str], data: Sent[Plain]) -> Response[str]:
    check_form(request, data.csrf)
    streams = installation_of(request).streams
    return _do(request, id, "stream-paused", lambda: streams.pause(by_of(request), id))


@form(f"{ONE}/resume", MANAGE)
def resume_stream(request: WebRequest, id: FromPath[str], data: Sent[Plain]) -> Response[str]:
    check_form(request, data.csrf)
    streams = installation_of(request).streams
    return _do(request, id, "stream-resumed", lambda: streams.resume(by_of(request), id))


@form(f"{ONE}/test", MANAGE)
def test_stream(request: WebRequest, id: FromPath[str], data: Sent[Plain]) -> Response[str]:
    """The destination's own answer is shown, at most 500 characters of it."""
    check_form(request, data.csrf)
    one, answers = stream_at(request, id), list[Answer]()
    streams = installation_of(request).streams
    problem = attempt(lambda: answers.append(streams.test(by_of(request), id)))
    return _overview(request, one, problem, answer=answers[0] if answers else None)


@form(f"{ONE}/replay", MANAGE)
def replay_stream(request: WebRequest, id: FromPath[str], data: Sent[ReplayForm]) -> Response[str]:
    """First it is shown what would be sent again."""
    check_form(request, data.csrf)
    one, installation = stream_at(request, id), installation_of(request)
    try:
        part = installation.stream_overviews.of(one).part(
            "jobs" if data.log == "jobs" else "activities"
        )
        seq = _seq(request, part, data)
        if data.confirmed != str(seq):
            return _overview(request, one, replay=data, question=_question(request, part, seq))
        if part.log == "jobs":
            installation.streams.replay_jobs(by_of(request), id, seq)
        else:
            installation.streams.replay(by_of(request), id, seq)
    except Problem as problem:
        return _overview(request, one, problem, replay=data)
    installation.followers.look()
    return done(path_of(id), "stream-replayed")


def _do(request: WebRequest, id: str, slug: str, deed: Any) -> Response[str]:
    one = stream_at(request, id)
    if problem := attempt(deed):
        return _overview(request, one, problem)
    installation_of(request).followers.look()
    return done(path_of(id), slug)


def _overview(
    request: WebRequest,
    one: Stream,
    problem: Problem | None = None,
    *,
    answer: Answer | None = None,
    replay: ReplayForm | None = None,
    question: Question | None = None,
) -> Response[str]:
    overview = installation_of(request).stream_overviews.of(one)
    return draw(
        request,
        one,
        "",
        "stream_overview.html",
        problem=problem,
        overview=overview,
        parts=[_part(part) for part in overview.parts],
        trouble=overview.latest_trouble,
        template_problem=problem_of(one.template),
        pause_reason=_pause_reason(overview),
        answer=answer,
        replay=replay or ReplayForm(),
        question=question,
        zone=clock_of(request).zone_name,
    )


def _part(part: Part) -> PartView:
    now, noun = this_minute(), part.nouns[1]
    return PartView(
        label=part.label,
        lag=lag_text(part),
        rate=rate(part.throughput.last_5_minutes),
        hourly=rate(part.throughput.last_hour),
        part=part,
        hour=chart(part.minutes, now, span=60, step=1, width=720, height=96, noun=noun),
        day=chart(part.minutes, now, span=1_440, step=15, width=720, height=96, noun=noun),
    )


def _pause_reason(overview: Overview) -> str | None:
    if overview.state != "paused":
        return None
    return next((one.place.pause_reason for one in overview.parts if one.place.pause_reason), None)


def _seq(request: WebRequest, part: Part, data: ReplayForm) -> int:
    """Raises InvalidInput."""
    seq, time = data.seq.strip(), data.time.strip()
    if bool(seq) == bool(time):
        raise _wrong("seq", "is needed, or a time; not both")
    if seq and not (seq.isdecimal() and seq.isascii() and len(seq) <= 15):
        raise _wrong("seq", "must be a whole number")
    if seq:
        next_seq = part.place.cursor + part.lag.count
        if int(seq) > next_seq:
            raise _wrong("seq", f"must be from 0 to {next_seq}")
        return int(seq)
    if part.log == "jobs":
        raise _wrong("time", "is for activities; jobs are sent again from a seq")
    at = _instant(time, clock_of(request))
    return installation_of(request).reader.seq_at(part.place.workspace, at)


def _instant(text: str, clock: Clock) -> int:
    """A time as the browser's field has it, in the reader's zone, or with an offset."""
    try:
        instant = datetime.fromisoformat(text)
        return to_us(
            (instant if instant.tzinfo else instant.replace(tzinfo=clock.zone)).astimezone(UTC)
        )
    except (ValueError, OverflowError):
        raise _wrong("time", "must be a time such as 2026-11-22T14:05") from None


def _question(request: WebRequest, part: Part, seq: int) -> Question:
    cursor = part.place.cursor
    if seq < cursor:
        text = f"{counted(cursor - seq, part.nouns)} would be sent again, in order"
    elif seq > cursor:
        text = f"{counted(seq - cursor, part.nouns)} would be left out, and not be sent at all"
    else:
        text = "Nothing would be sent again: the stream stands there"
    overviews = installation_of(request).stream_overviews
    return Question(part.log, seq, text, overviews.recorded_at(part, seq))


def _wrong(field: str, detail: str) -> InvalidInput:
    label = "The seq" if field == "seq" else "The time"
    return InvalidInput(f"{label} {detail}", FieldError(detail, f"/{field}"))


ROUTES = [overview_page, toggle_stream, pause_stream, resume_stream, test_stream, replay_stream]
