"""No serious or critical violation of WCAG on any page, light and dark."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from .conftest import NewVisit

PAGES = {
    "the listing": "/audit",
    "a filtered listing": "/audit?actor=user:u-2&target_type=recipe&outcome=success&range=30d",
    "an open pane": "/audit?open=0193-0161",
    "an activity's own page": "/audit/0193-0161",
    "nothing matches": "/audit?actor=nobody",
    "a wrong parameter": "/audit?ip=nonsense",
    "no such activity": "/audit/none",
    "no such page": "/none",
}


def check(page: Page) -> None:
    violations = Axe().run(page).response["violations"]
    bad = [v for v in violations if v["impact"] in ("serious", "critical")]
    assert not bad, [(v["id"], [n["html"] for n in v["nodes"]][:3]) for v in bad]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible(new_visit: NewVisit, scheme: str) -> None:
    visit = new_visit(color_scheme=scheme)
    check(visit.go("/login").page)
    visit.log_in()
    for path in PAGES.values():
        check(visit.go(path).page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_open_menus_are_accessible(new_visit: NewVisit, scheme: str) -> None:
    page = new_visit(color_scheme=scheme).log_in().page
    for name in ("time", "actor", "target", "action"):
        page.locator(f"#label-{name}").click()
        if name in ("actor", "target"):
            page.locator("[role=option]:visible").first.wait_for()
        check(page)
        page.keyboard.press("Escape")
    page.keyboard.press("?")
    check(page)


def test_a_refusal_is_accessible(new_visit: NewVisit) -> None:
    visit = new_visit()
    visit.log_in(visit.site.colleague).go("/audit")
    check(visit.page)
