"""A browser, and a site to look at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from .fake import PASSWORD, FakeAudit, fake_services
from .preview import make_app, serving

PATIENCE_MS = 8_000


@dataclass(frozen=True)
class Site:
    """Where to go and who to be. `colleague` is a member who may not see the log."""

    base_url: str
    email: str
    password: str
    colleague: str
    audit: FakeAudit


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """The pages on made-up data."""
    services = fake_services()
    assert isinstance(services.audit, FakeAudit)
    with serving(make_app(services)) as url:
        yield Site(url, "ada@example.com", PASSWORD, "robin@example.com", services.audit)


@dataclass
class Visit:
    """One visitor's page. Anything the browser complains about fails the test at its end."""

    page: Page
    site: Site
    complaints: list[str]

    def log_in(self, email: str | None = None) -> Visit:
        self.page.goto(f"{self.site.base_url}/login")
        self.page.get_by_label("E-mail address").fill(email or self.site.email)
        self.page.get_by_label("Password").fill(self.site.password)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url(re.compile("/(audit|settings/account)$"))
        return self

    def go(self, path: str) -> Visit:
        self.page.goto(self.site.base_url + path)
        return self


NewVisit = Callable[..., Visit]


@pytest.fixture
def new_visit(browser: Browser, site: Site) -> Iterator[NewVisit]:
    """Opens a page for a new visitor; arguments are those of a browser context."""
    contexts: list[BrowserContext] = []
    visits: list[Visit] = []

    def start(**options: object) -> Visit:
        shown = {"timezone_id": "Europe/Paris", "viewport": {"width": 1360, "height": 860}}
        context = browser.new_context(**{**shown, **options})
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        visit = Visit(context.new_page(), site, [])
        visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        visit.page.on(
            "console",
            lambda message: (
                visit.complaints.append(message.text)
                if message.type == "error" and "Failed to load resource" not in message.text
                else None
            ),
        )
        visits.append(visit)
        return visit

    yield start
    complaints = [complaint for visit in visits for complaint in visit.complaints]
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture
def visit(new_visit: NewVisit) -> Visit:
    """An admin who looks at the audit log."""
    return new_visit().log_in()
