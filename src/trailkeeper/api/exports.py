"""/api/v1/exports: exports of the audit log into files, made in the background.

To ask for one and to delete one needs a token: a browser's session alone could be used by another
site's form.
"""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, delete, get, post
from litestar.params import FromPath, RawBody
from litestar.response import File
from msgspec import Meta, Struct

from trailkeeper.activity import Actor, rfc3339
from trailkeeper.api.asset_requests import known_parameters
from trailkeeper.api.auth import READ_LOG, by_of, caller_of, holding
from trailkeeper.api.described import with_body
from trailkeeper.api.filtering import ApiRequest
from trailkeeper.api.json_body import read
from trailkeeper.api.services import installation_of
from trailkeeper.exports.export import Export
from trailkeeper.exports.exports import Exports
from trailkeeper.exports.kinds import Compression, Format
from trailkeeper.exports.wishes import wish_of
from trailkeeper.ledger.dump import Order
from trailkeeper.query.params import FILTER_PARAMS

READ = {"permission": READ_LOG}
CHANGE = {"permission": holding("activity_audit.view")}

Values = str | Annotated[list[str], Meta(max_length=100)] | None


class NewExport(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"from_": "from"}
):
    """What the file is to hold: the parameters of `GET /api/v1/activities` as fields, where a list
    holds alternatives; without any, everything. `order` is `desc` (newest first) or `asc`,
    `compression` is for jsonl and csv."""

    format: str
    compression: str = "none"
    order: str = "desc"
    action: Values = None
    category: Values = None
    actor: Values = None
    target: Values = None
    target_type: Values = None
    outcome: Values = None
    ip: Values = None
    environment: Values = None
    source: Values = None
    session: Values = None
    from_: str | None = None
    to: str | None = None
    tz: str | None = None
    range: str | None = None
    q: str | None = None

    def pairs(self) -> list[tuple[str, str]]:
        """The filter's parameters."""
        found: list[tuple[str, str]] = []
        for name in FILTER_PARAMS:
            value: Values = getattr(self, "from_" if name == "from" else name)
            values = [value] if isinstance(value, str) else value or []
            found += [(name, one) for one in values]
        return found


class ExportView(Struct, frozen=True, kw_only=True):
    """An export. `state` is `queued`, `running`, `done` or `failed` (then `error` says why).
    `filter` are the parameters that were asked for; it holds what was recorded before `end_seq`.
    `total` is about how many activities it will have, null where that is not known; `count` and
    `bytes` are what there is so far. `sha256` is that of the file."""

    id: str
    state: str
    format: Format
    compression: Compression
    order: Order
    filter: dict[str, list[str]]
    end_seq: int
    requested_by: Actor
    requested_at: str
    started_at: str | None
    ended_at: str | None
    expires_at: str | None
    total: int | None
    count: int
    bytes: int
    sha256: str | None
    error: str | None
    file_name: str
    download: str | None
    """Where the file is, once it is done."""


class ExportList(Struct, frozen=True):
    """The newest first."""

    data: list[ExportView]


@post(
    "/exports",
    opt=CHANGE,
    sync_to_thread=True,
    status_code=202,
    operation_class=with_body(NewExport),
    summary="Export activities",
)
def create_export(request: ApiRequest, body: RawBody) -> Response[ExportView]:
    """The file is made in the background, of what was recorded before this call. While as many
    exports of the workspace are under way as may be, the answer is 429. Recorded as
    `audit_log.export_requested`, and at the end as `audit_log.exported`."""
    known_parameters(request)
    asked, installation = read(body, NewExport), installation_of(request)
    wish = wish_of(asked.format, asked.compression, asked.order, asked.pairs())
    made = installation.exports.ask(by_of(request), wish)
    installation.export_runner.look()
    headers = {"Location": f"/api/v1/exports/{made.id}"}
    return Response(view(installation.exports, made), status_code=202, headers=headers)


@get("/exports", opt=READ, sync_to_thread=True, summary="Exports")
def list_exports(request: ApiRequest) -> ExportList:
    """All exports of the workspace that are under way or kept still, the newest first."""
    known_parameters(request)
    exports = installation_of(request).exports
    return ExportList([view(exports, one) for one in exports.listed(caller_of(request).workspace)])


@get("/exports/{id:str}", opt=READ, sync_to_thread=True, summary="An export")
def get_export(request: ApiRequest, id: FromPath[str]) -> ExportView:
    """How far it is."""
    known_parameters(request)
    exports = installation_of(request).exports
    return view(exports, exports.get(caller_of(request).workspace, id))


@get(
    "/exports/{id:str}/download",
    opt=READ,
    sync_to_thread=True,
    media_type="application/octet-stream",
    summary="An export's file",
)
def download_export(request: ApiRequest, id: FromPath[str]) -> File:
    """The file, once the export is done; 409 before. Recorded as `audit_log.export_downloaded`."""
    known_parameters(request)
    found = installation_of(request).exports.download(by_of(request), id)
    return File(
        found.path,
        filename=found.name,
        media_type=found.media_type,
        headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store"},
    )


@delete("/exports/{id:str}", opt=CHANGE, sync_to_thread=True, summary="Delete an export")
def delete_export(request: ApiRequest, id: FromPath[str]) -> None:
    """Its file goes with it; one that is under way is ended. Recorded as
    `audit_log.export_deleted`."""
    known_parameters(request)
    installation = installation_of(request)
    installation.exports.delete(by_of(request), id)
    installation.export_runner.look()


def view(exports: Exports, one: Export) -> ExportView:
    wish = one.wish
    expires = exports.expires_at(one)
    asked: dict[str, list[str]] = {}
    for name, value in wish.params:
        asked.setdefault(name, []).append(value)
    return ExportView(
        id=one.id,
        state=one.state,
        format=wish.format,
        compression=wish.compression,
        order=wish.order,
        filter=asked,
        end_seq=one.end_seq,
        requested_by=one.requester.actor,
        requested_at=rfc3339(one.requested_at),
        started_at=_time(one.started_at),
        ended_at=_time(one.ended_at),
        expires_at=_time(expires),
        total=one.total,
        count=one.count,
        bytes=one.bytes,
        sha256=one.sha256,
        error=one.error,
        file_name=exports.file_name(one),
        download=f"/api/v1/exports/{one.id}/download" if one.state == "done" else None,
    )


def _time(us: int | None) -> str | None:
    return None if us is None else rfc3339(us)


ROUTES: list[Any] = [create_export, list_exports, get_export, download_export, delete_export]
