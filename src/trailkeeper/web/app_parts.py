"""What the composition root puts into the application: the routes, and pages for app-wide errors.

It also puts `services`, a `web.services.Services`, into the application's state.
"""

from __future__ import annotations

from litestar.config.compression import CompressionConfig
from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.middleware.compression import CompressionMiddleware

from trailkeeper.routing import Router
from trailkeeper.web import (
    account,
    api_clients,
    archive,
    audit,
    audit_archive,
    chart,
    exports,
    jobs,
    links,
    login,
    retention,
    roles,
    settings,
    sso,
    team,
)
from trailkeeper.web.assets import routes as asset_routes
from trailkeeper.web.assets.sent import read_form
from trailkeeper.web.assets.show import PROBLEMS
from trailkeeper.web.errors import PAGE_ERRORS, http_error, not_found, server_error
from trailkeeper.web.session import check_permission
from trailkeeper.web.static_files import static_file
from trailkeeper.web.streams import listing, overview, setup, trail

__all__ = ["http_error", "not_found", "routes", "server_error"]


def routes() -> list[Router]:
    """All pages and static files. Each handler declares its permission in `opt["permission"]`.

    `not_found`, `http_error` and `server_error` are for the application's own exception handlers:
    an address that no route has is not in any router.
    """
    gzip = CompressionConfig("gzip", gzip_compress_level=2, minimum_size=1_000)
    pages = Router(
        "/",
        route_handlers=[
            *login.ROUTES,
            *links.ROUTES,
            audit.home,
            audit.audit_page,
            audit.choices,
            audit.counts,
            chart.chart,
            audit_archive.archive_page,
            audit_archive.archived_page,
            *exports.ROUTES,
            audit.activity_page,
            *account.ROUTES,
            *team.ROUTES,
            *roles.ROUTES,
            *api_clients.ROUTES,
            *settings.ROUTES,
            *listing.ROUTES,
            *overview.ROUTES,
            *setup.ROUTES,
            *trail.ROUTES,
            *archive.ROUTES,
            *retention.ROUTES,
            *jobs.ROUTES,
            *sso.ROUTES,
            Router(
                "/",
                route_handlers=asset_routes.ROUTES,
                dependencies={"sent": Provide(read_form)},
                exception_handlers=PROBLEMS,
            ),
        ],
        guards=[check_permission],
        exception_handlers=PAGE_ERRORS,
        middleware=[DefineMiddleware(CompressionMiddleware, config=gzip)],
    )
    files = Router(
        "/",
        route_handlers=[static_file],
        guards=[check_permission],
        exception_handlers=PAGE_ERRORS,
    )
    return [pages, files]
