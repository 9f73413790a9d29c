"""Who may call: tokens that are missing, wrong, ended or too weak are told so, and do nothing."""

from __future__ import annotations

import json

import httpx
import pytest
from tests.conftest import Site, activity

from trailkeeper.activity import now_us
from trailkeeper.identity.tokens import SCOPES, Scope
from trailkeeper.installation import opened

from .support import PATH, expect_problem, listed, rows

SECOND_US = 1_000_000
ROUTES = [("POST", PATH), ("GET", PATH), ("GET", f"{PATH}/x"), ("GET", "/api/v1/actions"),
          ("PUT", "/api/v1/actions/a.b"), ("PATCH", "/api/v1/workspace")]  # fmt: skip

every_route = pytest.mark.parametrize(("method", "path"), ROUTES)


def call(site: Site, method: str, path: str, authorization: str | bytes | None) -> httpx.Response:
    body = {"json": activity()} if method != "GET" else {}
    headers = {} if authorization is None else {"Authorization": authorization}
    return httpx.request(
        method, site.base_url + path, headers=headers, timeout=30, verify=False, **body
    )


def expect_unauthorized(answer: httpx.Response) -> None:
    expect_problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@every_route
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer nonsense",
        "Bearer tk_" + "A" * 43,
        "Bearer tk_" + "A" * 5_000,
        "Basic dXNlcjpwYXNzd29yZA==",
        "tk_without_a_scheme",
        b"Bearer tk_\xff\xfe",
        "Bearer tk_' OR 1=1 --",
    ],
    ids=["none", "empty", "no token", "no tk_", "unknown", "long", "basic", "no scheme",
         "bytes", "quote"],
)  # fmt: skip
def test_without_a_known_token_nothing_is_answered_or_done(
    workspace: Site, method: str, path: str, authorization: str | bytes | None
) -> None:
    before = rows(workspace)
    answer = call(workspace, method, path, authorization)
    expect_unauthorized(answer)
    assert rows(workspace) == before


def test_a_token_is_checked_before_the_body_is_looked_at(workspace: Site) -> None:
    answer = httpx.post(
        workspace.base_url + PATH, content=b"{", headers={"Content-Type": "x"}, verify=False
    )
    expect_unauthorized(answer)


@every_route
def test_an_expired_token_is_refused(workspace: Site, method: str, path: str) -> None:
    token = workspace.new_token("admin", "activities:write", expires_at=now_us() - SECOND_US)
    answer = call(workspace, method, path, f"Bearer {token}")
    expect_unauthorized(answer)
    assert "expired" in answer.json()["detail"]


def test_a_token_that_expires_later_is_good_until_then(workspace: Site) -> None:
    token = workspace.new_token("activities:write", expires_at=now_us() + 3_600 * SECOND_US)
    assert call(workspace, "POST", PATH, f"Bearer {token}").status_code == 201


def test_a_new_token_works_at_once_and_a_revoked_one_never_again(workspace: Site) -> None:
    token = workspace.new_token("activities:write", name="short-lived")
    with workspace.http(token) as http:
        assert http.post(PATH, json=activity()).status_code == 201
        with opened(workspace.data) as installation:
            by = installation.workspaces.by_operator(workspace.workspace)
            clients = installation.tokens.listed(by.workspace)
            made = next(one for one in clients if one.name == "short-lived")
            installation.tokens.revoke(by, made.id)
        answer = http.post(PATH, json=activity())
    expect_unauthorized(answer)
    assert "revoked" in answer.json()["detail"]


NEEDED: dict[tuple[str, str], Scope] = {
    ("POST", PATH): "activities:write",
    ("GET", PATH): "activities:read",
    ("GET", f"{PATH}/x"): "activities:read",
    ("GET", "/api/v1/actions"): "admin",
    ("PUT", "/api/v1/actions/a.b"): "admin",
    ("PATCH", "/api/v1/workspace"): "admin",
}


@every_route
def test_a_token_without_the_scope_is_forbidden_and_told_which_one_it_needs(
    workspace: Site, method: str, path: str
) -> None:
    needed = NEEDED[method, path]
    others = [scope for scope in SCOPES if scope not in (needed, "admin")]
    token = workspace.new_token(*others)
    answer = call(workspace, method, path, f"Bearer {token}")
    assert needed in expect_problem(answer, 403, "forbidden")["detail"]


def test_a_refused_look_at_the_log_is_itself_in_the_log(workspace: Site, own: httpx.Client) -> None:
    token = workspace.new_token("activities:write", name="nosy")
    call(workspace, "GET", PATH, f"Bearer {token}")
    denied = listed(own, action="audit_log.access_denied")[0]
    assert denied["actor"]["name"] == "nosy"
    assert denied["outcome"] == "failure"


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer  "])
def test_the_scheme_may_be_written_in_any_case(workspace: Site, scheme: str) -> None:
    answer = call(workspace, "GET", PATH, f"{scheme} {workspace.token}")
    assert answer.status_code == 200


def test_tokens_made_and_revoked_stand_in_the_log_without_their_secret(
    workspace: Site, own: httpx.Client
) -> None:
    token = workspace.new_token("activities:read", name="for the log")
    found = listed(own, action="api_token.*", target="for the log")
    assert [one["action"] for one in found] == ["api_token.created"]
    assert token not in json.dumps(listed(own))
