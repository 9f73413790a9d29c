"""Exports in a real browser: from the filtered Audit page to the file; both schemes, and narrow."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.test_account_flows import log_in, serious
from tests.conftest import Site, activity, make_site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = make_site(tmp_path_factory.mktemp("exports") / "data").start()
    with made.http() as http:
        for outcome in ("failure", "success", "failure"):
            http.post("/api/v1/activities", json=activity(outcome=outcome)).raise_for_status()
    yield made
    made.stop()


def opened(browser: Browser, site: Site, width: int, scheme: str) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    context.set_default_timeout(20_000)
    page = context.new_page()
    log_in(page, site, site.email)
    page.wait_for_url("**/audit")
    return page


def test_what_is_filtered_is_exported_and_the_list_shows_when_it_is_ready(
    browser: Browser, site: Site
) -> None:
    expect.set_options(timeout=20_000)
    page = opened(browser, site, 1280, "light")
    # The filter changes a part of the page only; the link to exports goes with it.
    page.get_by_label("Outcome").select_option("failure")
    expect(page.locator("#export-link")).to_have_attribute("href", re.compile("outcome=failure"))
    page.get_by_role("link", name="Export", exact=True).click()
    expect(page.get_by_label("Filter of the export")).to_contain_text("Outcome: Failure")
    page.get_by_label("Format").select_option("jsonl")
    page.get_by_role("button", name="Export", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("made in the background")
    row = page.locator("table.exports tbody tr")
    expect(row).to_contain_text("Ready")  # by itself
    expect(row).to_contain_text("outcome: failure")
    with page.expect_download() as download:
        row.get_by_role("link", name=re.compile("Download")).click()
    lines = download.value.path().read_text().splitlines()
    assert download.value.suggested_filename.startswith("acme-audit-log-")
    assert {json.loads(line)["outcome"] for line in lines} == {"failure"}
    assert serious(page) == []
    page.on("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name=re.compile("Delete")).click()
    expect(page.get_by_role("status")).to_have_text("The export was deleted.")
    expect(page.get_by_role("heading", name="No exports yet")).to_be_visible()
    page.context.close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "dark")])
def test_the_page_is_accessible_and_as_wide_as_the_screen(
    browser: Browser, site: Site, width: int, scheme: str
) -> None:
    expect.set_options(timeout=20_000)
    page = opened(browser, site, width, scheme)
    for address in ("/audit", "/audit/exports", "/audit/exports?outcome=failure&q=recipe"):
        page.goto(site.base_url + address)
        assert serious(page) == []
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{address} is {wide} px too wide"
    page.get_by_role("button", name="Export", exact=True).click()
    expect(page.locator("table.exports tbody tr").first).to_contain_text("Ready")
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.context.close()
