"""The pages of job history: the list, and one job."""

from __future__ import annotations

import re

from litestar import Response
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from trailkeeper.connection import rest_of_path
from trailkeeper.errors import NotFound
from trailkeeper.jobs.history import Jobs
from trailkeeper.jobs.listing import JobPage, parse_job_params
from trailkeeper.query.cursor import CursorError
from trailkeeper.query.params import ParamError
from trailkeeper.team.permissions import holds
from trailkeeper.web.audit import Wrong
from trailkeeper.web.clock import clock_of
from trailkeeper.web.job_list import job_bar, job_rows
from trailkeeper.web.job_page import job_view
from trailkeeper.web.job_urls import JOBS, JobAddress, jobs_of_recipe
from trailkeeper.web.render import go_to, render
from trailkeeper.web.routes import page
from trailkeeper.web.security import WebRequest
from trailkeeper.web.session import installation_of, needs, session_of
from trailkeeper.web.text import visible

__all__ = ["ROUTES", "jobs_of_recipe"]

VIEW = needs("the privilege to see job history", holds("jobs.view"))
PAGE_SIZE = 50
_EMPTY_FIELD = re.compile(r"=(?:&|$)")


@page(JOBS, VIEW)
def jobs_page(request: WebRequest) -> Response[str]:
    """The list. A form's empty fields are tidied out of the address by a redirect."""
    address = JobAddress.read(request.query_params.multi_items())
    if _EMPTY_FIELD.search(request.url.query):
        return go_to(address.href())
    session, clock = session_of(request), clock_of(request)
    jobs, cursor = installation_of(request).jobs, request.query_params.get("cursor")
    found, wrong = _search(jobs, session.workspace, address, cursor)
    recipes = jobs.recipes(session.workspace)
    return render(
        request,
        "jobs.html",
        session=session,
        status=400 if wrong else 200,
        address=address,
        bar=job_bar(address, recipes, clock.zone_name),
        rows=job_rows(found.jobs, address, clock) if found else [],
        older=address.href(cursor=found.next_cursor) if found and found.next_cursor else "",
        is_later_page=cursor is not None,
        never=not recipes,
        wrong=wrong,
        origin=str(request.base_url).rstrip("/"),
    )


@page(f"{JOBS}/{{job_id:path}}", VIEW)
def job_page(request: WebRequest, job_id: FromPath[str]) -> Response[str]:
    """A job with its steps. An id may hold a `/`."""
    job_id = rest_of_path(request, f"{JOBS}/")
    try:
        found = installation_of(request).jobs.get(session_of(request).workspace, job_id)
    except NotFound as problem:
        raise NotFoundException(problem.detail) from None
    first = request.query_params.get("from", "")[:9]
    return render(
        request,
        "job.html",
        session=session_of(request),
        job=job_view(found, clock_of(request), int(first) if first.isdecimal() else 0),
    )


def _search(
    jobs: Jobs, workspace: int, address: JobAddress, cursor: str | None
) -> tuple[JobPage | None, Wrong | None]:
    try:
        asked = parse_job_params(address.pairs)
        return jobs.page(workspace, asked, limit=PAGE_SIZE, cursor=cursor), None
    except ParamError as error:
        without = address.without(error.param).href()
        return None, Wrong(error.param, visible(str(error)), without)
    except CursorError as error:
        return None, Wrong("cursor", visible(str(error)), address.href())


ROUTES = [jobs_page, job_page]
