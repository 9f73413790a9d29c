"""What the pages answer, seen from plain HTTP: permissions, forms, headers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.testing import TestClient

from trailkeeper.web.app_parts import routes
from trailkeeper.web.services import Services
from trailkeeper.web.session import PUBLIC, Permission

from .fake import PASSWORD, FakeAccess, FakeAudit, fake_services
from .preview import make_app

Client = TestClient[Litestar]


@pytest.fixture
def services() -> Services:
    return fake_services()


@pytest.fixture
def client(services: Services) -> Iterator[Client]:
    with TestClient(make_app(services), raise_server_exceptions=False) as client:
        client.follow_redirects = False
        yield client


def log_in(client: Client, email: str = "ada@example.com", **fields: str) -> int:
    page = client.get("/login").text
    form = re.search(r'name="form" value="([^"]+)"', page)
    assert form
    data = {"email": email, "password": PASSWORD, "form": form[1], **fields}
    return client.post("/login", data=data).status_code


def handlers_of(app: Litestar) -> list[tuple[str, HTTPRouteHandler]]:
    """All but the OPTIONS handlers that Litestar adds: those run no code of ours."""
    return [
        (route.path, handler)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if handler.http_methods != {"OPTIONS"}
    ]


def test_every_route_declares_a_permission() -> None:
    app = Litestar(routes(), openapi_config=None)
    handlers = [handler for _path, handler in handlers_of(app)]
    assert len(handlers) >= 8
    for handler in handlers:
        assert isinstance(handler.opt.get("permission"), Permission), handler


def test_every_page_that_is_not_public_asks_for_a_log_in(client: Client) -> None:
    for pattern, handler in handlers_of(client.app):
        if handler.opt["permission"] == PUBLIC or "GET" not in handler.http_methods:
            continue
        path = pattern.replace("{activity_id:str}", "0193-0001")
        answer = client.get(path)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/login?next=")


def test_every_form_is_refused_without_its_token(client: Client) -> None:
    log_in(client)
    for path, handler in handlers_of(client.app):
        if "POST" in handler.http_methods:
            assert client.post(path).status_code == 403, path


def test_a_form_from_another_site_is_refused(client: Client) -> None:
    client.headers["Origin"] = "https://evil.example"
    assert log_in(client) == 403
    client.headers["Origin"] = "null"
    assert log_in(client) == 403
    del client.headers["Origin"]
    client.headers["Sec-Fetch-Site"] = "cross-site"
    assert log_in(client) == 403


def test_logging_out_ends_the_session(client: Client) -> None:
    log_in(client)
    token = re.search(r'name="csrf" value="([^"]+)"', client.get("/audit").text)
    assert token
    cookie = client.cookies["trailkeeper_session"]
    assert client.post("/logout", data={"csrf": token[1]}).headers["location"] == "/login"
    client.cookies.set("trailkeeper_session", cookie)
    assert client.get("/audit").status_code == 303


def test_the_token_may_come_in_a_header(client: Client) -> None:
    log_in(client)
    token = re.search(r'name="csrf" value="([^"]+)"', client.get("/audit").text)
    assert token
    assert client.post("/logout", headers={"X-CSRF-Token": token[1]}).status_code == 303


def test_the_log_in_goes_on_to_an_own_page_only(client: Client) -> None:
    form = re.search(r'name="form" value="([^"]+)"', client.get("/login").text)
    assert form
    data = {"email": "ada@example.com", "password": PASSWORD, "form": form[1]}
    answer = client.post("/login", data={**data, "next": "//evil.example"})
    assert answer.headers["location"] == "/"


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(client: Client) -> None:
    form = re.search(r'name="form" value="([^"]+)"', client.get("/login").text)
    assert form
    data = {"email": "ada@example.com", "password": PASSWORD, "form": form[1]}
    cookies = client.post("/login", data=data).headers.get_list("set-cookie")
    session = next(c for c in cookies if c.startswith("trailkeeper_session="))
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(session.split("; "))


def test_on_https_cookies_are_secure_and_bound_to_the_host(services: Services) -> None:
    with TestClient(make_app(services), base_url="https://log.example") as client:
        cookie = client.get("/login").headers["set-cookie"]
    assert cookie.startswith("__Host-trailkeeper_login=")
    assert "Secure" in cookie


def test_every_answer_has_the_headers_of_a_page(client: Client, services: Services) -> None:
    anonymous = [client.get("/login"), client.get("/audit"), client.post("/login")]
    log_in(client)
    known = [client.get("/audit"), client.get("/audit/none"), client.get("/none")]
    assert isinstance(services.audit, FakeAudit)
    services.audit.broken = True
    broken = client.get("/audit")
    assert broken.status_code == 500
    assert "database is away" not in broken.text
    for answer in [*anonymous, *known, broken]:
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"


def test_static_files_are_cached_for_ever_under_a_name_of_their_content(client: Client) -> None:
    path = re.search(r'href="(/static/[^"]+/style.css)"', client.get("/login").text)
    assert path
    answer = client.get(path[1])
    assert "immutable" in answer.headers["cache-control"]
    assert client.get("/static/old/style.css").headers["cache-control"] == "no-cache"
    assert client.get("/static/old/../web/audit.py").status_code == 404


def test_who_may_not_see_the_log_is_told_whom_to_ask_and_recorded(
    client: Client, services: Services
) -> None:
    log_in(client, "robin@example.com")
    answer = client.get("/audit")
    assert answer.status_code == 403
    assert "owner of this workspace" in answer.text
    assert isinstance(services.access, FakeAccess)
    assert services.access.denied == [("robin@example.com", "/audit")]


def test_a_wrong_parameter_is_named_and_the_filters_stay(client: Client) -> None:
    log_in(client)
    for query, name in [
        ("ip=nonsense&outcome=failure", "ip"),
        ("cursor=nonsense", "cursor"),
        ("from=yesterday", "from"),
        ("q=%22never+ends", "q"),
    ]:
        answer = client.get(f"/audit?{query}")
        assert answer.status_code == 400
        assert f"<code>{name}</code>" in answer.text
        assert 'id="filters"' in answer.text


def test_empty_fields_of_a_plain_form_leave_the_address(client: Client) -> None:
    log_in(client)
    answer = client.get("/audit?actor=u-1&q=&outcome=&range=any&tz=UTC")
    assert answer.headers["location"] == "/audit?actor=u-1"


def test_a_session_that_ended_sends_a_script_to_the_log_in(client: Client) -> None:
    answer = client.get("/audit?actor=u-1", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/login?next=%2Faudit%3Factor%3Du-1"


def test_wrong_log_ins_all_read_the_same(client: Client) -> None:
    assert log_in(client, password="wrong") == 401
    assert log_in(client, "nobody@example.com") == 401
    assert log_in(client, "slow@example.com") == 429


def test_nothing_of_the_log_becomes_markup(client: Client) -> None:
    log_in(client)
    pages = [client.get("/audit").text, client.get("/audit/choices?role=actor").text]
    pages.append(client.get("/audit?open=odd%2Fid+%3F%23").text)
    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "<svg onload" not in page
        assert not re.search("[\x00-\x08\u202a-\u202e\u2066-\u2069]", page)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;[U+202E]gnp.exe" in pages[0]
