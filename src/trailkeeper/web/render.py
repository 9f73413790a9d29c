"""Templates into responses, always with the headers a page must have."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response
from litestar.datastructures import Cookie

from trailkeeper.process import clear_away
from trailkeeper.web import pieces
from trailkeeper.web.clock import clock_of
from trailkeeper.web.navigation import navigation
from trailkeeper.web.security import PAGE_HEADERS, WebRequest, masked
from trailkeeper.web.services import SignedIn
from trailkeeper.web.static_files import assets

HTML = "text/html"


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    shared: dict[str, Any] = {
        "static": assets().url,
        "moment": _moment,
        "navigation": navigation,
        "pairs": _pairs,
        "icon": pieces.icon,
        "tile": pieces.tile,
        "sentence": pieces.sentence,
        "when": pieces.when,
        "to_main": pieces.to_main,
    }
    environment.globals.update(shared)
    return environment


def _moment(us: int) -> datetime:
    return datetime.fromtimestamp(us / 1e6, UTC)


def _pairs(names: list[str]) -> list[tuple[str, str]]:
    """Options whose value is their text."""
    return [(name, name) for name in names]


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
    clear_away()
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
