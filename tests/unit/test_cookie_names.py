"""The session's cookie is bound to the host where TLS allows it."""

from __future__ import annotations

from typing import Any, cast

import pytest
from litestar import Request
from litestar.app import Litestar

from trailkeeper.connection import (
    SESSION_COOKIE,
    AnyConnection,
    context_of,
    cookie_name,
    is_https,
    session_cookie,
)

APP = Litestar()


def connection(scheme: str, *headers: tuple[str, str]) -> AnyConnection:
    scope: dict[str, Any] = {
        "type": "http",
        "litestar_app": APP,
        "method": "GET",
        "scheme": scheme,
        "server": ("example.com", 443),
        "path": "/",
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "client": ("192.0.2.1", 4_321),
    }
    return Request(cast("Any", scope))


@pytest.mark.parametrize(
    ("scheme", "name"),
    [("https", "__Host-trailkeeper_session"), ("http", "trailkeeper_session")],
)
def test_the_name_says_whether_the_host_alone_may_set_it(scheme: str, name: str) -> None:
    asked = connection(scheme, ("cookie", f"{name}=value; other=x"))
    assert is_https(asked) == (scheme == "https")
    assert cookie_name(asked, SESSION_COOKIE) == name
    assert session_cookie(asked) == "value"


def test_a_cookie_without_the_prefix_is_overlooked_on_https() -> None:
    asked = connection("https", ("cookie", f"{SESSION_COOKIE}=planted"))
    assert session_cookie(asked) is None


def test_a_cookie_with_the_prefix_is_overlooked_on_http() -> None:
    asked = connection("http", ("cookie", f"__Host-{SESSION_COOKIE}=value"))
    assert session_cookie(asked) is None


def test_the_context_is_where_the_request_came_from() -> None:
    context = context_of(connection("http", ("user-agent", "x" * 3_000)))
    assert context.ip_address == "192.0.2.1"
    assert context.user_agent == "x" * 2_048
    assert context.session_id is None
    assert context_of(connection("http")).user_agent is None
