"""Every route says who may use it."""

from __future__ import annotations

from pathlib import Path

from litestar.handlers import BaseRouteHandler

from trailkeeper.api.auth import PUBLIC as API_PUBLIC
from trailkeeper.api.auth import ApiPermission
from trailkeeper.app import build
from trailkeeper.installation import create, opened
from trailkeeper.web.session import PUBLIC as PAGE_PUBLIC
from trailkeeper.web.session import Permission

OPEN = {
    "/livez",
    "/readyz",
    "/metrics",
    "/login",
    "/login/code",
    "/forgot",
    "/sso",
    "/sso/{id:str}",
    "/sso/callback",
    "/sso/saml",
    "/reset/{token:str}",
    "/confirm-email/{token:str}",
    "/invite/{token:str}",
    "/static/{version:str}/{file:path}",
    "/api",
    "/api/{path:str}",
    "/api/openapi.json",
    "/api/v1/activities",  # only as a description of POST; the ingest handler asks for a token
}


def test_every_route_declares_a_permission_and_few_are_open_to_everyone(tmp_path: Path) -> None:
    create(tmp_path / "data")
    open_routes: set[str] = set()
    count = 0
    with opened(tmp_path / "data") as installation:
        application = build(installation)
        for route in application.litestar.routes:
            handlers: list[BaseRouteHandler] = [
                handler
                for handler in getattr(route, "route_handlers", [])
                if not getattr(handler, "http_methods", {"GET"}) <= {"OPTIONS"}
            ]
            for handler in handlers:
                if handler.fn.__module__.startswith("litestar._openapi"):  # the OpenAPI document
                    open_routes.add(route.path)
                    continue
                permission = handler.opt.get("permission")
                assert isinstance(permission, ApiPermission | Permission), (
                    f"{route.path} ({handler}) declares no permission"
                )
                assert handler.resolve_guards(), f"{route.path} has no guard that checks it"
                if permission in (API_PUBLIC, PAGE_PUBLIC):
                    open_routes.add(route.path)
                count += 1
        application.close()
    assert count > 10
    assert open_routes <= OPEN, "these are open to everyone; is that meant?"
