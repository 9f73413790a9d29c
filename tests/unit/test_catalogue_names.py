"""The names that Workato and OCSF give to actions, in both directions."""

from datetime import UTC, datetime
from typing import Any

import pytest

from trailkeeper.activity import Activity, Actor, Target
from trailkeeper.catalogue import catalogue
from trailkeeper.catalogue.ocsf import captions, classification
from trailkeeper.catalogue.workato import action_for, event_type, implied_details, resource_type

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def activity(action: str, details: dict[str, Any] | None = None, kind: str = "recipe") -> Activity:
    return Activity(
        id="a1",
        seq=0,
        action=action,
        occurred_at=NOON,
        received_at=NOON,
        actor=Actor(type="user", id="7"),
        targets=[Target(type=kind, id="42")],
        outcome="success",
        details=details or {},
        environment="prod",
    )


def test_a_stopped_recipe_is_a_flow_in_workatos_words() -> None:
    assert event_type(activity("recipe.stopped")) == "recipe_stopped"
    assert resource_type(activity("recipe.stopped")) == "Flow"


@pytest.mark.parametrize(
    ("event", "details", "action"),
    [
        ("user_login", {"activity": "password_login"}, "user.logged_in"),
        ("user_login", {"activity": "switch_team"}, "user.team_switched"),
        ("user_login", {}, "user.logged_in"),
        ("user_logout", {"activity": "user_logout"}, "user.logged_out"),
        ("user_logout", {"activity": "switch_team"}, "user.logged_out"),
        ("audit_log_streaming_disabled", {}, "audit_stream.toggled"),
        ("team_invitation_accept", {}, "invite.accepted"),
        ("no_such_event", {}, None),
    ],
)
def test_an_event_type_means_an_action(
    event: str, details: dict[str, Any], action: str | None
) -> None:
    assert action_for(event, details) == action


def test_a_switch_of_audit_log_streaming_has_the_event_type_of_its_direction() -> None:
    on, off = ({"enabled": enabled} for enabled in (True, False))
    assert event_type(activity("audit_stream.toggled", on)) == "audit_log_streaming_enabled"
    assert event_type(activity("audit_stream.toggled", off)) == "audit_log_streaming_disabled"
    assert implied_details("audit_log_streaming_disabled") == off
    assert implied_details("user_login") == {}


@pytest.mark.parametrize("spec", catalogue().actions, ids=lambda spec: spec.action)
def test_every_action_comes_back_from_its_event_type(spec: Any) -> None:
    if spec.workato is None:
        return
    for details in [spec.workato.when, *(case.when for case in spec.cases)]:
        there = activity(spec.action, details)
        assert action_for(event_type(there), details) == spec.action


def test_an_action_that_workato_lacks_keeps_its_name() -> None:
    made = activity("order.paid_late", kind="purchase_order")
    assert (event_type(made), resource_type(made)) == ("order_paid_late", "PurchaseOrder")
    assert resource_type(activity("recipe.frozen")) == "Flow"


@pytest.mark.parametrize(
    ("action", "numbers"),
    [
        ("user.login_failed", (3002, 1)),
        ("user.logged_out", (3002, 2)),
        ("user.two_factor_disabled", (3001, 11)),
        ("member.deleted", (3006, 4)),
        ("recipe.stopped", (3004, 11)),
        ("folder.renamed", (3004, 5)),
        ("invoice.created", (6003, 1)),
        ("invoice.lines_updated", (6003, 3)),
        ("invoice.paid", (6003, 99)),
    ],
)
def test_an_action_has_a_class_and_an_activity_in_ocsf(
    action: str, numbers: tuple[int, int]
) -> None:
    assert classification(action) == numbers
    assert all(captions(*numbers))
