"""The bars over the Audit page's listing."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from .conftest import NewVisit, Visit


def bars(page: Page) -> Locator:
    return page.locator("#chart .bar")


def test_the_chart_comes_after_the_page_and_tells_how_many_there_are(visit: Visit) -> None:
    page = visit.page
    total = len(visit.site.audit.activities)
    failed = sum(one.outcome == "failure" for one in visit.site.audit.activities)
    summary = page.locator("#chart figcaption")
    expect(summary).to_have_text(f"{total} activities, {failed} failed, by day")
    expect(bars(page).last.locator("title")).to_have_text(re.compile(r"\d activit(y|ies)"))
    expect(page.locator("#chart .bad").first).to_be_attached()


def test_a_bar_leads_to_the_listing_of_its_time(visit: Visit) -> None:
    page = visit.page
    visit.go("/audit?actor=user:u-2")
    last = bars(page).last
    label = last.locator("title").text_content() or ""
    counted = re.search(r": (\d+) activit", label)
    assert counted
    last.locator(".room").click()
    expect(page).to_have_url(re.compile(r"actor=user%3Au-2&from=.*&to=.*&tz=Europe%2FParis"))
    expect(page.locator("#rows .row")).to_have_count(int(counted[1]))
    expect(page.locator("#chart figcaption")).to_contain_text(f"{counted[1]} activit")
    page.go_back()
    expect(page.locator("#label-time")).to_have_text("Any time")


def test_the_chart_follows_the_filter(visit: Visit) -> None:
    page = visit.page
    page.get_by_label("Outcome").select_option("failure")
    expect(page.locator("#chart figcaption")).to_contain_text(
        re.compile(r"^(\d+) activities, \1 failed")
    )
    visit.go("/audit?actor=nobody")
    expect(page.get_by_text("No activity matches")).to_be_visible()
    expect(page.locator("#chart")).to_have_count(0)


def test_the_table_says_the_same_and_works_by_keyboard(visit: Visit) -> None:
    page = visit.page
    count = bars(page)
    expect(count.first).to_be_attached()
    page.get_by_text("As a table").focus()
    page.keyboard.press("Enter")
    rows = page.locator("#chart tbody tr")
    expect(rows).to_have_count(count.count())
    rows.last.get_by_role("link").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("from="))


def test_without_scripts_a_link_shows_it(new_visit: NewVisit) -> None:
    page = new_visit(java_script_enabled=False).log_in().page
    expect(page.locator("#chart figcaption")).to_have_count(0)
    page.get_by_role("link", name="Show a chart").click()
    expect(page.locator("#chart figcaption")).to_be_visible()
    href = bars(page).last.get_attribute("href")
    assert href
    page.goto(page.url.split("/audit")[0] + href)
    expect(page.locator("#rows .row").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1360, 390])
def test_it_is_accessible_and_fits(new_visit: NewVisit, scheme: str, width: int) -> None:
    viewport = {"width": width, "height": 844}
    page = new_visit(color_scheme=scheme, viewport=viewport).log_in().page
    page.get_by_text("As a table").click()
    violations = Axe().run(page).response["violations"]
    assert not [v["id"] for v in violations if v["impact"] in ("serious", "critical")]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
