"""/api/v1/streams, and /settings/audit-streaming, which is about the first of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Request, delete, get, patch, post
from litestar.datastructures import State
from litestar.params import FromPath, QueryParameter, RawBody
from msgspec import Meta, Struct

from trailkeeper.activity import rfc3339, to_us
from trailkeeper.api.auth import by_of, caller_of, holding
from trailkeeper.api.json_body import read
from trailkeeper.api.services import installation_of
from trailkeeper.api.stream_views import (
    DeadLetters,
    DeadLetterView,
    DeliveryList,
    StreamList,
    StreamView,
    delivery_view,
    view,
)
from trailkeeper.errors import FieldError, InvalidInput
from trailkeeper.followers.deliveries import KEPT, Outcome
from trailkeeper.followers.follower import Log
from trailkeeper.streaming.destination import Answer
from trailkeeper.streaming.overview import Overview, Overviews
from trailkeeper.streaming.shape import Shape
from trailkeeper.streaming.streams import FIRST, Streams

LIMIT_DEFAULT = 100
ApiRequest = Request[Any, Any, State]
StreamLog = Literal["activities", "jobs"]
STREAMS = {"permission": holding("streams.manage")}


class Include(Struct, frozen=True, forbid_unknown_fields=True):
    job_history: bool = False
    recipe_step_details: bool = False
    login_user_activity: bool = False


class DestinationInput(Struct, frozen=True, forbid_unknown_fields=True):
    """`type` is a kind of destination, `settings` its settings, secrets among them."""

    type: str
    settings: dict[str, str]


class Parts(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is left out stays. The stream is turned on last."""

    enabled: bool | None = None
    include: Include | None = None
    destination: DestinationInput | None = None
    shape: Shape | None = None


class StreamInput(Parts, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is left out stays."""

    name: str | None = None


class NewStream(Parts, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """With `from_start` it begins with the first activity there is, else with the next."""

    name: str
    from_start: bool = False


class Replay(Struct, frozen=True, forbid_unknown_fields=True, rename={"seq": "from"}):
    """`from` is the seq of the first activity to send again; or `from_time`, the time since which
    they were recorded. `jobs_from` is the seq of the first job."""

    seq: int | None = None
    from_time: Annotated[datetime, Meta(tz=True)] | None = None
    jobs_from: int | None = None


class Retry(Struct, frozen=True, forbid_unknown_fields=True):
    """`seqs` are those to send again; without them, all. `log` says of what: activities or
    jobs."""

    seqs: Annotated[list[int], Meta(max_length=10_000)] | None = None
    log: StreamLog = "activities"


class Retried(Struct, frozen=True):
    """How many are sent again."""

    count: int


@get("/streams", opt=STREAMS, sync_to_thread=True, summary="Streams")
def list_streams(request: ApiRequest) -> StreamList:
    """The oldest first."""
    streams = installation_of(request).streams
    found = streams.listed(caller_of(request).workspace)
    return StreamList([view(request, one) for one in found])


@post("/streams", opt=STREAMS, sync_to_thread=True, summary="Make a stream")
def create_stream(request: ApiRequest, body: RawBody) -> StreamView:
    """With a destination and `enabled` it begins at once."""
    asked, streams, by = read(body, NewStream), installation_of(request).streams, by_of(request)
    made = streams.create(by, asked.name, from_start=asked.from_start)
    _change_parts(streams, by, made.id, asked)
    installation_of(request).followers.look()
    return view(request, streams.get(by.workspace, made.id))


@get("/streams/{id:str}", opt=STREAMS, sync_to_thread=True, summary="A stream")
def get_stream(request: ApiRequest, id: FromPath[str]) -> StreamView:
    """Its settings and how it stands."""
    return view(request, installation_of(request).streams.get(caller_of(request).workspace, id))


@patch("/streams/{id:str}", opt=STREAMS, sync_to_thread=True, summary="Change a stream")
def change_stream(request: ApiRequest, id: FromPath[str], body: RawBody) -> StreamView:
    """Each part that changes is recorded as an activity of its own."""
    asked, streams, by = read(body, StreamInput), installation_of(request).streams, by_of(request)
    streams.get(by.workspace, id)
    _change(streams, by, id, asked)
    installation_of(request).followers.look()
    return view(request, streams.get(by.workspace, id))


@delete("/streams/{id:str}", opt=STREAMS, sync_to_thread=True, summary="Delete a stream")
def delete_stream(request: ApiRequest, id: FromPath[str]) -> None:
    """Its place in the log is forgotten."""
    installation_of(request).streams.delete(by_of(request), id)


@post("/streams/{id:str}/pause", opt=STREAMS, sync_to_thread=True, status_code=200, summary="Pause")
def pause_stream(request: ApiRequest, id: FromPath[str]) -> StreamView:
    """It stands where it is; nothing is lost."""
    return view(request, installation_of(request).streams.pause(by_of(request), id))


@post(
    "/streams/{id:str}/resume", opt=STREAMS, sync_to_thread=True, status_code=200, summary="Resume"
)
def resume_stream(request: ApiRequest, id: FromPath[str]) -> StreamView:
    """It goes on from where it stands."""
    resumed = installation_of(request).streams.resume(by_of(request), id)
    installation_of(request).followers.look()
    return view(request, resumed)


@post(
    "/streams/{id:str}/replay", opt=STREAMS, sync_to_thread=True, status_code=200, summary="Replay"
)
def replay_stream(request: ApiRequest, id: FromPath[str], body: RawBody) -> StreamView:
    """Everything from that seq or time on is sent again."""
    asked, installation, by = read(body, Replay), installation_of(request), by_of(request)
    streams = installation.streams
    if asked.seq is not None and asked.from_time is not None:
        detail = "either this or from_time can be given, and not both"
        raise InvalidInput(f"`from`: {detail}", FieldError(detail, "/from"))
    if asked.seq is None and asked.from_time is None and asked.jobs_from is None:
        detail = "is missing, and so are from_time and jobs_from"
        raise InvalidInput(f"`from` {detail}", FieldError(detail, "/from"))
    seq = asked.seq
    if asked.from_time is not None:
        seq = installation.reader.seq_at(by.workspace, to_us(asked.from_time))
    if seq is not None:
        streams.replay(by, id, seq)
    if asked.jobs_from is not None:
        streams.replay_jobs(by, id, asked.jobs_from)
    installation.followers.look()
    return view(request, streams.get(by.workspace, id))


@post("/streams/{id:str}/test", opt=STREAMS, sync_to_thread=True, status_code=200, summary="Test")
def test_stream(request: ApiRequest, id: FromPath[str]) -> Answer:
    """The destination's own answer, at most 500 characters of it."""
    return installation_of(request).streams.test(by_of(request), id)


@get("/streams/{id:str}/dead-letters", opt=STREAMS, sync_to_thread=True, summary="Dead letters")
def list_dead_letters(request: ApiRequest, id: FromPath[str]) -> DeadLetters:
    """What the destination did not take, the latest first. With `again` it is to be sent once
    more."""
    overviews, overview = _overview(request, id)
    letters: dict[Log, list[DeadLetterView]] = {
        part.log: [
            DeadLetterView(one.seq, one.reason, rfc3339(one.at), one.again)
            for one in overviews.dead_letters(part)
        ]
        for part in overview.parts
    }
    return DeadLetters(letters["activities"], letters.get("jobs", []))


@post(
    "/streams/{id:str}/dead-letters/retry",
    opt=STREAMS,
    sync_to_thread=True,
    status_code=200,
    summary="Retry dead letters",
)
def retry_dead_letters(request: ApiRequest, id: FromPath[str], body: RawBody) -> Retried:
    """They are sent again one by one, in the order of seq, before what comes next. What the
    destination takes is no dead letter any more; the rest stays."""
    asked, installation = read(body or b"{}", Retry), installation_of(request)
    count = installation.streams.retry_dead_letters(by_of(request), id, asked.seqs, asked.log)
    installation.followers.look()
    return Retried(count)


@get("/streams/{id:str}/deliveries", opt=STREAMS, sync_to_thread=True, summary="Deliveries")
def list_deliveries(
    request: ApiRequest,
    id: FromPath[str],
    outcome: Annotated[
        Outcome | None, QueryParameter(description="Only those: delivered or failed")
    ] = None,
    log: Annotated[
        StreamLog, QueryParameter(description="Of what: activities or jobs")
    ] = "activities",
    limit: Annotated[int, QueryParameter(ge=1, le=KEPT)] = LIMIT_DEFAULT,
    before: Annotated[
        int | None, QueryParameter(ge=0, description="The `number` of the last one of a page")
    ] = None,
) -> DeliveryList:
    """The latest tries, the newest first; about 1,000 of each stream are kept."""
    overviews, overview = _overview(request, id)
    found = overviews.deliveries(overview.part(log), limit=limit, outcome=outcome, before=before)
    return DeliveryList([delivery_view(one) for one in found])


@get("/settings/audit-streaming", opt=STREAMS, sync_to_thread=True, summary="Streaming")
def get_first_stream(request: ApiRequest) -> StreamView:
    """The oldest stream; a blank one without an id where there is none."""
    streams = installation_of(request).streams
    return view(request, streams.first(caller_of(request).workspace))


@patch("/settings/audit-streaming", opt=STREAMS, sync_to_thread=True, summary="Change streaming")
def change_first_stream(request: ApiRequest, body: RawBody) -> StreamView:
    """Each part that changes is recorded as an activity of its own. The stream is made with the
    first change."""
    asked, streams, by = read(body, StreamInput), installation_of(request).streams, by_of(request)
    _change(streams, by, FIRST, asked)
    return view(request, streams.first(by.workspace))


def _overview(request: ApiRequest, id: str) -> tuple[Overviews, Overview]:
    installation = installation_of(request)
    one = installation.streams.get(caller_of(request).workspace, id)
    return installation.stream_overviews, installation.stream_overviews.of(one)


def _change(streams: Streams, by: Any, id: str, asked: StreamInput) -> None:
    if asked.name is not None:
        streams.rename(by, id, asked.name)
    _change_parts(streams, by, id, asked)


def _change_parts(streams: Streams, by: Any, id: str, asked: Parts) -> None:
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
    retry_dead_letters,
    list_deliveries,
    get_first_stream,
    change_first_stream,
]
