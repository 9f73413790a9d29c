"""The archive in a real browser: its settings, and searching it on the Audit page."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.archive.filling import DAY_US, FIRST, acme, record
from tests.browser.test_real_site import log_in, serious
from tests.conftest import PASSWORD, Site, activity, wait_for

SHOTS = os.environ.get("TRAILKEEPER_TEST_SHOTS")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three days of 40 activities, nothing archived yet."""
    where = tmp_path_factory.mktemp("pages")
    folder = where / "archive"
    with acme(where / "data", folder) as (here, key):
        for day in range(3):
            record(
                here,
                key,
                FIRST + day * DAY_US,
                (
                    activity(
                        id=f"d{day}-{n}",
                        action="recipe.stopped" if n % 2 else "recipe.started",
                        targets=[{"type": "recipe", "id": str(n % 5), "name": f"Recipe {n % 5}"}],
                        context={"ip_address": f"203.0.113.{n}"},
                        details={"word": f"w{n}x"},
                    )
                    for n in range(40)
                ),
            )
        by = here.workspaces.by_operator("Acme")
        token = here.tokens.create(by, "tests", ["activities:read", "admin"], None).token
    site = Site(where / "data", token)
    site.environment["TRAILKEEPER_STREAM_FOLDERS"] = str(folder)
    site.add_user("robin@example.com", "Robin Operator", "Operator")
    site.start()
    yield site
    site.stop()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1360, "height": 900})
    context.set_default_timeout(15_000)
    made = context.new_page()
    errors: list[str] = []
    made.on("pageerror", lambda error: errors.append(str(error)))
    yield made
    context.close()
    assert errors == []


@pytest.fixture(scope="module")
def archived(filled: Site, browser: Browser) -> Site:
    """The same, after an archive was set up on its page."""
    context = browser.new_context(viewport={"width": 1360, "height": 900})
    page = context.new_page()
    log_in(page, filled)
    expect(page.locator("#places")).to_have_count(0)
    page.goto(f"{filled.base_url}/audit/archive")
    expect(page.get_by_text("This workspace has no archive")).to_be_visible()
    page.get_by_role("link", name="Set one up").click()
    page.get_by_label("Kind").select_option("folder")
    page.get_by_role("button", name="Show its settings").click()
    folder = filled.environment["TRAILKEEPER_STREAM_FOLDERS"]
    page.get_by_role("textbox", name=re.compile("^Folder")).fill("/etc")
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("alert")).to_contain_text(folder)
    page.get_by_role("textbox", name=re.compile("^Folder")).fill(f"{folder}/acme")
    page.get_by_label("Days to keep").fill("never")
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("alert")).to_contain_text("must be a number")
    page.get_by_label("Days to keep").fill("3650")
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("status").first).to_contain_text("was set up")
    context.close()
    with filled.http() as http:
        wait_for(
            lambda: (
                (there := http.get("/api/v1/archive").json())["waiting"] == 0 and there["days"] >= 4
            ),
            30,
            filled.log,
        )
    return filled


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def test_its_settings_tell_how_it_stands(page: Page, archived: Site) -> None:
    log_in(page, archived)
    page.goto(f"{archived.base_url}/settings/archive")
    expect(page.get_by_text("Running")).to_be_visible()
    figures = page.locator(".figures")
    expect(figures).to_contain_text("2026-03-03")
    expect(figures).to_contain_text("KB")
    page.get_by_role("button", name="Test the place").click()
    expect(page.get_by_text("The place took the test")).to_be_visible()
    shot(page, "settings-light")
    assert serious(page) == []
    page.goto(f"{archived.base_url}/settings/archive")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused: paused by Ada Admin")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("The archive goes on")).to_be_visible()


def test_the_audit_page_leads_to_the_archive_with_the_same_filter(
    page: Page, archived: Site
) -> None:
    log_in(page, archived)
    page.goto(f"{archived.base_url}/audit?action=recipe.stopped&target=recipe:3")
    page.locator("#places").get_by_role("link", name="Archive").click()
    for part in ("action=recipe.stopped", "target=recipe%3A3"):
        expect(page).to_have_url(re.compile(rf"/audit/archive\?(.*&)?{part}(&|$)"))
    expect(page.locator("h1")).to_have_text("Audit log archive")
    expect(page.locator("#rows li.row")).to_have_count(12)
    said = page.locator(".searched")
    expect(said).to_contain_text(re.compile("from 2026-02-28 to 2026-03-03 "))
    expect(said).to_contain_text("Searched")
    shot(page, "archive-light")
    assert serious(page) == []
    page.locator("#places").get_by_role("link", name="Log").click()
    expect(page).to_have_url(re.compile(r"/audit\?(.*&)?action=recipe.stopped"))


def test_the_filter_bar_stays_in_the_archive(page: Page, archived: Site) -> None:
    log_in(page, archived)
    page.goto(f"{archived.base_url}/audit/archive")
    page.locator("#q").fill("w7x")
    page.locator("#q").press("Enter")
    expect(page).to_have_url(re.compile(r"/audit/archive\?q=w7x"))
    expect(page.locator("#rows li.row")).to_have_count(3)
    expect(page.locator("#places a").first).to_have_attribute("href", "/audit?q=w7x")
    page.get_by_role("link", name=re.compile("Remove the filter Search")).click()
    expect(page.locator("#rows li.row")).to_have_count(50)
    page.get_by_role("link", name="Load more").click()
    expect(page.locator("#rows li.row")).to_have_count(100)
    page.locator("#rows .name").filter(has_text="Recipe 2").first.click()
    expect(page).to_have_url(re.compile(r"/audit/archive\?target=recipe%3A2"))
    page.goto(f"{archived.base_url}/audit/archive?q=nothing+like+it")
    expect(page.get_by_text("No activity matches")).to_be_visible()
    page.goto(f"{archived.base_url}/audit/archive?q=%22open")
    expect(page.get_by_text("This filter cannot be read")).to_be_visible()


def test_a_row_opens_everything_that_is_known_and_has_a_link_of_its_own(
    page: Page, archived: Site
) -> None:
    log_in(page, archived)
    page.goto(f"{archived.base_url}/audit/archive?q=w7x")
    page.locator("#rows .row-open").first.click()
    pane = page.locator("#pane")
    expect(pane).to_contain_text("203.0.113.7")
    expect(pane).to_contain_text("robin@example.com")
    expect(page).to_have_url(re.compile(r"/audit/archive\?q=w7x&open=\d+"))
    assert serious(page) == []
    shot(page, "archive-pane-light")
    page.reload()
    expect(pane).to_contain_text("203.0.113.7")
    page.get_by_role("link", name="Open as a page").click()
    expect(page).to_have_url(re.compile(r"/audit/archive/\d+"))
    expect(page.locator("#pane")).to_contain_text("d2-7")
    page.get_by_role("link", name="Audit log archive").click()
    expect(page).to_have_url(re.compile(r"/audit/archive"))
    page.goto(f"{archived.base_url}/audit/archive/999999999")
    expect(page.get_by_text("There is no such activity")).to_be_visible()
    page.goto(f"{archived.base_url}/audit/archive/nonsense")
    expect(page.get_by_text("There is no such activity")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_telephone(browser: Browser, archived: Site, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, color_scheme="dark" if scheme == "dark" else "light"
    )
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.goto(f"{archived.base_url}/login")
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/audit")
    for path, name in (("/audit/archive", "archive"), ("/settings/archive", "settings")):
        page.goto(archived.base_url + path)
        expect(page.locator("main")).to_be_visible()
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wide) == 0
        assert serious(page) == []
        shot(page, f"{name}-390-{scheme}")
    context.close()


def test_only_who_may_see_the_log_sees_the_archive(page: Page, archived: Site) -> None:
    log_in_as(page, archived, "robin@example.com")
    answer = page.goto(f"{archived.base_url}/audit/archive")
    assert answer is not None
    assert answer.status == 403
    answer = page.goto(f"{archived.base_url}/settings/archive")
    assert answer is not None
    assert answer.status == 403


def log_in_as(page: Page, site: Site, email: str) -> None:
    page.goto(f"{site.base_url}/login")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "/login" not in url)


def test_a_harmed_archive_says_so(page: Page, archived: Site) -> None:
    folder = Path(archived.environment["TRAILKEEPER_STREAM_FOLDERS"])
    path = next(folder.rglob("date=2026-03-02/*.parquet"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    try:
        log_in(page, archived)
        answer = page.goto(f"{archived.base_url}/audit/archive?q=w7x")
        assert answer is not None
        assert answer.status == 503
        expect(page.get_by_role("alert")).to_contain_text("is not what was written")
    finally:
        path.write_bytes(whole)
