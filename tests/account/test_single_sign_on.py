"""Single sign-on against a real OpenID provider on loopback, and against lying ones."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import expect
from tests.account.forms import Browser, activities, hidden
from tests.account.world import NEW_PASSWORD, Person, World, open_world, submit, team_ids
from tests.conftest import PASSWORD, Site, everything_in, free_port, make_site, wait_for

FOLDER = Path(__file__).parents[1] / "provider"
SECRET = "provider-marker: with 100% & odd characters"
PAGE = "/settings/single-sign-on"


@dataclass
class Setting:
    """A site and a provider that know each other."""

    world: World
    issuer: str

    def form(self, **changed: str) -> dict[str, str]:
        return {
            "enabled": "yes",
            "issuer": self.issuer,
            "client_id": "trailkeeper",
            "client_secret": SECRET,
            "domains": "example.com",
            **changed,
        }

    def workspace(self) -> str:
        link = re.search(r"/sso/([0-9a-f-]{36})<", self.world.owner.get(PAGE).text)
        assert link
        return link[1]


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    site = make_site(tmp_path_factory.mktemp("sso") / "data")
    site.port = free_port()
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    site.environment = {
        "TRAILKEEPER_SSO_ALLOWED_NETWORKS": "127.0.0.0/8",
        "TRAILKEEPER_PUBLIC_URL": site.base_url,
    }
    assert (FOLDER / "node_modules").is_dir(), "run `make test`, which installs the provider"
    log = (tmp_path_factory.getbasetemp() / f"provider-{port}.log").open("wb")
    provider = subprocess.Popen(
        ["node", "server.mjs", str(port), f"{site.base_url}/sso/callback"],
        cwd=FOLDER,
        stdout=log,
        stderr=log,
    )
    site.start()
    world = open_world(site)
    try:
        wait_for(lambda: provider.poll() is not None or answers(issuer), 30)
        made = Setting(world, issuer)
        answer = world.owner.post(PAGE, **made.form())
        assert answer.status_code == 303, answer.text
        yield made
    finally:
        world.close()
        site.stop()
        provider.terminate()
        provider.wait(10)
        log.close()


def answers(issuer: str) -> bool:
    try:
        return httpx.get(f"{issuer}/jwks", verify=False).status_code == 200
    except httpx.HTTPError:
        return False


def through_provider(browser: Browser, address: str, email: str) -> httpx.Response:
    """Log in at the provider as this user and agree; the answer to what it leads back to."""
    here = browser.site.base_url
    with httpx.Client(timeout=30, verify=False) as at_provider:
        answer = at_provider.get(address)
        for _ in range(12):
            if answer.is_redirect:
                target = urljoin(str(answer.url), answer.headers["location"])
                if target.startswith(here):
                    return browser.http.get(target.removeprefix(here))
                answer = at_provider.get(target)
                continue
            form = re.search(r'<form[^>]+action="([^"]+)"', answer.text)
            assert form, answer.text
            fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', answer.text))
            fields |= {"login": email, "password": "any"}
            answer = at_provider.post(urljoin(str(answer.url), unescape(form[1])), data=fields)
    raise AssertionError("the provider does not lead back")


def start(browser: Browser, setting: Setting, next_path: str = "/") -> str:
    answer = browser.get(f"/sso/{setting.workspace()}?next={next_path}")
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def come_in(setting: Setting, person: Person) -> httpx.Response:
    return through_provider(person.browser, start(person.browser, setting), person.email)


def test_a_collaborator_logs_in_through_the_provider(setting: Setting) -> None:
    person = setting.world.person("Admin", logged_in=False)
    address = start(person.browser, setting, "/audit?limit=5")
    assert "code_challenge_method=S256" in address
    answer = through_provider(person.browser, address, person.email)
    assert answer.headers["location"] == "/audit?limit=5"
    assert person.get("/audit").status_code == 200
    found = person.activity("user.logged_in")
    assert found["details"] == {"activity": "sso_login", "provider": "127.0.0.1"}
    assert found["actor"]["email"] == person.email
    listed = setting.world.owner.get(f"/audit?open={found['id']}")
    assert "logged in through SSO (127.0.0.1)." in re.sub(r"<[^>]+>", "", listed.text)


def test_in_a_real_browser_from_the_log_in_page(setting: Setting, browser: Chromium) -> None:
    person = setting.world.person("Admin", logged_in=False)
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{setting.world.site.base_url}/login")
    page.get_by_role("link", name="Log in through single sign-on").click()
    page.get_by_label("E-mail address").fill(person.email)
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url(f"{setting.issuer}/**")
    page.locator("input[name=login]").fill(person.email)
    page.locator("input[name=password]").fill("any")
    page.locator("button[type=submit]").click()
    page.locator("button[type=submit]").click()  # the provider asks for consent
    page.wait_for_url("**/audit")
    expect(page.get_by_text(f"User {person.name} logged in through SSO").first).to_be_visible()
    context.close()


def test_who_is_no_collaborator_does_not_come_in_and_that_is_recorded(setting: Setting) -> None:
    browser = setting.world.browser()
    answer = through_provider(browser, start(browser, setting), "stranger@example.com")
    assert answer.status_code == 401
    assert "no collaborator" in answer.text
    assert "trailkeeper_session" not in browser.http.cookies
    failed = activities(setting.world.site, action="user.login_failed")[0]
    assert failed["actor"]["email"] == "stranger@example.com"
    assert failed["reason"] == "no collaborator"
    assert failed["details"] == {"activity": "sso_login", "provider": "127.0.0.1"}


@pytest.mark.parametrize(
    ("email", "said"),
    [
        ("ada@elsewhere.example", "of no domain that this team takes"),
        ("unverified@example.com", "has not verified the e-mail address"),
    ],
)
def test_a_foreign_or_unverified_address_does_not_come_in(
    setting: Setting, email: str, said: str
) -> None:
    browser = setting.world.browser()
    answer = through_provider(browser, start(browser, setting), email)
    assert answer.status_code == 401
    assert said in answer.text


def test_an_answer_is_good_once_and_only_in_the_browser_that_asked(setting: Setting) -> None:
    person, thief = setting.world.person(logged_in=False), setting.world.browser()
    address = start(person.browser, setting)
    kept = person.http.cookies["trailkeeper_sso"]
    through_provider(person.browser, address, person.email)
    assert "trailkeeper_sso" not in person.http.cookies

    # The attacker's own answer in the victim's browser: the state is another.
    victim = setting.world.browser()
    start(victim, setting)
    answer = through_provider(thief, start(thief, setting), person.email)
    assert answer.status_code == 303
    used = answer.request.url.raw_path.decode()
    assert victim.get(used).status_code == 401
    assert "trailkeeper_session" not in victim.http.cookies
    # Played once more, with the cookie that belongs to it.
    again = setting.world.browser()
    again.http.cookies.set("trailkeeper_sso", kept)
    assert again.get(used).status_code == 401
    assert again.get("/sso/callback?code=x&state=y").status_code == 401


def test_its_session_is_good_for_this_team_only(setting: Setting) -> None:
    world = setting.world
    _, olga = world.other_workspace()
    person = world.person()
    world.member_of(olga, person)
    other = team_ids(person)[1]
    person.post("/logout")
    assert come_in(setting, person).status_code == 303
    assert person.post("/teams/switch", id=other).status_code == 403
    for path in ("/settings/password", "/settings/two-factor", "/settings/account"):
        assert person.get(path).status_code == 403, path
    world.owner.post("/settings/delegated-admins/add", email=person.email)
    here = team_ids_of_owner(world)
    answer = person.post("/teams/delegated", id=here, password=PASSWORD)
    assert answer.status_code == 403


def team_ids_of_owner(world: World) -> str:
    return team_ids(world.owner)[0]


def test_where_it_is_required_a_password_is_good_for_the_owner_only(setting: Setting) -> None:
    world = setting.world
    person = world.person()
    try:
        answer = world.owner.post(PAGE, **setting.form(required="yes"))
        assert answer.status_code == 303, answer.text
        assert person.get("/teams").status_code == 303  # the session by password has ended
        answer = person.browser.log_in(person.email)
        assert answer.status_code == 403
        assert "asks for single sign-on" in answer.text
        assert come_in(setting, person).status_code == 303
        assert person.get("/teams").status_code == 200
        assert world.browser().log_in(world.owner.email).status_code == 303

        # An invitation is accepted without a session, and one comes by the provider.
        email = world.new_address()
        world.owner.post("/team/invite", email=email, role="Admin")
        vera = world.visitor(email, "Vera", logged_in=False)
        joined = submit(vera.browser, world.link(email, "/invite/"), name="Vera", new=NEW_PASSWORD)
        assert joined.headers["location"] == "/login?done=joined"
        assert "trailkeeper_session" not in vera.http.cookies
        assert come_in(setting, vera).status_code == 303
        assert vera.get("/audit").status_code == 200
    finally:
        world.owner.post(PAGE, **setting.form())


def test_changes_are_recorded_without_the_secret(setting: Setting) -> None:
    owner = setting.world.owner
    owner.post(PAGE, **setting.form(domains="example.com example.org"))
    found = activities(setting.world.site, action="sso.settings_updated")[0]
    assert found["changes"][0] == {
        "field": "domains",
        "old": ["example.com"],
        "new": ["example.com", "example.org"],
    }
    assert "provider-marker" not in str(found)
    assert "provider-marker" not in owner.get(PAGE).text
    stored = everything_in(setting.world.site.data)
    assert b"example.org" in stored
    assert b"provider-marker" not in stored
    # An empty secret keeps the one that is there.
    assert owner.post(PAGE, **setting.form(client_secret="")).status_code == 303
    assert come_in(setting, setting.world.person(logged_in=False)).status_code == 303


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"issuer": ""}, "is needed"),
        ({"issuer": "https://"}, "not an address"),
        ({"issuer": "javascript:alert(1)"}, "not an address"),
        ({"issuer": "http://[fe80::1]/"}, "not called"),
        ({"issuer": "http://169.254.169.254"}, "not called"),
        ({"issuer": "http://[64:ff9b::a9fe:a9fe]"}, "not called"),
        ({"domains": ""}, "domains are needed"),
        ({"domains": "no domain <b>"}, "is no domain"),
        ({"client_id": "a\r\nb"}, "printable"),
        ({"enabled": "", "required": "yes"}, "cannot be required"),
    ],
)
def test_wrong_settings_are_refused_with_what_is_wrong(
    setting: Setting, changed: dict[str, str], said: str
) -> None:
    answer = setting.world.owner.post(PAGE, **setting.form(**changed))
    assert answer.status_code in (409, 422)
    assert said in unescape(answer.text)
    assert come_in(setting, setting.world.person(logged_in=False)).status_code == 303


def test_only_the_owner_changes_it(setting: Setting) -> None:
    admin = setting.world.person("Admin")
    assert admin.get(PAGE).status_code == 403
    assert admin.post(PAGE, **setting.form()).status_code == 403
    with setting.world.site.http(setting.world.api_key(admin)) as http:
        body: dict[str, Any] = {
            "enabled": False, "issuer": "", "client_id": "", "domains": [],
        }  # fmt: skip
        assert http.put("/api/v1/settings/single-sign-on", json=body).status_code == 403
        seen = http.get("/api/v1/settings/single-sign-on").json()
    assert seen["has_secret"] is True
    assert "client_secret" not in seen


def test_an_address_without_single_sign_on_is_told_to_use_the_password(setting: Setting) -> None:
    browser = setting.world.browser()
    answer = submit(browser, "/sso", email="someone@elsewhere.example")
    assert answer.status_code == 422
    assert "Log in with your password" in answer.text
    assert browser.get("/sso/none").status_code == 404


def test_a_provider_that_is_gone_is_named(site: Site) -> None:
    world = open_world(site)
    try:
        form = {"enabled": "yes", "client_id": "x", "domains": "example.com"}
        # Without the setting, nothing on this machine is called.
        answer = world.owner.post(PAGE, issuer="http://127.0.0.1:9", **form)
        assert answer.status_code == 422
        assert "leads to an address that is not called" in answer.text
        assert urlsplit(site.base_url).hostname == "127.0.0.1"
        assert hidden(answer, "csrf")
    finally:
        world.close()
