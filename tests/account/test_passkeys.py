"""Passkeys, made and used by real Chromium with an authenticator of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Page, expect
from tests.account.forms import Browser, hidden
from tests.account.world import Person, World, open_world
from tests.conftest import PASSWORD, Site, free_port, make_site

TWO_FACTOR = "/settings/two-factor"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    site = make_site(tmp_path_factory.mktemp("passkeys") / "data")
    site.port = free_port()
    site.environment = {"TRAILKEEPER_PUBLIC_URL": f"http://localhost:{site.port}"}
    site.start()
    made = open_world(site)
    yield made
    made.close()
    site.stop()


@pytest.fixture
def context(browser: Chromium) -> Iterator[BrowserContext]:
    made = browser.new_context()
    made.set_default_timeout(10_000)
    yield made
    made.close()


def new_page(context: BrowserContext) -> Page:
    """A page whose browser has a security key, which is touched at once."""
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "usb",
                "hasResidentKey": False,
                "hasUserVerification": False,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return page


def log_in(page: Page, site: Site, person: Person) -> None:
    page.goto(f"http://localhost:{site.port}/login")
    page.get_by_label("E-mail address").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def add_passkey(page: Page, site: Site, name: str) -> None:
    page.goto(f"http://localhost:{site.port}{TWO_FACTOR}")
    page.get_by_label("Name of the new passkey").fill(name)
    form = page.locator(f'form[action="{TWO_FACTOR}/passkeys"]')
    form.get_by_label("Your password").fill(PASSWORD)
    form.get_by_role("button", name="Add a passkey").click()


def test_a_passkey_is_a_second_factor(context: BrowserContext, world: World) -> None:
    person, site = world.person(logged_in=False), world.site
    page = new_page(context)
    log_in(page, site, person)
    page.wait_for_url("**/settings/account")
    add_passkey(page, site, "Blue key")
    expect(page.locator(".codes li")).to_have_count(10)
    assert person.activity("user.two_factor_enabled")["details"] == {"method": "passkey"}
    recovery = page.locator(".codes li").first.inner_text()
    page.locator("summary").filter(has_text="Account of").click()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")

    log_in(page, site, person)
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/settings/account")
    entered = person.activity("user.logged_in")["details"]
    assert entered == {"activity": "password_login", "second_factor": "passkey"}

    # A recovery code works without an authenticator app, too.
    other = Browser(site)
    answer = other.log_in(person.email)
    data = {"form": hidden(answer, "form"), "code": recovery}
    assert other.http.post("/login/code", data=data).status_code == 303
    other.close()

    page.goto(f"http://localhost:{site.port}{TWO_FACTOR}")
    row = page.get_by_role("row").filter(has_text="Blue key")
    row.get_by_label("Your password, to remove Blue key").fill("wrong")
    row.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("alert")).to_contain_text("not your password")
    row.get_by_label("Your password, to remove Blue key").fill(PASSWORD)
    row.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("status").first).to_contain_text("The passkey was removed")
    assert person.activity("user.two_factor_disabled")["details"] == {"method": "passkey"}


def test_an_answer_is_good_once_and_for_its_user_only(
    context: BrowserContext, world: World
) -> None:
    person, thief, site = world.person(logged_in=False), world.person(), world.site
    page = new_page(context)
    log_in(page, site, person)
    page.wait_for_url("**/settings/account")
    add_passkey(page, site, "Blue key")
    expect(page.locator(".codes li")).to_have_count(10)
    context.clear_cookies()
    log_in(page, site, person)
    with page.expect_request("**/login/code") as sent:
        page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/settings/account")
    response = sent.value.post_data_json["response"]
    assert json.loads(response)["type"] == "public-key"

    replay = world.browser()
    form = hidden(replay.log_in(person.email), "form")
    for answer in (response, "{}", "[]", "nonsense", "x" * 30_000, response.replace("a", "b")):
        data = {"form": form, "response": answer}
        assert replay.http.post("/login/code", data=data).status_code in (401, 429)
    assert person.activity("user.login_failed")["reason"] == "wrong passkey"
    assert thief.get("/teams").status_code == 200


def test_a_second_passkey_is_recorded_as_such(context: BrowserContext, world: World) -> None:
    person, site = world.person(logged_in=False), world.site
    page = new_page(context)
    log_in(page, site, person)
    page.wait_for_url("**/settings/account")
    add_passkey(page, site, "Blue key")
    expect(page.locator(".codes li")).to_have_count(10)
    # The same authenticator is not taken twice.
    add_passkey(page, site, "Blue key again")
    expect(page.get_by_text("This passkey is there already.")).to_be_visible()
    context.close()


def test_what_no_authenticator_made_is_refused(world: World) -> None:
    person = world.person()
    page = person.get(TWO_FACTOR)
    pattern = r'name="kept" value="([^"]+)">\s*<input type="hidden" name="response"'
    kept = re.search(pattern, page.text)
    assert kept
    other = world.person()
    for fields, status in (
        ({"kept": kept[1], "response": "{}"}, 422),
        ({"kept": "made up", "response": "{}"}, 422),
        ({"kept": kept[1], "response": "{}", "password": "wrong"}, 422),
        ({"kept": kept[1], "response": "{}", "name": "a\r\nb"}, 422),
    ):
        answer = person.post(
            f"{TWO_FACTOR}/passkeys", **{"name": "Key", "password": PASSWORD, **fields}
        )
        assert answer.status_code == status, answer.text
    stolen = {"name": "Key", "password": PASSWORD, "kept": kept[1], "response": "{}"}
    answer = other.post(f"{TWO_FACTOR}/passkeys", **stolen)
    assert answer.status_code == 422
    assert "another session" in answer.text


def test_at_an_address_without_a_host_name_the_page_says_what_is_missing(site: Site) -> None:
    made = open_world(site)
    assert "public_url" in made.owner.get(TWO_FACTOR).text
    made.close()
