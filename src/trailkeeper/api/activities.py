"""GET /api/v1/activities and /api/v1/activities/{id}: reading the log."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar import MediaType, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Struct

from trailkeeper.activity import Activity, ActivityInput
from trailkeeper.api.auth import PUBLIC, READ_LOG, caller_of
from trailkeeper.api.filtering import ASKED, OWN_PARAMS, ApiRequest, invalid
from trailkeeper.connection import rest_of_path
from trailkeeper.errors import NotFound
from trailkeeper.ledger.reader import PAGE_MAX
from trailkeeper.query.cursor import CursorError
from trailkeeper.query.filters import Filter

LIMIT_DEFAULT = 50


class ActivityList(Struct, frozen=True):
    """A page of activities. `next_cursor` is null on the last page."""

    data: list[Activity]
    next_cursor: str | None


class Recorded(Struct, frozen=True):
    """What the sender of one activity gets."""

    id: str
    seq: int
    received_at: datetime


@get(
    "/activities",
    opt={"permission": READ_LOG, OWN_PARAMS: ("order", "limit", "cursor")},
    dependencies=ASKED,
    sync_to_thread=True,
    media_type=MediaType.JSON,
    summary="List activities, newest first",
)
def list_activities(
    request: ApiRequest,
    asked: NamedDependency[Filter],
    order: Annotated[str, QueryParameter(description="desc (newest first) or asc")] = "desc",
    limit: Annotated[int, QueryParameter(ge=1, le=PAGE_MAX)] = LIMIT_DEFAULT,
    cursor: FromQuery[str | None] = None,
) -> ActivityList:
    """Ordered by `occurred_at`, then `seq`. What was acknowledged before this call is in it."""
    if order not in ("desc", "asc"):
        raise invalid("order", f"is `{order}`, must be `desc` or `asc`")
    reader = request.app.state["api"].reader
    try:
        page = reader.page(
            caller_of(request).workspace, asked, order=order, limit=limit, cursor=cursor
        )
    except CursorError as error:
        raise invalid("cursor", str(error)) from None
    return ActivityList(page.activities, page.next_cursor)


@get(
    "/activities/{activity_id:path}",
    opt={"permission": READ_LOG},
    sync_to_thread=True,
    summary="One activity",
)
def get_activity(request: ApiRequest, activity_id: FromPath[str]) -> Activity:
    """The activity with this id, in the token's workspace. A `/` in the id is sent as `%2F`."""
    activity_id = rest_of_path(request, "/activities/")
    reader = request.app.state["api"].reader
    activity = reader.get(caller_of(request).workspace, activity_id)
    if activity is None:
        raise NotFound(f"There is no activity with the id `{activity_id[:255]}` in this workspace")
    return activity


@post(
    "/activities",
    opt={"permission": PUBLIC},
    sync_to_thread=False,
    status_code=201,
    summary="Record activities",
)
def record_activities(data: JSONBody[ActivityInput | list[ActivityInput]]) -> Recorded:
    """One activity, an array of at most 10,000, or NDJSON (`application/x-ndjson`); gzip and zstd
    are taken. What is answered with 2xx is on disk. The same `id` with the same content again
    gives 200 and the first answer, with other content 409. An array or NDJSON gives 200 with a
    result per item: `{status, id, seq, received_at}` or `{status, problem}`.

    This handler stands here for the description only: api/ingest.py answers before it.
    """
    del data
    raise NotFound("Send it to /api/v1/activities")
