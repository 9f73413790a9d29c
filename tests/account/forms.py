"""A browser without scripts: it keeps cookies, and sends a page's form with its hidden fields."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import httpx
from tests.conftest import PASSWORD, Site

_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


class Browser:
    """One person's browser at a site."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.http = httpx.Client(base_url=site.base_url, timeout=30, verify=False)

    def log_in(self, email: str = "", password: str = PASSWORD) -> httpx.Response:
        """Log in by the form; the answer is the redirect, or the page again."""
        page = self.get("/login")
        return self.http.post(
            "/login",
            data={"form": hidden(page, "form"), "email": email or self.site.email,
                  "password": password, "next": "/audit"},
        )  # fmt: skip

    def get(self, path: str) -> httpx.Response:
        return self.http.get(path)

    def post(self, path: str, *, page: str = "", **fields: str | list[str]) -> httpx.Response:
        """Send a form to `path`, with the csrf field of `page` (default: any page of the site)."""
        csrf = hidden(self.get(page or "/teams"), "csrf")
        return self.http.post(path, data={"csrf": csrf, **fields})

    def close(self) -> None:
        self.http.close()


def hidden(page: httpx.Response, name: str) -> str:
    """The value of the first hidden field of this name."""
    for found, value in _HIDDEN.findall(page.text):
        if found == name:
            return unescape(value)
    raise AssertionError(f"{page.url} ({page.status_code}) has no hidden field {name!r}")


def activities(site: Site, **asked: str) -> list[dict[str, Any]]:
    """The activities that match, newest first, as the API has them."""
    with site.http() as http:
        answer = http.get("/api/v1/activities", params={"limit": "50", **asked})
        return answer.raise_for_status().json()["data"]
