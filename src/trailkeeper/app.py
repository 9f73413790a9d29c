"""The composition root: an opened installation becomes an ASGI application."""

from __future__ import annotations

import os
from typing import Any, cast

from litestar import Litestar
from litestar.datastructures import State
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from prometheus_client import CollectorRegistry, Gauge
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from trailkeeper import __version__
from trailkeeper.api import (
    account,
    actions,
    activities,
    archive,
    assets,
    auth,
    counts,
    exports,
    health,
    jobs,
    packages,
    problems,
    retention,
    settings,
    streams,
    team,
    workato,
)
from trailkeeper.api import ingest as hot
from trailkeeper.api.job_posts import JobPosts
from trailkeeper.api.services import ApiServices
from trailkeeper.errors import Problem
from trailkeeper.identity import passwords
from trailkeeper.identity.token_check import TokenCheck
from trailkeeper.installation import Installation
from trailkeeper.ledger.helper import Helper
from trailkeeper.routing import Router
from trailkeeper.web import app_parts
from trailkeeper.web.services import Services

QUEUE = Gauge("trailkeeper_writer_queue_units", "Units of work that are not answered yet")


class Application:
    """Routes the hot path to its own handler and all else to Litestar."""

    def __init__(
        self,
        litestar: Litestar,
        ingest: hot.Ingest,
        job_posts: JobPosts,
        tokens: TokenCheck,
        trusted_proxies: str,
    ) -> None:
        self.litestar = litestar
        # Only here, not around the hot path, which does not ask where a request came from.
        self._behind_proxy: Any = ProxyHeadersMiddleware(cast("Any", litestar), trusted_proxies)
        self._ingest = ingest
        self._job_posts = job_posts
        self._tokens = tokens

    def direct(self, scope: Any, headers: dict[bytes, bytes]) -> hot.Ingest | None:
        """Who answers this request without the ASGI conversation, once its body has come."""
        if scope["method"] != "POST" or scope["path"] != hot.PATH:
            return None
        return self._ingest if self._ingest.takes(headers) else None

    def close(self) -> None:
        """Let go of what was opened for it, before the installation is closed."""
        self._ingest.close()
        self._job_posts.close()
        self._tokens.close()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        is_post = scope["type"] == "http" and scope["method"] == "POST"
        if is_post and scope["path"].rstrip("/") == hot.PATH:
            await self._ingest(scope, receive, send)
        else:
            await self._behind_proxy(scope, receive, send)


def build(installation: Installation) -> Application:
    """The application of an installation. It neither opens nor closes it."""
    passwords.make_ready()
    checks = TokenCheck(installation.engine, installation.writer)
    helper = Helper(installation.settings.redact_keys) if (os.cpu_count() or 1) > 1 else None
    ingest = hot.Ingest(checks, installation.recorder, installation.writer, helper)
    job_posts = JobPosts(installation.jobs)

    def readiness() -> str | None:
        try:
            with installation.engine.connect() as connection:
                connection.exec_driver_sql("SELECT 1 FROM workspace LIMIT 1")
        except Problem as problem:
            return problem.detail
        return None

    metrics = CollectorRegistry()
    metrics.register(installation.stream_metrics)
    QUEUE.set_function(lambda: installation.writer.unanswered)
    api = Router(
        "/api/v1",
        route_handlers=[
            activities.list_activities,
            counts.get_histogram,
            counts.get_facets,
            activities.get_activity,
            activities.record_activities,
            actions.list_actions,
            actions.declare_action,
            actions.get_settings,
            actions.change_settings,
            *account.ROUTES,
            *team.ROUTES,
            *settings.ROUTES,
            *assets.ROUTES,
            *packages.ROUTES,
            *streams.ROUTES,
            *jobs.ROUTES,
            *retention.ROUTES,
            *archive.ROUTES,
            *exports.ROUTES,
        ],
        guards=[auth.check_permission],
        exception_handlers={Exception: problems.handle},
    )
    as_workato = Router(
        "/api",
        route_handlers=workato.ROUTES,
        guards=[auth.check_permission],
        exception_handlers={Exception: problems.handle},
    )
    open_routes = Router(
        "/",
        route_handlers=[health.livez, health.readyz, health.metrics],
        guards=[auth.check_permission],
    )
    litestar = Litestar(
        route_handlers=[api, as_workato, open_routes, *app_parts.routes()],
        exception_handlers={
            404: _outside(app_parts.not_found),
            405: _outside(app_parts.http_error),
            500: _outside(app_parts.server_error),
        },
        state=State(
            {
                "api": ApiServices(
                    tokens=checks,
                    sessions=installation.sessions,
                    reader=installation.reader,
                    actions=installation.actions,
                    access=installation.access,
                    installation=installation,
                    job_posts=job_posts,
                ),
                "services": Services(
                    log_in=installation.log_in,
                    sessions=installation.sessions,
                    audit=installation.reader,
                    access=installation.access,
                    secret_key=installation.secret,
                    vocabulary=installation.actions.vocabulary,
                    installation=installation,
                ),
                "readiness": readiness,
                "metrics": metrics,
            }
        ),
        openapi_config=OpenAPIConfig(
            title="Trailkeeper",
            version=__version__,
            path="/api",
            render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        ),
    )
    return Application(litestar, ingest, job_posts, checks, installation.settings.trusted_proxies)


def _outside(page: Any) -> Any:
    """For addresses that no route has: a problem document under /api, a page elsewhere."""

    def handle(request: Any, error: Exception) -> Any:
        return (problems.handle if request.url.path.startswith("/api/") else page)(request, error)

    return handle
