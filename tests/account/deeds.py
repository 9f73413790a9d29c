"""The 29 account and team activities: what each is done by, and what the log has of it then.

The table docs/reference/account-and-team.md is made from here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyotp
from tests.account.forms import hidden
from tests.account.world import (
    NEW_PASSWORD,
    STREAM,
    Person,
    World,
    accept,
    enable_two_factor,
    offered_key,
    stream_of,
    submit,
    team_ids,
)
from tests.conftest import PASSWORD


@dataclass(frozen=True)
class Expected:
    """What the one new activity has. `actor` and `target` are names; of details, at least these."""

    actor: str
    target: str
    target_type: str
    details: dict[str, Any] = field(default_factory=dict)
    changes: list[tuple[str, Any, Any]] = field(default_factory=list)
    outcome: str = "success"
    workspace_of: Person | None = None
    """Whose workspace has it, where it is not Ada's."""


@dataclass(frozen=True)
class Deed:
    """One way to an activity. `do` does it and returns what to expect; `fail` tries and must be
    refused."""

    action: str
    way: str
    api: str
    do: Callable[[World], Expected]
    fail: Callable[[World], None] | None = None

    @property
    def name(self) -> str:
        return self.do.__name__


DEEDS: list[Deed] = []


def deed(
    action: str, way: str, api: str = "", fail: Callable[[World], None] | None = None
) -> Callable[[Callable[[World], Expected]], Callable[[World], Expected]]:
    def keep(do: Callable[[World], Expected]) -> Callable[[World], Expected]:
        DEEDS.append(Deed(action, way, api, do, fail))
        return do

    return keep


def refused(answer: Any, *statuses: int) -> None:
    assert answer.status_code in (statuses or (422,)), f"{answer.status_code}: {answer.text[:500]}"


def person_target(person: Person) -> tuple[str, str]:
    return person.name, "user"


# --- Account


def _wrong_log_in(world: World) -> None:
    refused(world.person(logged_in=False).browser.log_in("nobody@example.com", "wrong"), 401)


@deed("user.logged_in", "/login", fail=_wrong_log_in)
def a_user_logs_in(world: World) -> Expected:
    person = world.person(logged_in=False)
    assert person.browser.log_in(person.email).headers["location"] == "/audit"
    return Expected(person.name, *person_target(person), {"activity": "password_login"})


@deed("user.login_failed", "/login")
def a_log_in_fails(world: World) -> Expected:
    person = world.person(logged_in=False)
    refused(person.browser.log_in(person.email, "not the password"), 401)
    details = {"activity": "password_login"}
    return Expected(person.name, *person_target(person), details, outcome="failure")


def _foreign_log_out(world: World) -> None:
    refused(world.person().http.post("/logout", data={"csrf": "wrong"}), 403)


@deed("user.logged_out", "menu, Log out (/logout)", fail=_foreign_log_out)
def a_user_logs_out(world: World) -> Expected:
    person = world.person()
    assert person.post("/logout").headers["location"] == "/login"
    assert person.get("/teams").headers["location"].startswith("/login")
    return Expected(person.name, *person_target(person), {"activity": "user_logout"})


def _weak_or_wrong_password(world: World) -> None:
    person = world.person()
    change = "/settings/password"
    refused(person.post(change, current="wrong", new=NEW_PASSWORD))
    for weak in ("short", "password1234", f"{person.name} {person.name}", person.email, PASSWORD):
        refused(person.post(change, current=PASSWORD, new=weak))


@deed(
    "user.password_changed",
    "/settings/password; /reset/…",
    "POST /api/v1/account/password",
    _weak_or_wrong_password,
)
def a_user_changes_the_password(world: World) -> Expected:
    person = world.person()
    old_cookie = person.http.cookies["trailkeeper_session"]
    answer = person.post("/settings/password", current=PASSWORD, new=NEW_PASSWORD)
    assert answer.status_code == 303, answer.text
    assert person.http.cookies["trailkeeper_session"] != old_cookie
    assert "Your password was changed" in person.get(answer.headers["location"]).text
    refused(world.browser().log_in(person.email, PASSWORD), 401)
    assert world.browser().log_in(person.email, NEW_PASSWORD).status_code == 303
    return Expected(person.name, *person_target(person), {"method": "current_password"})


def _switch_to_a_foreign_team(world: World) -> None:
    _, olga = world.other_workspace()
    refused(world.person().post("/teams/switch", id=team_ids(olga)[0]), 404)


@deed("user.team_switched", "menu, Switch team (/teams)", fail=_switch_to_a_foreign_team)
def a_user_switches_to_another_team(world: World) -> Expected:
    name, olga = world.other_workspace()
    person = world.person()
    world.member_of(olga, person)
    home, other = team_ids(person)
    assert person.post("/teams/switch", id=other).headers["location"] == "/"
    assert name in person.get("/teams").text
    left = person.activity("user.logged_out")
    assert left["details"] == {"activity": "switch_team"}
    assert person.post("/teams/switch", id=home).status_code == 303
    details = {"activity": "switch_team", "previous_team": name}
    return Expected(person.name, "Acme", "workspace", details)


def _wrong_address(world: World) -> None:
    person, email = world.person(), "/settings/account/email"
    refused(person.post(email, email="new@example.com", password="wrong"))
    for bad in ("none", "a@b", "x@example.com\r\nBcc: y@example.com", "<b>@example.com", "", "@"):
        refused(person.post(email, email=bad, password=PASSWORD))
    refused(person.post(email, email=person.email, password=PASSWORD))
    refused(submit(person.browser, "/forgot", email="x"), 200)
    assert person.get("/confirm-email/none").status_code == 404


@deed(
    "user.email_updated",
    "/settings/account, then the link in the mail",
    "POST /api/v1/account/email",
    _wrong_address,
)
def a_user_changes_the_address(world: World) -> Expected:
    person = world.person()
    new = f"new.{person.email}"
    answer = person.post("/settings/account/email", email=new, password=PASSWORD)
    assert answer.status_code == 303, answer.text
    assert "about to change" in world.mails(person.email)[0].subject
    link = world.link(new, "/confirm-email/")
    assert person.get(link).status_code == 200
    refused(world.browser().log_in(new), 401)  # looking at the link changes nothing
    assert submit(person.browser, link).status_code == 303
    refused(person.get(link), 404)
    assert world.browser().log_in(new).status_code == 303
    return Expected(
        person.name,
        person.name,
        "user",
        {"email": new, "previous_email": person.email},
        [("email", person.email, new)],
    )


def _bad_names(world: World) -> None:
    person = world.person()
    for bad in ("", "  ", "a\r\nb", "x" * 101, "a\x00b", "a\u202eb"):
        refused(person.post("/settings/account/name", name=bad))


@deed("user.name_updated", "/settings/account", "PATCH /api/v1/account", _bad_names)
def a_user_changes_the_name(world: World) -> Expected:
    person = world.person()
    new = f"<b>{person.name}</b> & Söhne"
    assert person.post("/settings/account/name", name=new).status_code == 303
    assert "&lt;b&gt;" in person.get("/settings/account").text
    return Expected(
        person.name,
        person.name,
        "user",
        {"user_name": new, "previous_user_name": person.name},
        [("name", person.name, new)],
    )


def _reset_for_nobody(world: World) -> None:
    browser = world.person(logged_in=False).browser
    refused(submit(browser, "/forgot", email="nobody@example.com"), 200)
    assert world.mails("nobody@example.com") == []


@deed("user.password_reset_requested", "/forgot", fail=_reset_for_nobody)
def a_user_asks_for_a_new_password(world: World) -> Expected:
    person = world.person(logged_in=False)
    answer = submit(person.browser, "/forgot", email=person.email)
    assert "a mail with a link is on its way" in answer.text
    link = world.wait_for_link(person.email, "/reset/")
    assert person.get(link).status_code == 200
    return Expected(person.name, *person_target(person))


def _no_delegated_admin(world: World) -> None:
    add = "/settings/delegated-admins/add"
    refused(world.owner.post(add, email="nobody@example.com"))
    refused(world.owner.post(add, email=world.owner.email))
    refused(world.person("Admin").post(add, email=world.owner.email), 403)


@deed(
    "delegated_admin.added",
    "/settings/delegated-admins",
    "POST /api/v1/settings/delegated-admins",
    _no_delegated_admin,
)
def the_owner_adds_a_delegated_admin(world: World) -> Expected:
    person = world.person()
    answer = world.owner.post("/settings/delegated-admins/add", email=person.email)
    assert answer.status_code == 303, answer.text
    refused(world.owner.post("/settings/delegated-admins/add", email=person.email), 409)
    return Expected("Ada Admin", person.name, "delegated_admin")


def _delegated_password_of_nobody(world: World) -> None:
    person, page = world.person(), "/settings/delegated-password"
    here = team_ids(person)[0]
    refused(person.post(page, id=here, current=PASSWORD, new=NEW_PASSWORD), 404)
    world.owner.post("/settings/delegated-admins/add", email=person.email)
    refused(person.post(page, id=here, current="wrong", new=NEW_PASSWORD))
    refused(person.post(page, id=here, current=PASSWORD, new=PASSWORD))
    refused(person.post(page, id=here, current=PASSWORD, new="short"))


@deed(
    "delegated_admin.password_updated",
    "/settings/delegated-password",
    "PUT /api/v1/account/delegated-password",
    _delegated_password_of_nobody,
)
def a_delegated_admin_sets_the_password_for_that(world: World) -> Expected:
    person = world.person()
    world.owner.post("/settings/delegated-admins/add", email=person.email)
    here = team_ids(person)[0]
    answer = person.post(
        "/settings/delegated-password", id=here, current=PASSWORD, new=NEW_PASSWORD
    )
    assert answer.headers["location"] == "/teams?done=delegated-password", answer.text
    refused(person.post("/teams/delegated", id=here, password=PASSWORD))
    assert person.post("/teams/delegated", id=here, password=NEW_PASSWORD).status_code == 303
    assert "Acting for" in person.get("/audit").text
    return Expected(person.name, person.name, "delegated_admin")


def _remove_nobody(world: World) -> None:
    remove = "/settings/delegated-admins/remove"
    refused(world.owner.post(remove, id="nobody"), 404)
    refused(world.person("Admin").post(remove, id="nobody"), 403)


@deed(
    "delegated_admin.removed",
    "/settings/delegated-admins",
    "DELETE /api/v1/settings/delegated-admins/{id}",
    _remove_nobody,
)
def the_owner_removes_a_delegated_admin(world: World) -> Expected:
    person = world.person()
    world.owner.post("/settings/delegated-admins/add", email=person.email)
    here = team_ids(person)[0]
    person.post("/settings/delegated-password", id=here, current=PASSWORD, new=NEW_PASSWORD)
    person.post("/teams/delegated", id=here, password=NEW_PASSWORD)
    assert person.get("/team").status_code == 200
    id = world.id_of(person)
    assert world.owner.post("/settings/delegated-admins/remove", id=id).status_code == 303
    assert person.get("/team").status_code == 303  # the session has ended at once
    return Expected("Ada Admin", person.name, "delegated_admin")


def _wrong_first_code(world: World) -> None:
    person = world.person()
    page = person.get("/settings/two-factor")
    fields = {"csrf": hidden(page, "csrf"), "kept": hidden(page, "kept")}
    enable = "/settings/two-factor/enable"
    for code in ("000000x", "", "12345", "١٢٣٤٥٦"):
        refused(person.http.post(enable, data={**fields, "code": code, "password": PASSWORD}))
    app = pyotp.TOTP(offered_key(page))
    right = {**fields, "code": app.now()}
    refused(person.http.post(enable, data={**right, "password": "wrong"}))
    refused(person.http.post(enable, data=right))
    refused(person.http.post(enable, data={**fields, "kept": "made up", "code": "123456"}))


@deed(
    "user.two_factor_enabled",
    "/settings/two-factor",
    "POST /api/v1/account/two-factor/enable",
    _wrong_first_code,
)
def a_user_enables_two_factor_authentication(world: World) -> Expected:
    person = world.person()
    old_cookie = person.http.cookies["trailkeeper_session"]
    enable_two_factor(person)
    assert person.http.cookies["trailkeeper_session"] != old_cookie
    page = world.browser().log_in(person.email)
    assert "Enter your code" in page.text
    return Expected(person.name, *person_target(person), {"method": "totp"})


def _disable_without_password(world: World) -> None:
    person = world.person()
    refused(person.post("/settings/two-factor/disable", password=PASSWORD), 409)
    enable_two_factor(person)
    refused(person.post("/settings/two-factor/disable", password="wrong"))


@deed(
    "user.two_factor_disabled",
    "/settings/two-factor",
    "POST /api/v1/account/two-factor/disable",
    _disable_without_password,
)
def a_user_disables_two_factor_authentication(world: World) -> Expected:
    person = world.person()
    enable_two_factor(person)
    assert person.post("/settings/two-factor/disable", password=PASSWORD).status_code == 303
    assert world.browser().log_in(person.email).status_code == 303
    return Expected(person.name, *person_target(person), {"method": "totp"})


def _view_codes_without_password(world: World) -> None:
    person = world.person()
    refused(person.post("/settings/two-factor/codes", password=PASSWORD), 409)
    enable_two_factor(person)
    refused(person.post("/settings/two-factor/codes", password="wrong"))


@deed(
    "user.recovery_codes_viewed",
    "/settings/two-factor",
    "POST /api/v1/account/two-factor/codes",
    _view_codes_without_password,
)
def a_user_views_the_recovery_codes(world: World) -> Expected:
    person = world.person()
    enable_two_factor(person)
    answer = person.post("/settings/two-factor/codes", password=PASSWORD)
    assert answer.text.count("<li>") >= 10
    return Expected(person.name, *person_target(person))


def _foreign_refresh(world: World) -> None:
    refused(world.person().http.post("/settings/api-key", data={"csrf": ""}), 403)


@deed("api_key.refreshed", "/settings/api-key", "POST /api/v1/account/api-key", _foreign_refresh)
def a_user_refreshes_the_api_key(world: World) -> Expected:
    person = world.person()
    assert 'id="fresh-key">tk_' in person.post("/settings/api-key").text
    return Expected(person.name, f"API key of {person.name}", "api_key")


def _bad_notification_addresses(world: World) -> None:
    emails = "/settings/jobs/emails"
    for bad in ("none", "a@example.com\nnone", "<b>@example.com"):
        refused(world.owner.post(emails, emails=bad))
    many = "\n".join(f"p{number}@example.com" for number in range(21))
    refused(world.owner.post(emails, emails=many))
    refused(world.person().post(emails, emails="a@example.com"), 403)


@deed(
    "error_notifications.emails_updated",
    "/settings/jobs",
    "PATCH /api/v1/settings/jobs",
    _bad_notification_addresses,
)
def an_admin_changes_who_is_told_of_errors(world: World) -> Expected:
    emails = "/settings/jobs/emails"
    world.owner.post(emails, emails="")
    assert world.owner.post(emails, emails="Ops@example.com\nit@example.com").status_code == 303
    new = ["ops@example.com", "it@example.com"]
    return Expected("Ada Admin", "Acme", "workspace", {"emails": new}, [("emails", [], new)])


def _throttle_without_right(world: World) -> None:
    refused(world.person().post("/settings/jobs/throttling", enabled="yes"), 403)
    state = "yes" if "checked" in world.owner.get("/settings/jobs").text else ""
    assert world.owner.post("/settings/jobs/throttling", enabled=state).status_code == 303


@deed(
    "error_notifications.throttling_toggled",
    "/settings/jobs",
    "PATCH /api/v1/settings/jobs",
    _throttle_without_right,
)
def an_admin_turns_throttling_off(world: World) -> Expected:
    assert world.owner.post("/settings/jobs/throttling", enabled="").status_code == 303
    changes = [("throttling", True, False)]
    return Expected("Ada Admin", "Acme", "workspace", {"enabled": False}, changes)


BUCKET = {
    "destination": "s3",
    "bucket": "audit",
    "region": "eu-central-1",
    "access_key_id": "AKIDEXAMPLE",
    "secret_access_key": "not-a-real-secret",
}


def _bad_destination(world: World) -> None:
    page = f"{stream_of(world.owner)}/destination"
    for change in (
        {"destination": "ftp"},
        {"bucket": ""},
        {"endpoint": "file:///etc/passwd"},
        {"endpoint": "https://user:pass@example.com"},
        {"secret_access_key": "", "bucket": "other"},
        {"region": "a\r\nb"},
        {"region": "x" * 2_001},
    ):
        refused(world.owner.post(page, **{**BUCKET, **change}))
    refused(world.person().post(page, **BUCKET), 403)


@deed(
    "audit_stream.destination_updated",
    "/settings/audit-streaming",
    "PATCH /api/v1/settings/audit-streaming",
    _bad_destination,
)
def an_admin_changes_where_the_stream_leads(world: World) -> Expected:
    page = stream_of(world.owner)
    answer = world.owner.post(f"{page}/destination", **{**BUCKET, "bucket": "first"})
    assert answer.status_code == 303, answer.text
    shown = world.owner.get(f"{page}/settings").text
    assert BUCKET["secret_access_key"] not in shown
    assert "never shown again" in shown
    new = "Amazon S3 or compatible: s3://first/"
    return Expected("Ada Admin", STREAM, "audit_stream", {"destination": new}, [ANY])


ANY: tuple[str, Any, Any] = ("destination", ..., ...)
"""A change whose values depend on what was there before."""


def _toggle_without_destination(world: World) -> None:
    _, olga = world.other_workspace()
    refused(olga.post(f"{stream_of(olga)}/toggle", enabled="yes"), 409)
    path = f"{stream_of(world.owner)}/toggle"
    refused(world.person().post(path, enabled="yes"), 403)
    refused(olga.post(path, enabled="yes"), 404)


@deed(
    "audit_stream.toggled",
    "/settings/audit-streaming",
    "PATCH /api/v1/settings/audit-streaming",
    _toggle_without_destination,
)
def an_admin_turns_streaming_on(world: World) -> Expected:
    page = stream_of(world.owner)
    world.owner.post(f"{page}/destination", **BUCKET)
    assert world.owner.post(f"{page}/toggle", enabled="yes").status_code == 303
    return Expected(
        "Ada Admin", STREAM, "audit_stream", {"enabled": True}, [("enabled", False, True)]
    )


def _steps_without_jobs(world: World) -> None:
    page = f"{stream_of(world.owner)}/include"
    refused(world.owner.post(page, include="recipe_step_details"))
    refused(world.person().post(page, include="job_history"), 403)


@deed(
    "audit_stream.data_inclusion_updated",
    "/settings/audit-streaming",
    "PATCH /api/v1/settings/audit-streaming",
    _steps_without_jobs,
)
def an_admin_changes_what_the_stream_includes(world: World) -> Expected:
    chosen = ["job_history", "recipe_step_details"]
    answer = world.owner.post(f"{stream_of(world.owner)}/include", include=chosen)
    assert answer.status_code == 303, answer.text
    changes = [("included", ["login_user_activity"], chosen)]
    return Expected("Ada Admin", STREAM, "audit_stream", {"included": chosen}, changes)


# --- Team


def _bad_invitations(world: World) -> None:
    invite = "/team/invite"
    person = world.person()
    refused(world.owner.post(invite, email=person.email, role="Operator"), 409)
    for bad in ("none", "<script>@example.com", "x@example.com\r\nBcc: y@example.com"):
        refused(world.owner.post(invite, email=bad, role="Operator"))
    for role in ("owner", "Owner", "", "King"):
        refused(world.owner.post(invite, email="new@example.com", role=role))
    refused(person.post(invite, email="new@example.com", role="Operator"), 403)


@deed("invite.created", "/team", "POST /api/v1/team/invitations", _bad_invitations)
def an_admin_invites_somebody(world: World) -> Expected:
    email = world.new_address()
    assert world.owner.post("/team/invite", email=email, role="Analyst").status_code == 303
    refused(world.owner.post("/team/invite", email=email, role="Analyst"), 409)
    assert "Ada Admin invites you to join Acme" in world.mails(email)[0].text
    return Expected("Ada Admin", email, "invite", {"role": "Analyst"})


def _bad_acceptance(world: World) -> None:
    email, visitor = world.new_address(), world.visitor("", "", logged_in=False)
    refused(visitor.get("/invite/none"), 404)
    world.owner.post("/team/invite", email=email, role="Operator")
    link = world.link(email, "/invite/")
    refused(submit(visitor.browser, link, name="Vera", new="short"))
    refused(submit(visitor.browser, link, name="a\r\nb", new=NEW_PASSWORD))
    refused(accept(world.person(), link), 409)  # somebody else's invitation


@deed("invite.accepted", "the link in the mail (/invite/…)", fail=_bad_acceptance)
def an_invited_person_joins(world: World) -> Expected:
    email = world.new_address()
    world.owner.post("/team/invite", email=email, role="Analyst")
    link = world.link(email, "/invite/")
    vera = world.visitor(email, "Vera Visitor", logged_in=False)
    answer = submit(vera.browser, link, name="Vera Visitor", new=NEW_PASSWORD)
    assert answer.status_code == 303, answer.text
    assert "Analyst of" in vera.get("/teams").text
    refused(world.visitor("", "", logged_in=False).get(link), 404)
    return Expected("Vera Visitor", email, "invite", {"role": "Analyst"})


def _bad_modification(world: World) -> None:
    refused(world.owner.post("/team/invitations/none/role", role="Admin"), 404)
    email = world.new_address()
    world.owner.post("/team/invite", email=email, role="Operator")
    id = world.invitation_of(email)
    refused(world.owner.post(f"/team/invitations/{id}/role", role="King"))
    refused(world.person().post(f"/team/invitations/{id}/role", role="Admin"), 403)


@deed(
    "invite.modified",
    "/team/invitations",
    "PATCH /api/v1/team/invitations/{id}",
    _bad_modification,
)
def an_admin_modifies_an_invitation(world: World) -> Expected:
    email = world.new_address()
    world.owner.post("/team/invite", email=email, role="Operator")
    id = world.invitation_of(email)
    answer = world.owner.post(f"/team/invitations/{id}/role", role="Admin")
    assert answer.status_code == 303, answer.text
    details = {"role": "Admin", "previous_role": "Operator"}
    return Expected("Ada Admin", email, "invite", details, [("role", "Operator", "Admin")])


def _cancel_nothing(world: World) -> None:
    refused(world.owner.post("/team/invitations/none/cancel"), 404)
    refused(world.person().post("/team/invitations/none/cancel"), 403)


@deed(
    "invite.canceled", "/team/invitations", "DELETE /api/v1/team/invitations/{id}", _cancel_nothing
)
def an_admin_cancels_an_invitation(world: World) -> Expected:
    email = world.new_address()
    world.owner.post("/team/invite", email=email, role="Operator")
    link = world.link(email, "/invite/")
    id = world.invitation_of(email)
    assert world.owner.post(f"/team/invitations/{id}/cancel").status_code == 303
    refused(world.visitor("", "", logged_in=False).get(link), 404)
    return Expected("Ada Admin", email, "invite", {"role": "Operator"})


def _bad_role_of_member(world: World) -> None:
    person = world.person()
    role = f"/team/members/{world.id_of(person)}/role"
    refused(world.owner.post(role, role="King"))
    refused(world.owner.post(role, role="owner"))
    refused(world.owner.post(f"/team/members/{world.id_of(world.owner)}/role", role="Admin"), 409)
    refused(person.post(role, role="Admin"), 403)


@deed("member.updated", "/team", "PATCH /api/v1/team/members/{id}", _bad_role_of_member)
def an_admin_changes_a_members_role(world: World) -> Expected:
    person = world.person()
    id = world.id_of(person)
    assert world.owner.post(f"/team/members/{id}/role", role="Admin").status_code == 303
    assert person.get("/teams").status_code == 303  # a session ends when its privileges change
    assert person.browser.log_in(person.email).status_code == 303
    assert person.get("/audit").status_code == 200
    details = {"role": "Admin", "previous_role": "Operator"}
    changes = [("role", "Operator", "Admin")]
    return Expected("Ada Admin", person.name, "member", details, changes)


def _remove_the_owner(world: World) -> None:
    refused(world.owner.post(f"/team/members/{world.id_of(world.owner)}/remove"), 409)
    refused(world.owner.post("/team/members/none/remove"), 404)
    refused(world.person().post(f"/team/members/{world.id_of(world.owner)}/remove"), 403)


@deed("member.deleted", "/team", "DELETE /api/v1/team/members/{id}", _remove_the_owner)
def an_admin_removes_a_member(world: World) -> Expected:
    person = world.person()
    key = world.api_key(person)
    with world.site.http(key) as http:
        assert http.get("/api/v1/account").status_code == 200
        id = world.id_of(person)
        assert world.owner.post(f"/team/members/{id}/remove").status_code == 303
        assert http.get("/api/v1/account").status_code == 401
    assert person.get("/teams").status_code == 303
    refused(world.browser().log_in(person.email), 401)
    return Expected("Ada Admin", person.name, "member", {"role": "Operator"})


def _bad_roles(world: World) -> None:
    new = "/team/roles/new"
    for name in ("", "Admin", "owner", "OPERATOR", "a\r\nb", "x" * 101):
        refused(world.owner.post(new, name=name, privileges="jobs.view"))
    refused(world.owner.post(new, name="Reader", privileges="everything"))
    refused(world.owner.post(new, name="Reader"))
    refused(world.person().post(new, name="Reader", privileges="jobs.view"), 403)


@deed("role.created", "/team/roles/new", "POST /api/v1/team/roles", _bad_roles)
def an_admin_makes_a_role(world: World) -> Expected:
    name = f"<i>Auditor</i> {world.new_address()}"
    privileges = ["activity_audit.view", "jobs.view"]
    answer = world.owner.post("/team/roles/new", name=name, privileges=privileges)
    assert answer.status_code == 303, answer.text
    refused(world.owner.post("/team/roles/new", name=name.upper(), privileges="jobs.view"), 409)
    return Expected("Ada Admin", name, "role", {"privileges": privileges})


def _bad_change_of_role(world: World) -> None:
    id = world.role("jobs.view")[0]
    refused(world.owner.post(f"/team/roles/{id}", name="Analyst", privileges="jobs.view"))
    refused(world.owner.post("/team/roles/none", name="Reader", privileges="jobs.view"), 404)
    refused(world.owner.post("/team/roles/Admin", name="Reader", privileges="jobs.view"), 404)
    refused(world.person().post(f"/team/roles/{id}", name="Mine", privileges="jobs.view"), 403)


@deed("role.updated", "/team/roles/{id}", "PUT /api/v1/team/roles/{id}", _bad_change_of_role)
def an_admin_changes_a_role(world: World) -> Expected:
    id, name = world.role("jobs.view")
    new = f"New {name}"
    answer = world.owner.post(
        f"/team/roles/{id}", name=new, privileges=["jobs.view", "recipes.view"]
    )
    assert answer.status_code == 303, answer.text
    privileges = ["recipes.view", "jobs.view"]
    changes = [("name", name, new), ("privileges", ["jobs.view"], privileges)]
    return Expected("Ada Admin", new, "role", {"privileges": privileges}, changes)


def _delete_a_role_in_use(world: World) -> None:
    id, name = world.role("jobs.view")
    world.person(name)
    refused(world.owner.post(f"/team/roles/{id}/delete"), 409)
    other, name = world.role("jobs.view")
    world.owner.post("/team/invite", email=world.new_address(), role=name)
    refused(world.owner.post(f"/team/roles/{other}/delete"), 409)
    refused(world.owner.post("/team/roles/Admin/delete"), 404)
    refused(world.person().post(f"/team/roles/{id}/delete"), 403)


@deed("role.deleted", "/team/roles", "DELETE /api/v1/team/roles/{id}", _delete_a_role_in_use)
def an_admin_deletes_a_role(world: World) -> Expected:
    id, name = world.role("jobs.view")
    assert world.owner.post(f"/team/roles/{id}/delete").status_code == 303
    return Expected("Ada Admin", name, "role")
