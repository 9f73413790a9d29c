"""What must not work: stolen cookies, codes and links used twice, rights beyond one's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import time_machine
from tests.account.forms import Browser, activities, hidden
from tests.account.world import (
    NEW_PASSWORD,
    Person,
    World,
    accept,
    enable_two_factor,
    open_world,
    submit,
    team_ids,
)
from tests.conftest import PASSWORD, Site, tables_of, wait_for

from trailkeeper.activity import Context
from trailkeeper.errors import NotFound
from trailkeeper.installation import Installation, opened
from trailkeeper.team.invitations import InvitationEnded


@pytest.fixture(scope="module")
def world(shared_site: Site) -> Iterator[World]:
    made = open_world(shared_site)
    yield made
    made.close()


def denials(world: World, actor: Person) -> list[dict[str, Any]]:
    return activities(world.site, action="access.denied", actor=actor.email)


# --- Sessions


def test_a_session_that_was_there_before_the_log_in_does_not_become_the_users(
    world: World,
) -> None:
    person = world.person(logged_in=False)
    person.http.cookies.set("trailkeeper_session", "chosen-by-an-attacker")
    assert person.browser.log_in(person.email).status_code == 303
    with httpx.Client(base_url=world.site.base_url, verify=False) as thief:
        thief.cookies.set("trailkeeper_session", "chosen-by-an-attacker")
        assert thief.get("/teams").status_code == 303


def test_each_log_in_has_a_cookie_of_its_own(world: World) -> None:
    person = world.person()
    first = person.http.cookies["trailkeeper_session"]
    person.http.cookies.clear()
    person.browser.log_in(person.email)
    assert person.http.cookies["trailkeeper_session"] != first


def test_a_cookie_is_worth_nothing_after_the_log_out(world: World) -> None:
    person = world.person()
    stolen = person.http.cookies["trailkeeper_session"]
    person.post("/logout")
    thief = world.browser()
    thief.http.cookies.set("trailkeeper_session", stolen)
    for path in ("/teams", "/settings/account", "/audit"):
        assert thief.get(path).headers["location"].startswith("/login")


def test_a_stolen_cookie_is_worth_nothing_after_the_password_changed(world: World) -> None:
    person = world.person()
    thief = world.browser()
    thief.http.cookies.set("trailkeeper_session", person.http.cookies["trailkeeper_session"])
    assert thief.get("/teams").status_code == 200
    person.post("/settings/password", current=PASSWORD, new=NEW_PASSWORD)
    assert thief.get("/teams").status_code == 303
    assert person.get("/teams").status_code == 200


def test_log_out_everywhere_ends_the_other_sessions(world: World) -> None:
    person = world.person()
    other = world.browser()
    other.log_in(person.email)
    assert person.get("/settings/sessions").text.count("<tr>") == 3
    assert person.post("/settings/sessions/end").status_code == 303
    assert other.get("/teams").status_code == 303
    assert person.get("/teams").status_code == 200
    assert person.activity("user.sessions_ended")["details"] == {"count": 1}


def test_nobody_ends_the_session_of_another(world: World) -> None:
    person, other = world.person(), world.person()
    page = other.get("/settings/sessions").text
    found = activities(world.site, action="user.logged_in", actor=other.email)
    context = found[0]["context"]
    assert isinstance(context, dict)
    answer = person.post("/settings/sessions/end", id=str(context["session_id"]))
    assert answer.status_code == 404
    assert other.get("/settings/sessions").status_code == 200
    assert page


# --- Second factor


def log_in_by_code(browser: Browser, email: str, code: str) -> httpx.Response:
    page = browser.log_in(email)
    assert "Enter your code" in page.text
    return browser.http.post("/login/code", data={"form": hidden(page, "form"), "code": code})


def test_a_code_works_once_and_so_does_a_recovery_code(world: World) -> None:
    person = world.person()
    app, codes = enable_two_factor(person)
    # The code that enabled it is used up, also when it is the last one by now.
    with tables_of(world.site.data) as database:
        asked = 'SELECT totp_last_step FROM "user" WHERE email = ?'
        (step,) = database.execute(asked, (person.email,)).fetchone()
    used = app.generate_otp(step)
    assert log_in_by_code(world.browser(), person.email, used).status_code == 401
    next_code = app.at(datetime.now(UTC) + timedelta(seconds=30))
    assert log_in_by_code(world.browser(), person.email, next_code).status_code == 303
    assert log_in_by_code(world.browser(), person.email, next_code).status_code == 401
    entered = person.activity("user.logged_in")["details"]
    assert entered == {"activity": "password_login", "second_factor": "totp"}
    code = codes[3].upper().replace("-", " ")
    assert log_in_by_code(world.browser(), person.email, code).status_code == 303
    assert log_in_by_code(world.browser(), person.email, codes[3]).status_code == 401
    failed = person.activity("user.login_failed")
    assert failed["reason"] == "wrong code"


def test_new_recovery_codes_end_the_old_ones(world: World) -> None:
    person = world.person()
    _, old = enable_two_factor(person)
    page = person.post("/settings/two-factor/codes", password=PASSWORD)
    new = re.findall(r"<li>([a-z0-9-]+)</li>", page.text)
    assert log_in_by_code(world.browser(), person.email, old[0]).status_code == 401
    assert log_in_by_code(world.browser(), person.email, new[0]).status_code == 303


def test_a_code_is_nothing_without_the_password_before_it(world: World) -> None:
    person = world.person()
    app, _ = enable_two_factor(person)
    browser = world.browser()
    page = browser.get("/login")
    data = {"form": hidden(page, "form"), "code": app.now()}
    for challenge in ("", "made up", "e30.e30.e30"):
        browser.http.cookies.set("trailkeeper_challenge", challenge)
        answer = browser.http.post("/login/code", data=data)
        assert answer.status_code == 401
        assert "trailkeeper_session" not in browser.http.cookies


def test_codes_are_throttled(world: World) -> None:
    person = world.person()
    enable_two_factor(person)
    browser = world.browser()
    page = browser.log_in(person.email)
    statuses = [
        browser.http.post(
            "/login/code", data={"form": hidden(page, "form"), "code": f"{number:06}"}
        ).status_code
        for number in range(12)
    ]
    assert statuses[:9] == [401] * 9
    assert statuses[-1] == 429


def test_who_must_enable_a_second_factor_sees_only_that_page(world: World) -> None:
    _, olga = world.other_workspace()
    require = "/settings/sign-in/two-factor"
    assert olga.post(require, require_two_factor="yes").status_code == 409  # has none herself
    enable_two_factor(olga)
    assert olga.post(require, require_two_factor="yes").status_code == 303
    person = world.person()
    olga.post("/team/invite", email=person.email, role="Admin")
    assert accept(person, world.link(person.email, "/invite/")).status_code == 303
    for path in ("/", "/audit", "/team", "/settings/api-key", "/settings/account"):
        assert person.get(path).headers["location"] == "/settings/two-factor", path
    assert "asks for two-factor" in person.get("/settings/two-factor").text
    assert person.http.get("/api/v1/activities").status_code == 403
    enable_two_factor(person)
    assert person.get("/audit").status_code == 200


# --- Invitations and links


def test_an_invitation_works_once(world: World) -> None:
    email = world.new_address()
    world.owner.post("/team/invite", email=email, role="Operator")
    link = world.link(email, "/invite/")
    first, second = world.browser(), world.browser()
    page = second.get(link)
    assert submit(first, link, name="Vera", new=NEW_PASSWORD).status_code == 303
    data = {"form": hidden(page, "form"), "name": "Vera", "new": NEW_PASSWORD}
    assert second.http.post(link, data=data).status_code == 404


def test_a_resent_invitation_ends_the_old_link(world: World) -> None:
    email = world.new_address()
    world.owner.post("/team/invite", email=email, role="Operator")
    old = world.link(email, "/invite/")
    id = world.invitation_of(email)
    assert world.owner.post(f"/team/invitations/{id}/resend").status_code == 303
    assert world.browser().get(old).status_code == 404
    assert world.browser().get(world.link(email, "/invite/")).status_code == 200


def test_an_invitation_ends_after_seven_days_and_makes_room_for_another(world: World) -> None:
    email = world.new_address()
    world.owner.post("/team/invite", email=email, role="Operator")
    token = world.link(email, "/invite/").removeprefix("/invite/")
    with opened(world.site.data) as installation:
        by = installation.workspaces.by_operator("Acme")
        now = datetime.now(UTC)
        with time_machine.travel(now + timedelta(days=6, hours=23), tick=False):
            assert installation.invitations.look(token)
        with time_machine.travel(now + timedelta(days=7, seconds=5), tick=False):
            with pytest.raises(InvitationEnded):
                installation.invitations.look(token)
            assert installation.invitations.create(by, email, "Analyst")


def test_a_reset_link_ends_after_half_an_hour_and_when_another_is_asked_for(world: World) -> None:
    person = world.person(logged_in=False)
    submit(person.browser, "/forgot", email=person.email)
    first = world.wait_for_link(person.email, "/reset/").removeprefix("/reset/")
    with opened(world.site.data) as installation:
        now = datetime.now(UTC)
        with time_machine.travel(now + timedelta(minutes=29), tick=False):
            installation.accounts.look_at_reset(first)
        for minutes in (31, 600):
            with (
                time_machine.travel(now + timedelta(minutes=minutes), tick=False),
                pytest.raises(NotFound),
            ):
                installation.accounts.look_at_reset(first)
        _second_link(installation, world, person)
        with pytest.raises(NotFound):
            installation.accounts.look_at_reset(first)


def _second_link(installation: Installation, world: World, person: Person) -> None:
    installation.accounts.ask_reset(person.email, Context(ip_address="203.0.113.5"))
    wait_for(lambda: len(world.mails(person.email)) > 1)


def test_a_reset_ends_all_sessions_and_the_link(world: World) -> None:
    person = world.person()
    submit(world.browser(), "/forgot", email=person.email)
    link = world.wait_for_link(person.email, "/reset/")
    browser = world.browser()
    assert submit(browser, link, new="short").status_code == 422
    assert submit(browser, link, new=NEW_PASSWORD).status_code == 303
    assert person.get("/teams").status_code == 303
    assert browser.get(link).status_code == 404
    assert person.browser.log_in(person.email, NEW_PASSWORD).status_code == 303
    details = person.activity("user.password_changed")["details"]
    assert details == {"method": "reset_link"}


def test_a_link_starts_with_the_public_address_whatever_the_host_header_says(
    world: World,
) -> None:
    person = world.person(logged_in=False)
    page = person.get("/forgot")
    person.http.post(
        "/forgot",
        data={"form": hidden(page, "form"), "email": person.email},
        headers={"Host": "evil.example"},
    )
    world.wait_for_link(person.email, "/reset/")
    assert "evil.example" not in world.mails(person.email)[0].text


# --- Rights


def limited(world: World, *privileges: str) -> Person:
    """Someone whose custom role has only these privileges."""
    _, name = world.role(*privileges)
    return world.person(name)


def test_nobody_gives_themselves_or_others_more_than_they_hold(world: World) -> None:
    person = limited(world, "roles.manage", "team.manage", "api_clients.manage")
    mine, other = world.id_of(person), world.person()
    role_id, _ = world.role("jobs.view")
    strong_id, strong = world.role("activity_audit.view")
    before = len(denials(world, person))
    email = world.new_address()
    tries: list[tuple[str, dict[str, str | list[str]]]] = [
        ("/team/roles/new", {"name": "Mine", "privileges": ["activity_audit.view"]}),
        (f"/team/roles/{role_id}", {"name": "X", "privileges": ["jobs.view", "recipes.edit"]}),
        (f"/team/roles/{strong_id}", {"name": strong, "privileges": ["team.manage"]}),
        (f"/team/roles/{strong_id}/delete", {}),
        (f"/team/members/{mine}/role", {"role": "Admin"}),
        (f"/team/members/{mine}/role", {"role": strong}),
        (f"/team/members/{world.id_of(other)}/role", {"role": "Admin"}),
        (f"/team/members/{world.id_of(world.person('Admin'))}/remove", {}),
        ("/team/invite", {"email": email, "role": "Admin"}),
        ("/settings/api-clients", {"name": "robot", "scopes": ["admin"]}),
        ("/settings/api-clients", {"name": "robot", "scopes": ["activities:read"]}),
        ("/team/transfer", {"id": mine, "password": PASSWORD}),
        ("/settings/delegated-admins/add", {"email": person.email}),
    ]
    for path, fields in tries:
        assert person.post(path, **fields).status_code == 403, f"{path} {fields}"
    assert len(denials(world, person)) - before == len(tries)
    assert world.mails(email) == []


def test_an_admin_token_is_not_had_by_rotating_one(world: World) -> None:
    person = limited(world, "api_clients.manage")
    admin = next(one for one in world.api("/api/v1/api-clients") if one["name"] == "tests")
    answer = person.post(f"/settings/api-clients/{admin['id']}/rotate")
    assert answer.status_code == 403
    assert "fresh-key" not in answer.text


def test_a_role_with_the_privilege_sees_the_log_and_without_it_not(world: World) -> None:
    id, name = world.role("jobs.view")
    person = world.person(name)
    assert person.get("/audit").status_code == 403
    assert 'href="/audit"' not in person.get("/teams").text
    world.owner.post(
        f"/team/roles/{id}", name=name, privileges=["jobs.view", "activity_audit.view"]
    )
    assert person.get("/audit").status_code == 303  # asks to log in again
    person.browser.log_in(person.email)
    assert person.get("/audit").status_code == 200


def test_only_the_owner_of_the_first_workspace_reads_the_kept_mails(world: World) -> None:
    _, olga = world.other_workspace()
    assert world.owner.get("/settings/mail").status_code == 200
    assert olga.get("/settings/mail").status_code == 403
    assert world.person("Admin").get("/settings/mail").status_code == 403


def test_a_delegated_admin_acts_with_their_own_name_and_not_on_the_account_itself(
    world: World,
) -> None:
    person = world.person()
    world.owner.post("/settings/delegated-admins/add", email=person.email)
    here = team_ids(person)[0]
    person.post("/settings/delegated-password", id=here, current=PASSWORD, new=NEW_PASSWORD)
    assert person.post("/teams/delegated", id=here, password="wrong").status_code == 422
    failed = person.activity("user.login_failed")
    assert failed["actor"]["type"] == "delegated_admin"
    assert person.post("/teams/delegated", id=here, password=NEW_PASSWORD).status_code == 303
    email = world.new_address()
    assert person.post("/team/invite", email=email, role="Operator").status_code == 303
    invited = activities(world.site, action="invite.created", target=email)[0]
    assert invited["actor"]["type"] == "delegated_admin"
    assert invited["actor"]["email"] == person.email
    assert invited["on_behalf_of"]["email"] == world.owner.email
    for path in ("/settings/account", "/settings/password", "/settings/delegated-admins"):
        assert person.get(path).status_code == 403, path
    assert person.post("/team/transfer", id="x", password=PASSWORD).status_code == 403


def test_the_workspace_changes_hands_with_the_password_only(world: World) -> None:
    _, olga = world.other_workspace()
    person = world.person()
    world.member_of(olga, person, "Analyst")
    id = world.id_of(person)
    assert olga.post("/team/transfer", id=id, password="wrong").status_code == 422
    assert olga.post("/team/transfer", id=id, password=PASSWORD).status_code == 303
    assert olga.get("/settings/delegated-admins").status_code == 403
    assert "Admin of" in olga.get("/teams").text
    here = team_ids(olga)[0]
    person.post("/teams/switch", id=here)
    assert person.get("/settings/delegated-admins").status_code == 200


# --- Machine access


def test_a_rotated_client_has_a_new_token_and_the_old_one_is_refused(world: World) -> None:
    page = world.owner.post(
        "/settings/api-clients", name="robot", scopes=["activities:read"], days="30"
    )
    old = re.search(r'id="fresh-key">([^<]+)<', page.text)
    assert old, page.text
    with world.site.http(old[1]) as http:
        assert http.get("/api/v1/activities").status_code == 200
        id = next(str(one["id"]) for one in world.api("/api/v1/api-clients"))
        page = world.owner.post(f"/settings/api-clients/{id}/rotate")
        new = re.search(r'id="fresh-key">([^<]+)<', page.text)
        assert new
        assert new[1] != old[1]
        assert http.get("/api/v1/activities").status_code == 401
    with world.site.http(new[1]) as http:
        assert http.get("/api/v1/activities").status_code == 200
        assert world.owner.post(f"/settings/api-clients/{id}/revoke").status_code == 303
        assert http.get("/api/v1/activities").status_code == 401
    client = next(one for one in world.api("/api/v1/api-clients") if one["id"] == id)
    assert client["state"] == "revoked"
    assert client["last_used_at"]


def test_a_refreshed_key_kills_the_old_one_and_does_what_the_role_may(world: World) -> None:
    person = world.person("Admin")
    old = world.api_key(person)
    new = world.api_key(person)
    with world.site.http(old) as http:
        assert http.get("/api/v1/account").status_code == 401
    with world.site.http(new) as http:
        assert http.get("/api/v1/account").json()["email"] == person.email
        assert http.get("/api/v1/activities").status_code == 200
        world.owner.post(f"/team/members/{world.id_of(person)}/role", role="Operator")
        assert http.get("/api/v1/activities").status_code == 403
        assert http.get("/api/v1/team/members").status_code == 403
        answer = http.post("/api/v1/activities", json={})
        assert answer.status_code == 403


# --- Other workspaces


def test_ids_of_another_workspace_lead_nowhere(world: World) -> None:
    _, olga = world.other_workspace()
    victim = world.person()
    email = world.new_address()
    world.owner.post("/team/invite", email=email, role="Operator")
    member, invite = world.id_of(victim), world.invitation_of(email)
    role = world.role("jobs.view")[0]
    client = str(world.api("/api/v1/api-clients")[0]["id"])
    world.owner.post("/settings/delegated-admins/add", email=victim.email)
    tries: list[tuple[str, dict[str, str | list[str]]]] = [
        (f"/team/members/{member}/role", {"role": "Admin"}),
        (f"/team/members/{member}/remove", {}),
        ("/team/transfer", {"id": member, "password": PASSWORD}),
        (f"/team/invitations/{invite}/role", {"role": "Admin"}),
        (f"/team/invitations/{invite}/cancel", {}),
        (f"/team/invitations/{invite}/resend", {}),
        (f"/team/roles/{role}", {"name": "Mine", "privileges": ["jobs.view"]}),
        (f"/team/roles/{role}/delete", {}),
        (f"/settings/api-clients/{client}/rotate", {}),
        (f"/settings/api-clients/{client}/revoke", {}),
        ("/settings/delegated-admins/remove", {"id": member}),
        ("/teams/switch", {"id": team_ids(victim)[0]}),
        ("/teams/delegated", {"id": team_ids(victim)[0], "password": PASSWORD}),
    ]
    for path, fields in tries:
        assert olga.post(path, **fields).status_code == 404, path
    assert victim.get("/teams").status_code == 200
    assert olga.get(f"/team/roles/{role}").status_code == 404
    key = world.api_key(olga)
    with world.site.http(key) as http:
        for method, path, body in (
            ("PATCH", f"/api/v1/team/members/{member}", {"role": "Admin"}),
            ("DELETE", f"/api/v1/team/members/{member}", None),
            ("PUT", "/api/v1/team/owner", {"member_id": member, "password": PASSWORD}),
            ("PATCH", f"/api/v1/team/invitations/{invite}", {"role": "Admin"}),
            ("DELETE", f"/api/v1/team/invitations/{invite}", None),
            ("POST", f"/api/v1/team/invitations/{invite}/resend", None),
            ("PUT", f"/api/v1/team/roles/{role}", {"name": "x", "privileges": ["jobs.view"]}),
            ("DELETE", f"/api/v1/team/roles/{role}", None),
            ("POST", f"/api/v1/api-clients/{client}/rotate", None),
            ("DELETE", f"/api/v1/api-clients/{client}", None),
            ("DELETE", f"/api/v1/settings/delegated-admins/{member}", None),
            ("DELETE", "/api/v1/account/sessions/none", None),
        ):
            assert http.request(method, path, json=body).status_code == 404, f"{method} {path}"

        def denied() -> list[str]:
            asked = {"action": "access.denied", "actor": olga.email}
            found = http.get("/api/v1/activities", params=asked).json()["data"]
            return [one["reason"] for one in found]

        # The answers have not waited for their record.
        wait_for(lambda: len(denied()) >= len(tries) + 12)
        assert denied() == ["not in this workspace"] * (len(tries) + 12)
