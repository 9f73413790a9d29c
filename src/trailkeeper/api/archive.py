"""/api/v1/archive: where closed days are kept, which are there, and searching them."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import MediaType, Request, delete, get, post, put
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter, RawBody
from msgspec import UNSET, Struct, UnsetType

from trailkeeper.activity import Activity, rfc3339
from trailkeeper.api.auth import READ_LOG, by_of, caller_of, holding
from trailkeeper.api.filtering import ASKED, OWN_PARAMS, invalid
from trailkeeper.api.json_body import read
from trailkeeper.api.services import installation_of
from trailkeeper.archive.archive import Archive
from trailkeeper.archive.search import Searched
from trailkeeper.errors import FieldError, InvalidInput
from trailkeeper.ledger.reader import PAGE_MAX
from trailkeeper.query.cursor import CursorError
from trailkeeper.query.filters import Filter
from trailkeeper.streaming.destination import Answer

LIMIT_DEFAULT = 50
ApiRequest = Request[Any, Any, State]
MANAGE = {"permission": holding("streams.manage")}


class PlaceInput(Struct, frozen=True, forbid_unknown_fields=True):
    """`type` is folder, s3, gcs or azure; `settings` its settings, secrets among them."""

    type: str
    settings: dict[str, str]


class ArchiveInput(Struct, frozen=True, forbid_unknown_fields=True):
    """What is left out stays. `keep_days` null keeps what is archived for ever. In another place
    the archive begins again with all that the log still has."""

    destination: PlaceInput | UnsetType = UNSET
    keep_days: int | UnsetType | None = UNSET


class ArchiveView(Struct, frozen=True, kw_only=True):
    """`settings` show of secrets only that they are kept. All activities that were received before
    `closed_until` are archived but for `waiting`; `next_seq` is the first of these. `days`,
    `files`, `activities` and `bytes` count what is in the archive."""

    id: str
    destination: str
    settings: dict[str, str]
    keep_days: int | None
    state: str
    closed_until: str | None
    next_seq: int
    waiting: int
    days: int
    files: int
    activities: int
    bytes: int
    first_day: str | None
    last_day: str | None
    failures: int
    retry_at: str | None
    pause_reason: str | None
    last_error: str | None
    last_error_at: str | None


class DayView(Struct, frozen=True, kw_only=True):
    """A day with the seqs from `first_seq` to before `end_seq`."""

    date: str
    first_seq: int
    end_seq: int
    manifest_sha256: str
    written_at: str


class DayList(Struct, frozen=True):
    data: list[DayView]


class ArchivedList(Struct, frozen=True):
    """A page of archived activities. `next_cursor` is null on the last page. A page may be shorter
    than its limit and have a cursor: searching it took long, and the next one goes on."""

    data: list[Activity]
    next_cursor: str | None
    searched: Searched


@get("/archive", opt=MANAGE, sync_to_thread=True, summary="The archive")
def get_archive(request: ApiRequest) -> ArchiveView:
    """Its settings and how it stands."""
    return _view(request, installation_of(request).archives.get(caller_of(request).workspace))


@put("/archive", opt=MANAGE, sync_to_thread=True, summary="Set up or change the archive")
def set_archive(request: ApiRequest, body: RawBody) -> ArchiveView:
    """Recorded as `archive.created` or `archive.updated`."""
    asked, by = read(body, ArchiveInput), by_of(request)
    installation = installation_of(request)
    archives = installation.archives
    old = archives.find(by.workspace)
    keep_days = (old.keep_days if old else None) if asked.keep_days is UNSET else asked.keep_days
    if asked.destination is not UNSET:
        place = asked.destination
        one = archives.set(by, place.type, place.settings, keep_days)
    elif old is None:
        detail = "is missing: there is no archive yet"
        raise InvalidInput(f"`destination` {detail}", FieldError(detail, "/destination"))
    else:
        one = archives.keep_for(by, keep_days)
    installation.archive_keeper.look()
    return _view(request, one)


@delete("/archive", opt=MANAGE, sync_to_thread=True, summary="Delete the archive")
def delete_archive(request: ApiRequest) -> None:
    """It is forgotten, and no further day is written; its files stay where they are."""
    installation_of(request).archives.delete(by_of(request))


@post("/archive/test", opt=MANAGE, sync_to_thread=True, status_code=200, summary="Test")
def test_archive(request: ApiRequest) -> Answer:
    """Something small is written, read and removed."""
    return installation_of(request).archives.test(by_of(request))


@post("/archive/pause", opt=MANAGE, sync_to_thread=True, status_code=200, summary="Pause")
def pause_archive(request: ApiRequest) -> ArchiveView:
    """It stands where it is; what it has not written is not removed from the log."""
    return _view(request, installation_of(request).archives.pause(by_of(request)))


@post("/archive/resume", opt=MANAGE, sync_to_thread=True, status_code=200, summary="Resume")
def resume_archive(request: ApiRequest) -> ArchiveView:
    """It goes on from where it stands."""
    resumed = installation_of(request).archives.resume(by_of(request))
    installation_of(request).followers.look()
    return _view(request, resumed)


@get("/archive/days", opt=MANAGE, sync_to_thread=True, summary="Archived days")
def list_days(request: ApiRequest) -> DayList:
    """In the order of time."""
    archives = installation_of(request).archives
    found = archives.days(archives.get(caller_of(request).workspace))
    return DayList(
        [
            DayView(
                date=day.date,
                first_seq=day.first_seq,
                end_seq=day.end_seq,
                manifest_sha256=day.manifest_sha256,
                written_at=rfc3339(day.written_at),
            )
            for day in found
            if not day.removing
        ]
    )


@get(
    "/archive/activities",
    opt={"permission": READ_LOG, OWN_PARAMS: ("order", "limit", "cursor")},
    dependencies=ASKED,
    sync_to_thread=True,
    media_type=MediaType.JSON,
    summary="Search the archive, newest first",
)
def list_archived(
    request: ApiRequest,
    asked: NamedDependency[Filter],
    order: Annotated[str, QueryParameter(description="desc (newest first) or asc")] = "desc",
    limit: Annotated[int, QueryParameter(ge=1, le=PAGE_MAX)] = LIMIT_DEFAULT,
    cursor: FromQuery[str | None] = None,
) -> ArchivedList:
    """Ordered by `occurred_at`, then `seq`; only days that are over are in the archive. The
    parameters are those of /api/v1/activities."""
    if order not in ("desc", "asc"):
        raise invalid("order", f"is `{order}`, must be `desc` or `asc`")
    search = installation_of(request).archive_search
    try:
        found = search.page(
            caller_of(request).workspace, asked, order=order, limit=limit, cursor=cursor
        )
    except CursorError as error:
        raise invalid("cursor", str(error)) from None
    return ArchivedList(found.activities, found.next_cursor, found.searched)


def _view(request: ApiRequest, one: Archive) -> ArchiveView:
    standing = installation_of(request).archives.standing(one)
    place, totals = standing.place, standing.totals
    return ArchiveView(
        id=one.id,
        destination=one.destination,
        settings=one.settings,
        keep_days=one.keep_days,
        state=standing.state,
        closed_until=_time(one.closed_until or None),
        next_seq=place.cursor,
        waiting=standing.waiting,
        days=totals.days,
        files=totals.files,
        activities=totals.count,
        bytes=totals.bytes,
        first_day=totals.first_day,
        last_day=totals.last_day,
        failures=place.failures,
        retry_at=_time(place.retry_at if place.failures else None),
        pause_reason=place.pause_reason,
        last_error=place.last_error,
        last_error_at=_time(place.last_error_at),
    )


def _time(us: int | None) -> str | None:
    return None if us is None else rfc3339(us)


ROUTES: list[Any] = [
    get_archive,
    set_archive,
    delete_archive,
    test_archive,
    pause_archive,
    resume_archive,
    list_days,
    list_archived,
]
