"""First log-in, invitation, roles, second factor, reset and teams, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.account.world import NEW_PASSWORD, World, open_world
from tests.conftest import PASSWORD, Site, make_site

from trailkeeper.installation import opened


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    site = make_site(tmp_path_factory.mktemp("flows") / "data").start()
    made = open_world(site)
    yield made
    made.close()
    site.stop()


@pytest.fixture
def contexts(browser: Browser) -> Iterator[list[BrowserContext]]:
    made: list[BrowserContext] = []
    yield made
    for context in made:
        context.close()


def new_page(browser: Browser, contexts: list[BrowserContext]) -> Page:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(10_000)
    contexts.append(context)
    return context.new_page()


def log_in(page: Page, site: Site, email: str, password: str = PASSWORD) -> None:
    page.goto(f"{site.base_url}/login")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def log_out(page: Page) -> None:
    page.locator("summary").filter(has_text="Account of").click()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")


def serious(page: Page) -> list[str]:
    return [
        f"{violation['id']}: {violation['help']}"
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


def test_invited_by_mail_with_a_role_that_may_see_the_log_only_later(
    browser: Browser, contexts: list[BrowserContext], world: World
) -> None:
    site = world.site
    owner = new_page(browser, contexts)
    log_in(owner, site, site.email)
    owner.wait_for_url("**/audit")

    owner.get_by_role("link", name="Team", exact=True).click()
    owner.get_by_role("link", name="Roles").click()
    owner.get_by_role("link", name="New role").click()
    owner.get_by_label("Name").fill("Job watcher")
    owner.get_by_label("See job history").check()
    owner.get_by_role("button", name="Save role").click()
    expect(owner.get_by_role("status")).to_have_text("The role was made.")

    owner.get_by_role("link", name="Collaborators").click()
    owner.get_by_label("E-mail address").fill("vera@example.com")
    owner.locator('form[action="/team/invite"] select').select_option("Job watcher")
    owner.get_by_role("button", name="Invite").click()
    expect(owner.get_by_role("status")).to_have_text("The invitation was sent.")

    # The owner finds the mail on the page, because no mail server is set up.
    owner.goto(f"{site.base_url}/settings/mail")
    owner.get_by_text("to vera@example.com").first.click()
    link = re.search(r"http\S+/invite/\S+", owner.locator("pre").first.inner_text())
    assert link

    vera = new_page(browser, contexts)
    vera.goto(link[0])
    expect(vera.get_by_role("heading", name="Join Acme")).to_be_visible()
    assert serious(vera) == []
    vera.get_by_label("Your name").fill("Vera Visitor")
    vera.get_by_label("Choose a password").fill("password12")
    vera.get_by_role("button", name="Join the team").click()
    expect(vera.get_by_role("alert")).to_contain_text("too easy to guess")
    vera.get_by_label("Choose a password").fill(NEW_PASSWORD)
    vera.get_by_role("button", name="Join the team").click()
    vera.wait_for_url("**/settings/account")
    expect(vera.get_by_role("link", name="Audit")).to_have_count(0)
    vera.goto(f"{site.base_url}/audit")
    expect(vera.get_by_role("heading", name="You may not see the audit log")).to_be_visible()

    owner.goto(f"{site.base_url}/team/roles")
    owner.get_by_role("row").filter(has_text="Job watcher").get_by_role(
        "link", name="Change"
    ).click()
    owner.get_by_label("See the activity audit log").check()
    owner.get_by_role("button", name="Save role").click()
    expect(owner.get_by_role("status")).to_have_text("The role was changed.")

    vera.goto(f"{site.base_url}/audit")
    vera.get_by_label("E-mail address").fill("vera@example.com")
    vera.get_by_label("Password").fill(NEW_PASSWORD)
    vera.get_by_role("button", name="Log in").click()
    vera.wait_for_url("**/audit")
    rows = vera.locator("#rows")
    expect(rows.get_by_text("Role Job watcher was updated by Ada Admin.")).to_be_visible()
    expect(
        rows.get_by_text("User Vera Visitor accepted the invite to join team as an Job watcher.")
    ).to_be_visible()


def test_a_second_factor_from_an_authenticator_app(
    browser: Browser, contexts: list[BrowserContext], world: World
) -> None:
    person = world.person(logged_in=False)
    page = new_page(browser, contexts)
    log_in(page, world.site, person.email)
    page.wait_for_url("**/settings/account")
    page.get_by_role("link", name="Two-factor authentication").click()
    expect(page.get_by_role("img", name="QR code of the key below")).to_be_visible()
    assert serious(page) == []
    app = pyotp.TOTP(page.locator("#key").inner_text().replace(" ", ""))
    page.get_by_label("Code").fill("000000")
    page.get_by_label("Your password").first.fill(PASSWORD)
    page.get_by_role("button", name="Enable").click()
    expect(page.locator("#error-code")).to_be_visible()
    # A mistyped code keeps the key that the app already has.
    assert page.locator("#key").inner_text().replace(" ", "") == app.secret
    page.get_by_label("Code").fill(app.now())
    page.get_by_label("Your password").first.fill(PASSWORD)
    page.get_by_role("button", name="Enable").click()
    expect(page.locator(".codes li")).to_have_count(10)
    recovery = page.locator(".codes li").first.inner_text()
    assert serious(page) == []
    log_out(page)

    log_in(page, world.site, person.email)
    expect(page.get_by_role("heading", name="Enter your code")).to_be_visible()
    page.get_by_label("Code").fill(app.at(datetime.now(UTC) + timedelta(seconds=30)))
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/settings/account")
    log_out(page)

    log_in(page, world.site, person.email)
    page.get_by_label("Code").fill(recovery)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/settings/account")
    page.goto(f"{world.site.base_url}/settings/two-factor")
    expect(page.get_by_text("9 of 10 are left")).to_be_visible()


def test_a_forgotten_password_is_reset_by_mail(
    browser: Browser, contexts: list[BrowserContext], world: World
) -> None:
    person = world.person(logged_in=False)
    page = new_page(browser, contexts)
    page.goto(f"{world.site.base_url}/login")
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("E-mail address").fill(person.email)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("status")).to_contain_text("a mail with a link is on its way")
    page.goto(world.site.base_url + world.wait_for_link(person.email, "/reset/"))
    assert serious(page) == []
    page.get_by_label("New password").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("status")).to_contain_text("Log in with the new one")
    page.get_by_label("E-mail address").fill(person.email)
    page.get_by_label("Password").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/settings/account")


def test_switching_teams_from_the_menu(
    browser: Browser, contexts: list[BrowserContext], world: World
) -> None:
    name, olga = world.other_workspace()
    person = world.person("Admin")
    world.member_of(olga, person)
    page = new_page(browser, contexts)
    log_in(page, world.site, person.email)
    page.wait_for_url("**/audit")
    page.locator("summary").filter(has_text="Account of").click()
    page.get_by_role("link", name="Switch team").click()
    assert serious(page) == []
    page.get_by_role("button", name=f"Switch to {name}").click()
    expect(page.locator(".workspace")).to_have_text(name)
    with opened(world.site.data) as installation:
        key = installation.workspaces.find(name)
        token = installation.tokens.create(
            installation.workspaces.by_operator(name), "reader", ["activities:read"]
        ).token
    assert key
    with world.site.http(token) as http:
        found = http.get("/api/v1/activities", params={"action": "user.team_switched"}).json()
    assert found["data"][0]["actor"]["email"] == person.email
    assert found["data"][0]["details"]["previous_team"] == "Acme"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_on_account_team_and_settings_pages_is_a_serious_barrier(
    browser: Browser, world: World, scheme: str, width: int
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    world.owner.post("/team/invite", email=world.new_address(), role="Analyst")
    log_in(page, world.site, world.site.email)
    page.wait_for_url("**/audit")
    for path in (
        "/team",
        "/team/invitations",
        "/team/roles",
        "/team/roles/new",
        "/teams",
        "/settings/account",
        "/settings/password",
        "/settings/two-factor",
        "/settings/sessions",
        "/settings/api-key",
        "/settings/jobs",
        "/settings/audit-streaming",
        "/settings/api-clients",
        "/settings/delegated-admins",
        "/settings/sign-in",
        "/settings/mail",
    ):
        page.goto(world.site.base_url + path)
        assert serious(page) == [], path
        overflow = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert not overflow, path
    context.close()
