"""/api/v1/streams, and /settings/audit-streaming, which is about the first of them."""

from __future__ import annotations

from typing import Any

from litestar import Request, delete, get, patch, post
from litestar.datastructures import State
from litestar.params import FromPath, RawBody
from msgspec import Struct

from trailkeeper.activity import rfc3339
from trailkeeper.api.auth import by_of, caller_of, holding
from trailkeeper.api.json_body import read
from trailkeeper.api.services import installation_of
from trailkeeper.errors import FieldError, InvalidInput
from trailkeeper.followers.places import DeadLetter
from trailkeeper.streaming.destination import Answer, Compression, Packing
from trailkeeper.streaming.shape import Shape
from trailkeeper.streaming.stream import KINDS, Mask, Stream
from trailkeeper.streaming.streams import FIRST, Streams
from trailkeeper.streaming.template import problem_of

ApiRequest = Request[Any, Any, State]
STREAMS = {"permission": holding("streams.manage")}


class Include(Struct, frozen=True, forbid_unknown_fields=True):
    job_history: bool = False
    recipe_step_details: bool = False
    login_user_activity: bool = False


class DestinationInput(Struct, frozen=True, forbid_unknown_fields=True):
    """`type` is a kind of destination, `settings` its settings, secrets among them."""

    type: str
    settings: dict[str, str]


class StreamInput(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is left out stays. The stream is turned on last."""

    enabled: bool | None = None
    include: Include | None = None
    destination: DestinationInput | None = None
    shape: Shape | None = None


class NewStream(StreamInput, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """With `from_start` it begins with the first activity there is, else with the next."""

    name: str
    from_start: bool = False


class Replay(Struct, frozen=True, forbid_unknown_fields=True, rename={"seq": "from"}):
    """`from` is the seq of the first activity to send again, `jobs_from` that of the first job."""

    seq: int | None = None
    jobs_from: int | None = None


class PartView(Struct, frozen=True, kw_only=True):
    """Where a stream stands with its jobs. `lag` counts those that are not delivered yet,
    `next_seq` is the first of them."""

    paused: bool
    next_seq: int
    lag: int
    delivered: int
    delivered_at: str | None
    failures: int
    retry_at: str | None
    pause_reason: str | None
    last_error: str | None
    last_error_at: str | None


class StreamView(Struct, frozen=True, kw_only=True):
    """`settings` show of secrets only that they are kept. `lag` counts activities that are not
    delivered yet, `next_seq` is the first of them; `jobs` says the same of jobs, where the stream
    includes them. `state` is the worse of the two. With a `template_problem` messages are sent
    without the template."""

    id: str
    name: str
    enabled: bool
    state: str
    destination: str | None
    settings: dict[str, str]
    included: list[str]
    job_history: bool
    recipe_step_details: bool
    login_user_activity: bool
    format: str
    template: str
    template_problem: str | None
    query: str
    masks: dict[str, Mask]
    packing: Packing
    compression: Compression
    next_seq: int
    lag: int
    delivered: int
    delivered_at: str | None
    failures: int
    retry_at: str | None
    pause_reason: str | None
    last_error: str | None
    last_error_at: str | None
    jobs: PartView | None


class StreamList(Struct, frozen=True):
    data: list[StreamView]


class DeadLetterView(Struct, frozen=True):
    seq: int
    reason: str
    at: str


class DeadLetters(Struct, frozen=True):
    """Activities are `data`, jobs are `jobs`; each has its own seqs."""

    data: list[DeadLetterView]
    jobs: list[DeadLetterView]


@get("/streams", opt=STREAMS, sync_to_thread=True, summary="Streams")
def list_streams(request: ApiRequest) -> StreamList:
    """The oldest first."""
    streams = installation_of(request).streams
    found = streams.listed(caller_of(request).workspace)
    return StreamList([_view(request, one) for one in found])


@post("/streams", opt=STREAMS, sync_to_thread=True, summary="Make a stream")
def create_stream(request: ApiRequest, body: RawBody) -> StreamView:
    """With a destination and `enabled` it begins at once."""
    asked, streams, by = read(body, NewStream), installation_of(request).streams, by_of(request)
    made = streams.create(by, asked.name, from_start=asked.from_start)
    _change(streams, by, made.id, asked)
    return _view(request, streams.get(by.workspace, made.id))


@get("/streams/{id:str}", opt=STREAMS, sync_to_thread=True, summary="A stream")
def get_stream(request: ApiRequest, id: FromPath[str]) -> StreamView:
    """Its settings and how it stands."""
    return _view(request, installation_of(request).streams.get(caller_of(request).workspace, id))


@patch("/streams/{id:str}", opt=STREAMS, sync_to_thread=True, summary="Change a stream")
def change_stream(request: ApiRequest, id: FromPath[str], body: RawBody) -> StreamView:
    """Each part that changes is recorded as an activity of its own."""
    asked, streams, by = read(body, StreamInput), installation_of(request).streams, by_of(request)
    streams.get(by.workspace, id)
    _change(streams, by, id, asked)
    return _view(request, streams.get(by.workspace, id))


@delete("/streams/{id:str}", opt=STREAMS, sync_to_thread=True, summary="Delete a stream")
def delete_stream(request: ApiRequest, id: FromPath[str]) -> None:
    """Its place in the log is forgotten."""
    installation_of(request).streams.delete(by_of(request), id)


@post("/streams/{id:str}/pause", opt=STREAMS, sync_to_thread=True, status_code=200, summary="Pause")
def pause_stream(request: ApiRequest, id: FromPath[str]) -> StreamView:
    """It stands where it is; nothing is lost."""
    return _view(request, installation_of(request).streams.pause(by_of(request), id))


@post(
    "/streams/{id:str}/resume", opt=STREAMS, sync_to_thread=True, status_code=200, summary="Resume"
)
def resume_stream(request: ApiRequest, id: FromPath[str]) -> StreamView:
    """It goes on from where it stands."""
    view = _view(request, installation_of(request).streams.resume(by_of(request), id))
    installation_of(request).followers.look()
    return view


@post(
    "/streams/{id:str}/replay", opt=STREAMS, sync_to_thread=True, status_code=200, summary="Replay"
)
def replay_stream(request: ApiRequest, id: FromPath[str], body: RawBody) -> StreamView:
    """Everything from that seq on is sent again."""
    asked, streams, by = read(body, Replay), installation_of(request).streams, by_of(request)
    if asked.seq is None and asked.jobs_from is None:
        detail = "is missing, and so is jobs_from"
        raise InvalidInput(f"/from {detail}", FieldError(detail, "/from"))
    if asked.seq is not None:
        streams.replay(by, id, asked.seq)
    if asked.jobs_from is not None:
        streams.replay_jobs(by, id, asked.jobs_from)
    installation_of(request).followers.look()
    return _view(request, streams.get(by.workspace, id))


@post("/streams/{id:str}/test", opt=STREAMS, sync_to_thread=True, status_code=200, summary="Test")
def test_stream(request: ApiRequest, id: FromPath[str]) -> Answer:
    """The destination's own answer, at most 500 characters of it."""
    return installation_of(request).streams.test(by_of(request), id)


@get("/streams/{id:str}/dead-letters", opt=STREAMS, sync_to_thread=True, summary="Dead letters")
def list_dead_letters(request: ApiRequest, id: FromPath[str]) -> DeadLetters:
    """What the destination does not take, the latest first."""
    streams = installation_of(request).streams
    one = streams.get(caller_of(request).workspace, id)
    return DeadLetters(*(_letters(streams.dead_letters(one, log)) for log in KINDS))


@get("/settings/audit-streaming", opt=STREAMS, sync_to_thread=True, summary="Streaming")
def get_first_stream(request: ApiRequest) -> StreamView:
    """The oldest stream; a blank one without an id where there is none."""
    streams = installation_of(request).streams
    return _view(request, streams.first(caller_of(request).workspace))


@patch("/settings/audit-streaming", opt=STREAMS, sync_to_thread=True, summary="Change streaming")
def change_first_stream(request: ApiRequest, body: RawBody) -> StreamView:
    """Each part that changes is recorded as an activity of its own. The stream is made with the
    first change."""
    asked, streams, by = read(body, StreamInput), installation_of(request).streams, by_of(request)
    _change(streams, by, FIRST, asked)
    return _view(request, streams.first(by.workspace))


def _change(streams: Streams, by: Any, id: str, asked: StreamInput) -> None:
    if asked.destination is not None:
        streams.set_destination(by, id, asked.destination.type, asked.destination.settings)
    if asked.shape is not None:
        streams.reshape(by, id, asked.shape)
    if asked.include is not None:
        streams.include(
            by,
            id,
            job_history=asked.include.job_history,
            recipe_step_details=asked.include.recipe_step_details,
            login_user_activity=asked.include.login_user_activity,
        )
    if asked.enabled is not None:
        streams.toggle(by, id, asked.enabled)


def _letters(found: list[DeadLetter]) -> list[DeadLetterView]:
    return [DeadLetterView(one.seq, one.reason, rfc3339(one.at)) for one in found]


def _view(request: ApiRequest, one: Stream) -> StreamView:
    installation = installation_of(request)
    standing = installation.streams.standing(one)
    place = standing.place
    lag = installation.streams.lag(standing)
    jobs = standing.jobs_place
    return StreamView(
        id=one.id,
        name=one.name,
        enabled=one.enabled,
        state=standing.state,
        destination=one.destination,
        settings=one.settings,
        included=one.included,
        job_history=one.job_history,
        recipe_step_details=one.recipe_step_details,
        login_user_activity=one.login_user_activity,
        format=one.format,
        template=one.template,
        template_problem=problem_of(one.template),
        query=one.query,
        masks=one.masks,
        packing=one.packing,
        compression=one.compression,
        next_seq=place.cursor,
        lag=lag["activities"],
        delivered=place.delivered,
        delivered_at=_time(place.delivered_at),
        failures=place.failures,
        retry_at=_time(place.retry_at),
        pause_reason=place.pause_reason if one.enabled else None,
        last_error=place.last_error,
        last_error_at=_time(place.last_error_at),
        jobs=None
        if jobs is None
        else PartView(
            paused=jobs.state == "paused",
            next_seq=jobs.cursor,
            lag=lag["jobs"],
            delivered=jobs.delivered,
            delivered_at=_time(jobs.delivered_at),
            failures=jobs.failures,
            retry_at=_time(jobs.retry_at),
            pause_reason=jobs.pause_reason if one.enabled else None,
            last_error=jobs.last_error,
            last_error_at=_time(jobs.last_error_at),
        ),
    )


def _time(us: int | None) -> str | None:
    return rfc3339(us) if us else None


ROUTES: list[Any] = [
    list_streams,
    create_stream,
    get_stream,
    change_stream,
    delete_stream,
    pause_stream,
    resume_stream,
    replay_stream,
    test_stream,
    list_dead_letters,
    get_first_stream,
    change_first_stream,
]
