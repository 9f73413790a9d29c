"""/api/v1/jobs: job history, taken in and read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, cast

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.datastructures import State
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody
from litestar.params import FromPath, FromQuery, QueryParameter
from msgspec import Struct

from trailkeeper.activity import rfc3339
from trailkeeper.api.auth import caller_of, holding, with_scope
from trailkeeper.api.body import ClientGone
from trailkeeper.api.job_posts import TakenJob
from trailkeeper.api.services import ApiServices, installation_of
from trailkeeper.connection import rest_of_path
from trailkeeper.errors import FieldError, InvalidParameter
from trailkeeper.jobs.body import JobInput, StepInput
from trailkeeper.jobs.job import Summary
from trailkeeper.jobs.listing import PAGE_MAX, PARAMS, parse_job_params
from trailkeeper.jobs.whole import OwnFields, whole_job
from trailkeeper.query.cursor import CursorError
from trailkeeper.query.params import ParamError

LIMIT_DEFAULT = 50
OWN_PARAMS = ("limit", "cursor")
WRITE = {"permission": with_scope("jobs:write")}
VIEW = {"permission": holding("jobs.view")}

ApiRequest = Request[Any, Any, State]


class JobView(Struct, frozen=True, kw_only=True):
    """A job in a list. `state` is what its `status` means: `pending`, `running`, `unknown`,
    `succeeded`, `failed` or `canceled`. Times are UTC; of `title` and `error` the beginnings are
    shown. `seq` counts the finished jobs of the workspace; it is null for others."""

    id: int | str
    recipe_id: str
    recipe_name: str | None
    status: str
    state: str
    started_at: str
    completed_at: str | None
    title: str | None
    error_type: str | None
    error: str | None
    is_test: bool
    seq: int | None
    received_at: str


class JobList(Struct, frozen=True):
    """A page of jobs. `next_cursor` is null on the last page."""

    data: list[JobView]
    next_cursor: str | None


class WholeJob(OwnFields, frozen=True, kw_only=True):
    """A job's body in Workato's form, as it was sent, and then our own fields. `lines` are there
    if the job came with any."""

    id: int | str
    flow_id: int | str
    parent_id: int | str | None
    calling_job_id: int | str | None
    status: str
    started_at: str
    completed_at: str | None
    error_type: str | None
    error: str | None
    title: str | None
    is_poll_error: bool | None
    action_count: int | None = None
    report: dict[str, Any] | None
    lines: list[StepInput] | str | None = None


@dataclass
class _PostJobs(Operation):
    """The description of the body, which the handler reads itself."""

    def __post_init__(self) -> None:
        _, parts = msgspec.json.schema_components([JobInput, StepInput], ref_template="{name}")
        one = parts["JobInput"]
        one["properties"]["lines"] = {
            "anyOf": [{"type": "array", "items": parts["StepInput"]}, {"type": "null"}]
        }
        many = {"anyOf": [one, {"type": "array", "maxItems": 1_000, "items": one}]}
        content = {"application/json": many, "application/x-ndjson": one}
        self.request_body = RequestBody(
            {
                kind: OpenAPIMediaType(schema=cast("Any", schema))
                for kind, schema in content.items()
            },
            required=True,
        )


@post(
    "/jobs",
    opt=WRITE,
    status_code=201,
    request_max_body_size=None,
    operation_class=_PostJobs,
    summary="Record jobs",
)
async def record_jobs(request: ApiRequest) -> Response[TakenJob]:
    """One job in Workato's form, an array of at most 1,000, or NDJSON (`application/x-ndjson`); at
    most 32 MiB, gzip and zstd are taken. What is answered with 2xx is on disk.

    A new id gives 201. The same id again updates a job that has not ended: the fields that are
    sent replace those that are there (200). A job that has ended stays as it is: the same content
    gives 200, other content 409. An array or NDJSON gives 200 with a result per item:
    `{id, seq, status}` or `{status, problem}`.

    Steps with `mask_data` are kept with `"<redacted>"` for `input` and `output`; steps of more
    than 40 MB are replaced by `Log lines exceed size limit`. A job that fails sends a mail to the
    workspace's addresses for error notifications.
    """
    services: ApiServices = request.app.state["api"]
    headers = dict(request.scope["headers"])
    workspace = caller_of(request).workspace
    try:
        answer = await services.job_posts.answer(workspace, headers, request.receive)
    except ClientGone:
        answer = Response(b"", status_code=400)
    return cast("Response[TakenJob]", answer)


@get("/jobs", opt=VIEW, sync_to_thread=True, summary="List jobs, newest first")
def list_jobs(
    request: ApiRequest,
    recipe_id: FromQuery[str | None] = None,
    status: Annotated[
        list[str] | None,
        QueryParameter(
            description="Several are alternatives; each finds what means the same, too: "
            "`succeeded` also `completed`"
        ),
    ] = None,
    from_: Annotated[
        str | None, QueryParameter(name="from", description="RFC 3339, of `started_at`")
    ] = None,
    to: FromQuery[str | None] = None,
    tz: FromQuery[str | None] = None,
    range_: Annotated[
        str | None, QueryParameter(name="range", description="1h, 24h, 7d, 30d or any")
    ] = None,
    q: Annotated[
        str | None,
        QueryParameter(description="Words that are parts of the title or the error"),
    ] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=PAGE_MAX)] = LIMIT_DEFAULT,
    cursor: FromQuery[str | None] = None,
) -> JobList:
    """Ordered by `started_at`. What was acknowledged before this call is in it."""
    # All parameters stand in the signature for OpenAPI; the filter is parsed as the page's is.
    del recipe_id, status, from_, to, tz, range_, q
    pairs = list(request.query_params.multi_items())
    for name, _ in pairs:
        if name not in PARAMS and name not in OWN_PARAMS:
            known = ", ".join((*PARAMS, *OWN_PARAMS))
            raise _invalid(name[:80], f"is not a parameter of this listing; there are {known}")
    jobs, workspace = installation_of(request).jobs, caller_of(request).workspace
    try:
        page = jobs.page(workspace, parse_job_params(pairs), limit=limit, cursor=cursor)
    except ParamError as error:
        raise _invalid(error.param, str(error)) from None
    except CursorError as error:
        raise _invalid("cursor", str(error)) from None
    return JobList([_view(one) for one in page.jobs], page.next_cursor)


@get(
    "/jobs/{job_id:path}",
    opt=VIEW,
    sync_to_thread=True,
    media_type=MediaType.JSON,
    summary="A job with its steps",
)
def get_job(request: ApiRequest, job_id: FromPath[str]) -> Response[WholeJob]:
    """The job with this id, in the token's workspace. A `/` in the id is sent as `%2F`."""
    job_id = rest_of_path(request, "/jobs/")
    found = installation_of(request).jobs.get(caller_of(request).workspace, job_id)
    return cast("Response[WholeJob]", Response(whole_job(found, found.lines)))


def _view(one: Summary) -> JobView:
    return JobView(
        id=one.sent_id,
        recipe_id=one.recipe_id,
        recipe_name=one.recipe_name,
        status=one.status,
        state=one.state,
        started_at=rfc3339(one.started_at),
        completed_at=rfc3339(one.completed_at) if one.completed_at is not None else None,
        title=one.title,
        error_type=one.error_type,
        error=one.error,
        is_test=one.is_test,
        seq=one.seq,
        received_at=rfc3339(one.received_at),
    )


def _invalid(parameter: str, detail: str) -> InvalidParameter:
    return InvalidParameter(f"`{parameter}` {detail}", FieldError(detail, parameter=parameter))


ROUTES: list[Any] = [record_jobs, list_jobs, get_job]
