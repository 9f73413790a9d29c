"""Templates into responses, always with the headers a page must have."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response
from litestar.datastructures import Cookie

from trailkeeper.web.assets import assets
from trailkeeper.web.clock import clock_of
from trailkeeper.web.security import PAGE_HEADERS, WebRequest, masked
from trailkeeper.web.services import SignedIn

HTML = "text/html"

SETTINGS_PATHS = (
    ("/settings/jobs", "settings.manage"),
    ("/settings/audit-streaming", "streams.manage"),
    ("/settings/api-clients", "api_clients.manage"),
    ("/settings/sign-in", "settings.manage"),
)

OWNERS_PATHS = ("/settings/delegated-admins", "/settings/single-sign-on", "/settings/mail")


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    shared: dict[str, Any] = {
        "static": assets().url,
        "moment": _moment,
        "settings_start": _settings_start,
        "in_settings": _in_settings,
        "pairs": _pairs,
    }
    environment.globals.update(shared)
    return environment


def _moment(us: int) -> datetime:
    return datetime.fromtimestamp(us / 1e6, UTC)


def _in_settings(path: str) -> bool:
    return path.startswith((*(start for start, _ in SETTINGS_PATHS), *OWNERS_PATHS))


def _pairs(names: list[str]) -> list[tuple[str, str]]:
    """Options whose value is their text."""
    return [(name, name) for name in names]


def _settings_start(session: SignedIn) -> str:
    """The first page of the workspace's settings that this user may see; empty for none."""
    for path, privilege in SETTINGS_PATHS:
        if privilege in session.privileges:
            return path
    return ""


def render(
    request: WebRequest,
    template: str,
    *,
    session: SignedIn | None,
    status: int = 200,
    headers: dict[str, str] | None = None,
    cookies: list[Cookie] | None = None,
    **values: object,
) -> Response[str]:
    """A page. Everything in `values` is text and is escaped; a name left out is an error."""
    body = _templates().get_template(template).render(
        session=session,
        csrf=masked(session.csrf) if session else "",
        clock=clock_of(request),
        path=request.url.path,
        **values,
    )  # fmt: skip
    return Response(
        body,
        media_type=HTML,
        status_code=status,
        headers={**PAGE_HEADERS, **(headers or {})},
        cookies=cookies or [],
    )


def go_to(path: str, *, cookies: list[Cookie] | None = None) -> Response[str]:
    """On to another page of ours, by GET."""
    return Response(
        "",
        media_type=HTML,
        status_code=303,
        headers={**PAGE_HEADERS, "Location": path},
        cookies=cookies or [],
    )
