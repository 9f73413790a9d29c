"""/api/v1/settings/retention: how long activities and jobs are kept; /api/v1/legal-holds: what is
held."""

from __future__ import annotations

from typing import Any

from litestar import Request, delete, get, post, put
from litestar.datastructures import State
from litestar.params import FromPath, RawBody
from msgspec import UNSET, Struct, UnsetType

from trailkeeper.activity import rfc3339
from trailkeeper.api.auth import by_of, caller_of, holding
from trailkeeper.api.json_body import read
from trailkeeper.api.services import installation_of
from trailkeeper.retention.holds import Hold
from trailkeeper.retention.rules import Rule

ApiRequest = Request[Any, Any, State]
SETTINGS = {"permission": holding("settings.manage")}


class RuleInput(Struct, frozen=True, forbid_unknown_fields=True):
    """`days` null keeps all for ever. What is left out stays."""

    days: int | UnsetType | None = UNSET
    remove_undelivered: bool | UnsetType = UNSET


class RuleView(Struct, frozen=True, kw_only=True):
    """A shorter time is `next_days` until `takes_effect_at`. `remove_undelivered_at` is from when
    is removed what a stream has not delivered."""

    days: int | None
    next_days: int | None
    takes_effect_at: str | None
    remove_undelivered: bool
    remove_undelivered_at: str | None


class PreviewInput(Struct, frozen=True, forbid_unknown_fields=True):
    days: int | None


class PreviewView(Struct, frozen=True):
    """What would be removed: how many activities, jobs and files of packages, all from before a
    time."""

    count: int
    jobs: int
    package_files: int
    before: str | None


class HoldInput(Struct, frozen=True, forbid_unknown_fields=True):
    """`query` is a filter in the query language; an empty one holds everything."""

    name: str
    query: str = ""
    reason: str = ""


class HoldView(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    reason: str
    query: str
    created_at: str
    created_by: str | None
    released_at: str | None


class HoldList(Struct, frozen=True):
    data: list[HoldView]


@get("/settings/retention", opt=SETTINGS, sync_to_thread=True, summary="Retention")
def get_retention(request: ApiRequest) -> RuleView:
    """How long activities, jobs and the files of packages are kept."""
    return _view(installation_of(request).retention.get(caller_of(request).workspace))


@put("/settings/retention", opt=SETTINGS, sync_to_thread=True, summary="Change retention")
def change_retention(request: ApiRequest, body: RawBody) -> RuleView:
    """A longer time is good at once, a shorter one after seven days. Recorded as
    `retention.updated`."""
    asked, rules, by = read(body, RuleInput), installation_of(request).retention, by_of(request)
    if asked.days is not UNSET:
        rules.set_days(by, asked.days)
    if asked.remove_undelivered is not UNSET:
        rules.let_undelivered_go(by, asked.remove_undelivered)
    return _view(rules.get(by.workspace))


@post(
    "/settings/retention/preview",
    opt=SETTINGS,
    sync_to_thread=True,
    status_code=200,
    summary="What a time would remove",
)
def preview_retention(request: ApiRequest, body: RawBody) -> PreviewView:
    """Nothing is changed. What is held is counted, too."""
    asked, rules = read(body, PreviewInput), installation_of(request).retention
    found = rules.preview(caller_of(request).workspace, asked.days)
    return PreviewView(found.count, found.jobs, found.files, _time(found.before))


@get("/legal-holds", opt=SETTINGS, sync_to_thread=True, summary="Legal holds")
def list_holds(request: ApiRequest) -> HoldList:
    """Those that are on first."""
    found = installation_of(request).holds.listed(caller_of(request).workspace)
    return HoldList([_hold(one) for one in found])


@post("/legal-holds", opt=SETTINGS, sync_to_thread=True, summary="Place a legal hold")
def place_hold(request: ApiRequest, body: RawBody) -> HoldView:
    """What it matches is not removed, whatever the retention is, until it is released."""
    asked = read(body, HoldInput)
    holds = installation_of(request).holds
    return _hold(holds.place(by_of(request), asked.name, asked.query, asked.reason))


@delete("/legal-holds/{id:str}", opt=SETTINGS, sync_to_thread=True, summary="Release a legal hold")
def release_hold(request: ApiRequest, id: FromPath[str]) -> None:
    """It stays in the list, as released."""
    installation_of(request).holds.release(by_of(request), id)


def _view(rule: Rule) -> RuleView:
    return RuleView(
        days=rule.days,
        next_days=rule.next_days,
        takes_effect_at=_time(rule.next_at),
        remove_undelivered=rule.undelivered_from is not None,
        remove_undelivered_at=_time(rule.undelivered_from),
    )


def _hold(one: Hold) -> HoldView:
    return HoldView(
        id=one.id,
        name=one.name,
        reason=one.reason,
        query=one.query,
        created_at=rfc3339(one.created_at),
        created_by=one.created_by,
        released_at=_time(one.released_at),
    )


def _time(us: int | None) -> str | None:
    return None if us is None else rfc3339(us)


ROUTES: list[Any] = [
    get_retention,
    change_retention,
    preview_retention,
    list_holds,
    place_hold,
    release_hold,
]
