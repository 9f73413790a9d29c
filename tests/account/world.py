"""A served installation with people in it, for tests of what they do."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import pyotp
from tests.account.forms import Browser, activities, hidden
from tests.conftest import PASSWORD, Site, wait_for

from trailkeeper.installation import opened
from trailkeeper.mail import Kept, Mailer

NEW_PASSWORD = "seven green lanterns drift"
_numbers = itertools.count(1)


@dataclass
class Person:
    """Someone who is logged in at the site."""

    email: str
    name: str
    browser: Browser
    password: str = PASSWORD

    @property
    def http(self) -> httpx.Client:
        return self.browser.http

    def get(self, path: str) -> httpx.Response:
        return self.browser.get(path)

    def post(self, path: str, **fields: str | list[str]) -> httpx.Response:
        return self.browser.post(path, **fields)

    def activity(self, action: str) -> dict[str, Any]:
        return newest(self.browser.site, action, self.email)


@dataclass
class World:
    """The site with its owner, Ada, who is logged in."""

    site: Site
    owner: Person
    people: list[Person] = field(default_factory=list)

    def person(self, role: str = "Operator", *, logged_in: bool = True) -> Person:
        """A new collaborator."""
        number = next(_numbers)
        email, name = f"person{number}@example.com", f"Person {number}"
        self.site.add_user(email, name, role)
        return self.visitor(email, name, logged_in=logged_in)

    def visitor(self, email: str, name: str, *, logged_in: bool = True) -> Person:
        """Someone with an account, or at least with a browser."""
        made = Person(email, name, Browser(self.site))
        self.people.append(made)
        if logged_in:
            answer = made.browser.log_in(email)
            assert answer.status_code == 303, answer.text
        return made

    def browser(self) -> Browser:
        """Another browser, of nobody yet."""
        return self.visitor("", "", logged_in=False).browser

    def other_workspace(self) -> tuple[str, Person]:
        """Another workspace of the installation: its name, and its owner, who is logged in."""
        number = next(_numbers)
        name, email = f"Beta {number}", f"olga{number}@example.com"
        with opened(self.site.data) as installation:
            installation.workspaces.create(name, email, "Olga Owner", PASSWORD)
        return name, self.visitor(email, "Olga Owner")

    def member_of(self, owner: Person, person: Person, role: str = "Operator") -> None:
        """Let somebody join another workspace by invitation, and come back."""
        home = team_ids(person)
        assert owner.post("/team/invite", email=person.email, role=role).status_code == 303
        answer = accept(person, self.link(person.email, "/invite/"))
        assert answer.status_code == 303, answer.text
        back = person.post("/teams/switch", id=home[0])
        assert back.status_code == 303, back.text

    def mails(self, to: str) -> list[Kept]:
        """The mails that were sent to an address, newest first."""
        kept = Mailer("x@example.com", self.site.data / "mail").kept(500)
        return [mail for mail in kept if mail.to == to]

    def link(self, to: str, start: str) -> str:
        """The path of the link in the newest mail to an address that has one of this kind."""
        for mail in self.mails(to):
            for address in re.findall(r"https?://\S+", mail.text):
                if urlsplit(address).path.startswith(start):
                    return urlsplit(address).path
        raise AssertionError(f"no link {start} was sent to {to}")

    def wait_for_link(self, to: str, start: str) -> str:
        """The same, for a mail that is sent after the answer."""
        wait_for(lambda: any(start in mail.text for mail in self.mails(to)))
        return self.link(to, start)

    def new_address(self) -> str:
        return f"new{next(_numbers)}@example.com"

    def id_of(self, person: Person) -> str:
        with opened(self.site.data) as installation:
            members = installation.members.listed(installation.workspaces.find("Acme"))
        return next(one.id for one in members if one.email == person.email)

    def invitation_of(self, email: str) -> str:
        page = self.api("/api/v1/team/invitations")
        return next(str(one["id"]) for one in page if one["email"] == email)

    def role(self, *privileges: str) -> tuple[str, str]:
        """A new role: its id and name."""
        name = f"Role {next(_numbers)}"
        answer = self.owner.post("/team/roles/new", name=name, privileges=list(privileges))
        assert answer.status_code == 303, answer.text
        roles = self.api("/api/v1/team/roles")
        return next(str(one["id"]) for one in roles if one["name"] == name), name

    def api(self, path: str) -> list[dict[str, Any]]:
        with self.site.http() as http:
            return http.get(path).raise_for_status().json()["data"]

    def api_key(self, person: Person) -> str:
        """A fresh API key of this person."""
        found = re.search(r'id="fresh-key">([^<]+)<', person.post("/settings/api-key").text)
        assert found
        return found[1]

    def count(self, action: str) -> int:
        return len(self.found(action))

    def found(self, action: str) -> list[dict[str, Any]]:
        return activities(self.site, action=action, limit="1000")

    def close(self) -> None:
        for person in [self.owner, *self.people]:
            person.browser.close()


def open_world(site: Site) -> World:
    owner = Person(site.email, "Ada Admin", Browser(site))
    assert owner.browser.log_in().status_code == 303
    return World(site, owner)


def newest(site: Site, action: str, actor: str) -> dict[str, Any]:
    found = activities(site, action=action, actor=actor, limit="1")
    assert found, f"no {action} of {actor} was recorded"
    return found[0]


def submit(browser: Browser, path: str, **fields: str) -> httpx.Response:
    """Send the form of a page outside a session."""
    page = browser.get(path)
    return browser.http.post(path, data={"form": hidden(page, "form"), **fields})


def accept(person: Person, link: str) -> httpx.Response:
    return submit(person.browser, link)


def team_ids(person: Person) -> list[str]:
    """The ids of the teams that the person could switch to; the present one is the first after
    a look at the account by API."""
    key = re.search(r'id="fresh-key">([^<]+)<', person.post("/settings/api-key").text)
    assert key
    with person.browser.site.http(key[1]) as http:
        here = http.get("/api/v1/account").json()["workspace_id"]
        teams = [team["id"] for team in http.get("/api/v1/account/teams").json()["data"]]
    return [here, *(id for id in teams if id != here)]


def offered_key(page: httpx.Response) -> str:
    """The key for an authenticator app that a page shows."""
    key = re.search(r'id="key">([^<]+)<', page.text)
    assert key, page.text
    return key[1].replace(" ", "")


def enable_two_factor(person: Person) -> tuple[pyotp.TOTP, list[str]]:
    """Enable it on the page: the authenticator app, and the recovery codes."""
    page = person.get("/settings/two-factor")
    app = pyotp.TOTP(offered_key(page))
    answer = person.http.post(
        "/settings/two-factor/enable",
        data={
            "csrf": hidden(page, "csrf"),
            "kept": hidden(page, "kept"),
            "code": app.now(),
            "password": person.password,
        },
    )
    assert answer.status_code == 200, answer.text
    codes = re.findall(r"<li>([a-z0-9-]+)</li>", answer.text)
    assert len(codes) == 10
    return app, codes


STREAM = "Audit log stream"
_STREAM_PATH = re.compile(r"/settings/audit-streaming/[0-9a-f-]{36}")


def stream_of(person: Person) -> str:
    """The path of the workspace's stream, which is made where there is none."""
    page = person.get("/settings/audit-streaming").text
    if not (found := _STREAM_PATH.search(page)):
        made = person.post("/settings/audit-streaming/new", name=STREAM)
        assert made.status_code == 303, made.text
        found = _STREAM_PATH.search(made.headers["location"])
    assert found
    return found[0]
