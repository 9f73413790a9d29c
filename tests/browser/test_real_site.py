"""The whole product in a real browser: the demo's n8n log on the real server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from tests.conftest import PASSWORD, Site, activity, cli, make_site

DEMO = Path(__file__).parents[2] / "src/trailkeeper/sources/demo/n8nEventLog.jsonl"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = make_site(tmp_path_factory.mktemp("real") / "data")
    cli("import", "--data", site.data, "--workspace", "Acme", "--format", "n8n", DEMO)
    site.add_user("robin@example.com", "Robin Operator", "Operator")
    site.add_user("ann@example.com", "Ann Admin", "Admin")
    site.start()
    yield site
    site.stop()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1360, "height": 900})
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def log_in(page: Page, site: Site, email: str = "ada@example.com") -> None:
    page.goto(f"{site.base_url}/login")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/audit")


def serious(page: Page) -> list[str]:
    return [
        f"{violation['id']}: {violation['help']}"
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


def test_an_admin_reads_what_happened_on_n8n(page: Page, real: Site) -> None:
    log_in(page, real)
    rows = page.locator("#rows")
    for sentence in (
        "Recipe Sync product SKUs was stopped by Olga Owner.",
        "Recipe Sync product SKUs was renamed from Sync SKUs by Olga Owner.",
        "Recipe Made by API v2 was deleted by Olga Owner.",
        "User nobody@example.com failed to log in with a password.",
        "User Olga Owner invited Mia Member to join team.",
    ):
        expect(rows.get_by_text(sentence).first).to_be_visible()
    assert serious(page) == []


def test_filters_by_time_user_and_asset_narrow_the_list_and_make_a_link(
    page: Page, browser: Browser, real: Site
) -> None:
    log_in(page, real)
    page.get_by_text("Any time", exact=True).first.click()
    page.get_by_text("Past 30 days", exact=True).or_(page.get_by_text("Last 30 days")).first.click()
    page.get_by_text("Anyone", exact=True).first.click()
    page.get_by_role("combobox", name=re.compile("user|name", re.IGNORECASE)).first.fill("olg")
    page.get_by_role("option").filter(has_text="Olga Owner").first.click()
    expect(page).to_have_url(re.compile("actor="))
    page.keyboard.press("Escape")
    page.get_by_text("Any asset", exact=True).first.click()
    page.get_by_role("combobox", name=re.compile("asset", re.IGNORECASE)).first.fill("order w")
    page.get_by_role("option").filter(has_text="Order webhook").first.click()
    expect(page).to_have_url(re.compile("target="))
    expect(page.locator("#rows li.row")).to_have_count(4)

    link = page.url
    context = browser.new_context()
    other = context.new_page()
    log_in(other, real, "ann@example.com")
    other.goto(link)
    expect(other.locator("#rows li.row")).to_have_count(4)
    context.close()


def test_a_click_on_a_row_opens_everything_that_is_known(page: Page, real: Site) -> None:
    log_in(page, real)
    page.locator("li.row").filter(has_text="was renamed from Sync SKUs").click()
    pane = page.locator("#pane")
    expect(pane).to_be_visible()
    expect(pane).to_contain_text("Recipe renamed")
    expect(pane).to_contain_text("olga.owner@example.com")
    expect(pane).to_contain_text("Sync product SKUs")
    expect(page).to_have_url(re.compile("open="))
    assert serious(page) == []
    page.go_back()
    expect(pane).to_be_hidden()


def test_log_ins_show_how_they_were_made(page: Page, real: Site) -> None:
    log_in(page, real)
    page.goto(f"{real.base_url}/audit?action=user.logged_in&limit=1")
    page.locator("#rows li.row").first.click(position={"x": 300, "y": 5})
    expect(page.locator("#pane")).to_contain_text("password_login")
    expect(page.locator("#pane")).to_contain_text("127.0.0.1")


def test_an_acknowledged_activity_is_there_at_the_next_look(page: Page, real: Site) -> None:
    log_in(page, real)
    hostile = "<img src=x onerror=alert(1)> \x1b[31m =1+1"
    with real.http() as http:
        sent = activity(targets=[{"type": "recipe", "id": "evil", "name": hostile}])
        assert http.post("/api/v1/activities", json=sent).status_code == 201
    page.goto(f"{real.base_url}/audit?target=recipe:evil")
    expect(page.locator("#rows")).to_contain_text("<img src=x onerror=alert(1)>")
    assert page.locator("#rows img").count() == 0


def test_an_operator_is_told_whom_to_ask_and_the_attempt_is_recorded(
    page: Page, real: Site
) -> None:
    page.goto(f"{real.base_url}/login")
    page.get_by_label("E-mail address").fill("robin@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/settings/account")
    page.goto(f"{real.base_url}/audit")
    expect(page.locator("body")).to_contain_text("Admin")
    expect(page.locator("#rows")).to_have_count(0)
    assert serious(page) == []
    with real.http() as http:
        found = http.get(
            "/api/v1/activities",
            params={"action": "audit_log.access_denied", "actor": "robin@example.com"},
        ).json()["data"]
    assert found[0]["details"]["path"] == "/audit"
    assert found[0]["outcome"] == "failure"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1360, 390])
def test_nothing_on_the_pages_is_a_serious_barrier(
    browser: Browser, real: Site, scheme: str, width: int
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    page.goto(f"{real.base_url}/login")
    assert serious(page) == []
    log_in(page, real)
    assert serious(page) == []
    page.goto(f"{real.base_url}/audit?q=zzz")
    assert serious(page) == []
    page.goto(f"{real.base_url}/nowhere")
    assert serious(page) == []
    overflow = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not overflow
    context.close()
