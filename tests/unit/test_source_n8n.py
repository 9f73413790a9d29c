"""The n8n source on single events: the mapping's rules, and what is not in the real log."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

import msgspec
import pytest

from trailkeeper.activity import ActivityInput
from trailkeeper.sources.base import Mapped, OfJob, Skipped
from trailkeeper.sources.n8n import N8nSource
from trailkeeper.sources.n8n_table import table

ANNA: dict[str, Any] = {
    "userId": "u1",
    "_email": "anna@example.com",
    "_firstName": "Anna",
    "_lastName": "Admin",
    "globalRole": "global:admin",
}
FLOW = {"workflowId": "w1", "workflowName": "Invoices"}


def event(name: str, payload: dict[str, Any], event_id: str = "e1") -> bytes:
    return msgspec.json.encode(
        {
            "__type": "$$EventMessageAudit",
            "id": event_id,
            "ts": "2026-11-22T20:25:00.609+00:00",
            "eventName": f"n8n.audit.{name}" if not name.startswith("n8n.") else name,
            "message": name,
            "payload": payload,
        }
    )


def told(source: N8nSource, line: bytes) -> list[ActivityInput]:
    result = source.map(1, line)
    assert isinstance(result, Mapped), result
    return result.activities


def one(name: str, payload: dict[str, Any]) -> ActivityInput:
    (activity,) = told(N8nSource(), event(name, payload))
    return activity


def test_every_action_of_the_table_is_in_the_catalogue() -> None:
    text = files("trailkeeper.catalogue").joinpath("activities.toml").read_text(encoding="utf-8")
    catalogue = {
        row["action"]: row["target_type"]
        for category in tomllib.loads(text)["category"]
        for row in category.get("action", [])
    }
    for name, rule in table().events.items():
        assert rule.actions <= catalogue.keys(), name
        if rule.subject and rule.actions:
            types = {catalogue[action] for action in rule.actions}
            assert types == {table().subjects[rule.subject].type}, name


def test_archiving_an_active_workflow_stops_it() -> None:
    source = N8nSource()
    told(source, event("workflow.activated", ANNA | FLOW, "e1"))
    archived, stopped = told(source, event("workflow.archived", ANNA | {"workflowId": "w1"}, "e2"))
    assert (archived.id, archived.action) == ("e2", "recipe.updated")
    assert (stopped.id, stopped.action) == ("e2:stopped", "recipe.stopped")
    assert stopped.details == {"stop_reason": "archived", "inferred": True}
    assert stopped.targets[0].name == "Invoices"
    assert len(told(source, event("workflow.archived", ANNA | {"workflowId": "w1"}, "e3"))) == 1


def test_a_rename_with_changed_settings_is_two_activities() -> None:
    source = N8nSource()
    told(source, event("workflow.created", ANNA | FLOW, "e1"))
    changed = {
        "workflowName": "Bills",
        "settingsChanged": {"timezone": {"from": "UTC", "to": "Asia/Tokyo"}, "saved": {"to": 1}},
    }
    renamed, updated = told(source, event("workflow.updated", ANNA | FLOW | changed, "e2"))
    assert (renamed.id, renamed.action) == ("e2", "recipe.renamed")
    assert renamed.details == {"previous_name": "Invoices"}
    assert (updated.id, updated.action) == ("e2:updated", "recipe.updated")
    assert msgspec.to_builtins(updated.changes) == [
        {"field": "timezone", "old": "UTC", "new": "Asia/Tokyo"},
        {"field": "saved", "new": 1},
    ]


def test_an_update_of_a_workflow_never_seen_is_no_rename() -> None:
    updated = one("workflow.updated", ANNA | FLOW)
    assert (updated.action, updated.changes) == ("recipe.updated", None)


def test_a_workflow_that_was_only_executed_has_a_name_when_it_is_deleted() -> None:
    source = N8nSource()
    source.look_ahead(event("workflow.executed", ANNA | FLOW))
    deleted = told(source, event("workflow.deleted", ANNA | {"workflowId": "w1"}))
    assert deleted[0].targets[0].name == "Invoices"


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("mcp.tool.called", "n8n.mcp.tool.called"),
        (
            "external-secrets.provider.settings.saved",
            "n8n.external-secrets.provider.settings.saved",
        ),
        ("user.roleChanged", "n8n.user.role_changed"),
        ("2fa-enforcement.enabled", "n8n.x_2fa-enforcement.enabled"),
        ("Ünknown..thing/now", "n8n.x__nknown.thing_now"),
        ("a" * 500, "n8n." + "a" * 124),
    ],
)
def test_an_unknown_audit_event_keeps_its_name_and_payload(name: str, action: str) -> None:
    payload = ANNA | {"who": {"_email": "x@example.com", "list": [{"_a": 1, "b": 2}]}}
    kept = one(name, payload)
    assert kept.action == action
    assert kept.actor.name == "Anna Admin"
    assert kept.details == {"who": {"list": [{"b": 2}]}, "n8n_event": f"n8n.audit.{name}"}


def test_an_unknown_event_is_about_what_its_payload_names() -> None:
    assert one("workflow.frozen", FLOW).targets[0].type == "recipe"
    assert one("package.installed", {"packageName": "n8n-nodes-x"}).targets[0].id == "n8n-nodes-x"
    assert one("user.waved", ANNA).targets[0].type == "user"
    assert one("licence.renewed", ANNA).targets[0].id == "n8n"


def test_an_event_without_a_user_was_done_by_n8n() -> None:
    actor = one("licence.renewed", {}).actor
    assert (actor.type, actor.id, actor.name) == ("system", "n8n", "n8n")


def test_an_event_that_tells_of_a_failure_is_one() -> None:
    failed = one("n8n-package.import.failed", ANNA | {"reason": "no space"})
    assert (failed.action, failed.outcome, failed.reason) == (
        "package.imported",
        "failure",
        "no space",
    )
    assert one("package.installed", ANNA | {"success": False}).outcome == "failure"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("workflow.executed", "about an execution: its job says it"),
        ("user.execution.deleted", "about an execution: not kept"),
        ("n8n.workflow.started", "about an execution without an id"),
        ("n8n.ai.tool.called", "about an execution: not kept"),
        ("n8n.runner.task.requested", "about an execution: not kept"),
        ("cluster.instance-left", "server event"),
        ("n8n.worker.started", "server event"),
        ("n8n.something.new", "not an audit event"),
    ],
)
def test_what_is_no_activity_is_skipped_with_a_reason(name: str, reason: str) -> None:
    assert N8nSource().map(7, event(name, FLOW)) == Skipped(7, reason)


@pytest.mark.parametrize(
    "name", ["n8n.workflow.started", "n8n.workflow.crashed", "n8n.node.finished"]
)
def test_what_tells_of_an_execution_is_part_of_a_job(name: str) -> None:
    source = N8nSource()
    assert source.map(7, event(name, FLOW | {"executionId": 3})) == OfJob(7)
    (told,) = source.jobs(at_end=True)
    assert (told.line, msgspec.json.decode(told.body)["id"]) == (7, "3")
    assert source.jobs(at_end=True) == []


@pytest.mark.parametrize("method", ["ldap", "saml", "oidc"])
def test_a_login_through_a_provider_names_it(method: str) -> None:
    login = one("user.login.success", ANNA | {"authenticationMethod": method})
    assert login.details == {"activity": "sso_login", "provider": method}


def test_what_was_typed_as_an_address_becomes_a_sound_id() -> None:
    typed = "\u202eé" * 300
    failed = one("user.login.failed", {"userEmail": typed, "authenticationMethod": "email"})
    assert failed.actor.id.isprintable()
    assert len(failed.actor.id.encode()) <= 255
    assert failed.actor.email is None


def test_the_case_of_an_address_does_not_hide_its_user() -> None:
    source = N8nSource()
    source.look_ahead(event("user.login.success", ANNA))
    (failed,) = told(source, event("user.login.failed", {"userEmail": "ANNA@example.com"}))
    assert failed.actor.id == "u1"


def test_several_changed_fields_are_one_activity_for_each_kind() -> None:
    source = N8nSource()
    told(source, event("user.login.success", ANNA, "e1"))
    fields = {"_firstName": "Ann", "fieldsChanged": ["firstName", "lastName", "password", "theme"]}
    made = told(source, event("user.updated", ANNA | fields, "e2"))
    assert [(each.id, each.action) for each in made] == [
        ("e2", "user.name_updated"),
        ("e2:password_changed", "user.password_changed"),
        ("e2:updated", "n8n.user.updated"),
    ]
    assert msgspec.to_builtins(made[0].changes) == [
        {"field": "name", "old": "Anna Admin", "new": "Ann Admin"}
    ]


def test_an_unknown_name_before_is_left_out() -> None:
    renamed = one("user.updated", ANNA | {"fieldsChanged": ["firstName"]})
    assert msgspec.to_builtins(renamed.changes) == [{"field": "name", "new": "Anna Admin"}]


def test_a_deleted_member_is_the_one_n8n_names() -> None:
    source = N8nSource()
    source.look_ahead(event("user.signedup", {"userId": "u2", "_firstName": "Bo"}))
    (deleted,) = told(source, event("user.deleted", ANNA | {"targetUserId": "u2"}))
    target = deleted.targets[0]
    assert (target.type, target.id, target.name) == ("member", "u2", "Bo")


def test_one_of_two_credentials_is_not_guessed() -> None:
    source = N8nSource()
    for number in ("c1", "c2"):
        made = {"credentialType": "slackApi", "credentialId": number}
        told(source, event("user.credentials.created", ANNA | made, number))
    (deleted,) = told(
        source, event("user.credentials.deleted", ANNA | {"credentialType": "slackApi"}, "e3")
    )
    assert (deleted.targets[0].id, deleted.targets[0].name) == ("unknown", "slackApi credential")
    assert deleted.details == {"provider": "slackApi"}


def test_a_new_invitee_among_old_ones_is_told_of() -> None:
    source = N8nSource()
    told(source, event("user.invited", ANNA | {"targetUserId": ["a", "b"]}, "e1"))
    (third,) = told(source, event("user.invited", ANNA | {"targetUserId": ["a", "b", "c"]}, "e2"))
    assert (third.id, third.targets[0].id) == ("e2", "c")


def test_an_opened_invitation_was_opened_by_the_invitee() -> None:
    opened = one(
        "user.invitation.accepted",
        {"inviter": ANNA, "invitee": {"userId": "u2", "_email": "bo@example.com"}},
    )
    assert opened.action == "n8n.user.invitation.accepted"
    assert (opened.actor.id, opened.targets[0].type) == ("u2", "invite")
    assert "anna@example.com" not in str(opened.details)


def test_what_the_public_api_did_says_so() -> None:
    made = {"credentialType": "slackApi", "credentialId": "c1", "publicApi": True}
    assert (one("user.credentials.created", ANNA | made).details or {})["via"] == "public_api"


def test_where_a_request_came_from_is_its_context() -> None:
    shown = one(
        "execution.data.revealed", ANNA | FLOW | {"ipAddress": "192.0.2.1", "userAgent": "x"}
    )
    assert shown.context
    assert (shown.context.ip_address, shown.context.user_agent) == ("192.0.2.1", "x")
    assert "ipAddress" not in (shown.details or {})


def test_names_that_n8n_replaced_by_stars_are_not_names() -> None:
    hidden = ANNA | {"_email": "*", "_firstName": "*", "_lastName": "*"}
    actor = one("workflow.created", hidden | FLOW).actor
    assert (actor.id, actor.name, actor.email) == ("u1", None, None)
