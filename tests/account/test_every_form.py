"""Every page and form of signed-in users: foreign forms and strangers get nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from tests.account.forms import Browser
from tests.conftest import Site, new_installation

from trailkeeper.app import build
from trailkeeper.installation import opened
from trailkeeper.web.session import PUBLIC, Permission

NOBODY = "01a20650-2ce8-75a6-8a72-e453b32af680"


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """Method and path of every page's route that is not open to everyone."""
    data = tmp_path_factory.mktemp("routes") / "data"
    new_installation(data)
    found: list[tuple[str, str]] = []
    with opened(data) as installation:
        application = build(installation)
        for route in application.litestar.routes:
            for handler in getattr(route, "route_handlers", []):
                permission = handler.opt.get("permission")
                if isinstance(permission, Permission) and permission != PUBLIC:
                    path = re.sub(r"\{[^}]+\}", NOBODY, route.path)
                    found += [(method, path) for method in handler.http_methods & {"GET", "POST"}]
        application.close()
    return found


@pytest.fixture(scope="module")
def owner(shared_site: Site) -> Iterator[Browser]:
    browser = Browser(shared_site)
    assert browser.log_in().status_code == 303
    yield browser
    browser.close()


def forms(routes: list[tuple[str, str]]) -> list[str]:
    return [path for method, path in routes if method == "POST"]


def test_a_form_without_its_token_or_from_elsewhere_is_refused(
    routes: list[tuple[str, str]], owner: Browser
) -> None:
    assert len(forms(routes)) > 10
    for path in forms(routes):
        for headers, fields in (
            ({}, {}),
            ({}, {"csrf": "wrong"}),
            ({"Sec-Fetch-Site": "cross-site"}, {"csrf": "wrong"}),
            ({"Origin": "https://evil.example"}, {}),
        ):
            answer = owner.http.post(path, data=fields, headers=headers)
            assert answer.status_code == 403, f"{path} took a form that was not ours"
    assert owner.get("/audit").status_code == 200


def test_a_stranger_is_led_to_the_log_in_by_every_page_and_form(
    routes: list[tuple[str, str]], shared_site: Site
) -> None:
    with httpx.Client(base_url=shared_site.base_url, verify=False) as http:
        for method, path in routes:
            answer = http.request(method, path)
            assert answer.status_code == 303, f"{method} {path}"
            assert answer.headers["location"].startswith("/login"), f"{method} {path}"


def test_no_page_of_the_owner_breaks(routes: list[tuple[str, str]], owner: Browser) -> None:
    for method, path in routes:
        if method == "GET":
            answer = owner.get(path)
            assert answer.status_code in (200, 303, 404), f"{path}: {answer.status_code}"
            assert "Content-Security-Policy" in answer.headers, path
