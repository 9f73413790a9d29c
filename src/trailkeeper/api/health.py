"""/livez, /readyz and /metrics."""

from __future__ import annotations

from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from trailkeeper.api.auth import PUBLIC

ApiRequest = Request[Any, Any, State]


@get(
    "/livez",
    opt={"permission": PUBLIC},
    media_type=MediaType.TEXT,
    sync_to_thread=False,
    include_in_schema=False,
)
def livez() -> str:
    """The process answers."""
    return "ok\n"


@get(
    "/readyz",
    opt={"permission": PUBLIC},
    media_type=MediaType.TEXT,
    sync_to_thread=True,
    include_in_schema=False,
)
def readyz(request: ApiRequest) -> Response[str]:
    """The database answers, and the writer takes work."""
    wrong: str | None = request.app.state["readiness"]()
    return Response(f"{wrong or 'ok'}\n", status_code=503 if wrong else 200)


@get("/metrics", opt={"permission": PUBLIC}, sync_to_thread=True, include_in_schema=False)
def metrics(request: ApiRequest) -> Response[bytes]:
    """Prometheus' text format; it names no workspace, user or asset."""
    # Litestar adds the charset to texts.
    kind = CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8")
    own: CollectorRegistry = request.app.state["metrics"]
    return Response(generate_latest() + generate_latest(own), media_type=kind)
