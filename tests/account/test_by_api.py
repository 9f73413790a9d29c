"""The same operations through the API: by a member's own API key, and by API clients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pyotp
import pytest
from tests.account.forms import activities
from tests.account.world import NEW_PASSWORD, Person, World, open_world, submit
from tests.conftest import PASSWORD, Site


@pytest.fixture(scope="module")
def world(shared_site: Site) -> Iterator[World]:
    made = open_world(shared_site)
    yield made
    made.close()


@pytest.fixture(scope="module")
def owner(world: World) -> Iterator[httpx.Client]:
    with world.site.http(world.api_key(world.owner)) as http:
        yield http


@pytest.fixture
def person(world: World) -> Iterator[tuple[Person, httpx.Client]]:
    made = world.person()
    with world.site.http(world.api_key(made)) as http:
        yield made, http


def ok(answer: httpx.Response, status: int = 204) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def newest(world: World, action: str, **asked: str) -> dict[str, Any]:
    return activities(world.site, action=action, limit="1", **asked)[0]


def test_a_users_own_account(world: World, person: tuple[Person, httpx.Client]) -> None:
    who, http = person
    account = ok(http.get("/api/v1/account"), 200)
    assert (account["email"], account["role"], account["workspace"]) == (
        who.email, "Operator", "Acme",
    )  # fmt: skip
    ok(http.patch("/api/v1/account", json={"name": "Renamed"}))
    renamed = newest(world, "user.name_updated", actor=who.email)
    assert renamed["credential"]["type"] == "api_key"
    assert renamed["actor"]["type"] == "user"
    assert renamed["changes"] == [{"field": "name", "old": who.name, "new": "Renamed"}]

    new = f"api.{who.email}"
    ok(http.post("/api/v1/account/email", json={"email": new, "password": PASSWORD}), 202)
    assert submit(world.browser(), world.link(new, "/confirm-email/")).status_code == 303
    assert ok(http.get("/api/v1/account"), 200)["email"] == new

    assert len(ok(http.get("/api/v1/account/sessions"), 200)["data"]) == 1
    assert ok(http.delete("/api/v1/account/sessions"), 200) == {"ended": 1}
    assert who.get("/teams").status_code == 303
    body = {"current": PASSWORD, "new": NEW_PASSWORD}
    ok(http.post("/api/v1/account/password", json=body))
    assert newest(world, "user.password_changed", actor=new)["credential"]["type"] == "api_key"
    assert http.post("/api/v1/account/password", json=body).status_code == 422

    fresh = ok(http.post("/api/v1/account/api-key"), 201)["token"]
    assert http.get("/api/v1/account").status_code == 401
    with world.site.http(fresh) as again:
        assert ok(again.get("/api/v1/account/teams"), 200)["data"][0]["name"] == "Acme"


def test_a_second_factor(world: World, person: tuple[Person, httpx.Client]) -> None:
    who, http = person
    start = "/api/v1/account/two-factor"
    offer = ok(http.post(start), 200)
    app = pyotp.TOTP(offer["key"])
    wrong = http.post(
        f"{start}/enable", json={"kept": offer["kept"], "code": "abc", "password": PASSWORD}
    )
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["pointer"] == "/code"
    codes = ok(
        http.post(
            f"{start}/enable", json={"kept": offer["kept"], "code": app.now(), "password": PASSWORD}
        ),
        200,
    )["recovery_codes"]
    assert len(set(codes)) == 10
    more = ok(http.post(f"{start}/codes", json={"password": PASSWORD}), 200)["recovery_codes"]
    assert not set(more) & set(codes)
    ok(http.post(f"{start}/disable", json={"password": PASSWORD}))
    for action in ("two_factor_enabled", "recovery_codes_viewed", "two_factor_disabled"):
        assert newest(world, f"user.{action}", actor=who.email)


def test_the_team(world: World, owner: httpx.Client) -> None:
    email = world.new_address()
    asked = {"email": email, "role": "Operator"}
    id = ok(owner.post("/api/v1/team/invitations", json=asked), 201)["id"]
    assert owner.post("/api/v1/team/invitations", json=asked).status_code == 409
    ok(owner.patch(f"/api/v1/team/invitations/{id}", json={"role": "Analyst"}))
    ok(owner.post(f"/api/v1/team/invitations/{id}/resend"))
    listed = ok(owner.get("/api/v1/team/invitations"), 200)["data"]
    assert next(one for one in listed if one["id"] == id)["role"] == "Analyst"
    ok(owner.delete(f"/api/v1/team/invitations/{id}"))
    for action in ("invite.created", "invite.modified", "invite.resent", "invite.canceled"):
        assert newest(world, action, target=email)["credential"]["type"] == "api_key"

    member = world.person()
    path = f"/api/v1/team/members/{world.id_of(member)}"
    ok(owner.patch(path, json={"role": "Analyst"}))
    assert newest(world, "member.updated", target=member.email)["details"]["role"] == "Analyst"
    ok(owner.delete(path))
    assert newest(world, "member.deleted", target=member.email)
    assert member.email not in owner.get("/api/v1/team/members").text

    name = f"Made by API {email}"
    body: dict[str, Any] = {"name": name, "privileges": ["jobs.view"]}
    role = ok(owner.post("/api/v1/team/roles", json=body), 201)["id"]
    ok(owner.put(f"/api/v1/team/roles/{role}", json={**body, "privileges": ["recipes.view"]}))
    ok(owner.delete(f"/api/v1/team/roles/{role}"))
    for action in ("role.created", "role.updated", "role.deleted"):
        assert newest(world, action, target=role)


def test_the_settings(world: World, owner: httpx.Client) -> None:
    jobs, stream = "/api/v1/settings/jobs", "/api/v1/settings/audit-streaming"
    body: dict[str, Any] = {"emails": ["api@example.com"], "throttling": False}
    assert ok(owner.patch(jobs, json=body), 200) == body
    ok(owner.patch(jobs, json={"throttling": True}), 200)
    secret = {"url": "https://siem.example.com/in", "authorization": "Bearer hidden-marker"}
    answer = owner.patch(
        stream,
        json={
            "destination": {"type": "http", "settings": secret},
            "include": {"job_history": True},
            "enabled": True,
        },
    )
    assert "hidden-marker" not in answer.text
    settings = ok(answer, 200)
    assert settings["enabled"]
    kept = {"url": secret["url"], "authorization": "(kept)", "body": "lines"}
    assert settings["settings"] == kept
    ok(owner.patch(stream, json={"enabled": False}), 200)
    for action in (
        "error_notifications.emails_updated",
        "error_notifications.throttling_toggled",
        "audit_stream.destination_updated",
        "audit_stream.data_inclusion_updated",
        "audit_stream.toggled",
    ):
        found = newest(world, action)
        assert found["actor"]["email"] == world.owner.email
        assert "hidden-marker" not in str(found)

    helper = world.person()
    admins = "/api/v1/settings/delegated-admins"
    ok(owner.post(admins, json={"email": helper.email}))
    ok(owner.delete(f"{admins}/{world.id_of(helper)}"))
    assert newest(world, "delegated_admin.removed", target=helper.email)


def test_a_client_with_the_scope_manages_the_team_and_nothing_else(world: World) -> None:
    token = world.site.new_token("team:manage", name="provisioning")
    with world.site.http(token) as http:
        email = world.new_address()
        role = ok(
            http.post("/api/v1/team/roles", json={"name": email, "privileges": ["team.manage"]}),
            201,
        )
        asked = {"email": email, "role": email}
        ok(http.post("/api/v1/team/invitations", json=asked), 201)
        sent = newest(world, "invite.created", target=email)
        assert (sent["actor"]["type"], sent["actor"]["name"]) == ("api_client", "provisioning")
        # More than the scope gives, the client does not give.
        admin = {"email": world.new_address(), "role": "Admin"}
        assert http.post("/api/v1/team/invitations", json=admin).status_code == 403
        more = {"name": "more", "privileges": ["jobs.view"]}
        assert http.put(f"/api/v1/team/roles/{role['id']}", json=more).status_code == 403
        for method, path in (
            ("GET", "/api/v1/settings/jobs"),
            ("GET", "/api/v1/settings/audit-streaming"),
            ("GET", "/api/v1/api-clients"),
            ("GET", "/api/v1/account"),
            ("PUT", "/api/v1/team/owner"),
            ("GET", "/api/v1/activities"),
        ):
            assert http.request(method, path, json={}).status_code == 403, path
    denied = activities(world.site, action="access.denied", actor="provisioning")
    assert len(denied) == 7


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 422),
        (b'{"name": 1}', 422),
        (b'{"name": "x", "more": 1}', 422),
        (b'{"name": "' + b"x" * 70_000 + b'"}', 400),
        (b"\xff", 400),
    ],
)
def test_a_body_that_does_not_fit_is_refused(owner: httpx.Client, body: bytes, status: int) -> None:
    answer = owner.patch("/api/v1/account", content=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
