"""A dozen activities that show what formats have to write, and the workspace they belong to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from trailkeeper.activity import (
    Activity,
    Actor,
    Change,
    Context,
    Credential,
    Target,
)
from trailkeeper.streaming.format import Team

TEAM = Team("019a1b2c-0000-7000-8000-00000000acme", "Acme", "4848", "Ada Admin", "ada@example.com")
ADA = Actor(type="user", id="4848", name="Ada Admin", email="ada@example.com")
ROBIN = Actor(type="user", id="7", name="Robin Operator", email="robin@example.com")
NIGHTLY = Actor(type="api_client", id="tok-nightly", name="Nightly deploy")
RUNNER = Actor(type="system", id="scheduler", name="Scheduler")
DELEGATE = Actor(type="delegated_admin", id="31", name="Dana Delegate", email="dana@example.com")
BROWSER = Context(
    ip_address="203.0.113.9",
    user_agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0",
    session_id="s-1",
    request_id="r-1",
)
START = datetime.fromisoformat("2026-11-22T20:25:02.158001+00:00")
UGLY = (
    "line\nbreak\r\ttab | pipe = equals \\ back \"quote\" 'lone' \x1b[31mred\x1b[0m"
    " \u202eeman\u202c \x00 nul \x9b31m \u2028 end \x85 ünïcödé 日本"
)
"""Everything that has ever broken a line of a log."""


def activity(seq: int, action: str, **changed: Any) -> Activity:
    """An activity by Ada from her browser."""
    at = START + timedelta(seconds=seq)
    return Activity(
        **{
            "id": f"019a1b2c-3d4e-7f50-8a6b-{seq:012d}",
            "seq": seq,
            "action": action,
            "occurred_at": at,
            "received_at": at + timedelta(milliseconds=40),
            "actor": ADA,
            "targets": [Target(type="recipe", id="1002398", name="Sync product SKUs")],
            "outcome": "success",
            "context": BROWSER,
            "environment": "prod",
            **changed,
        }
    )


SAMPLES: list[Activity] = [
    activity(
        1,
        "recipe.stopped",
        actor=ROBIN,
        details={"force": True, "stop_reason": "user_stop"},
    ),
    activity(
        2,
        "recipe.copied",
        targets=[
            Target(type="recipe", id="1004058", name="Copy of Sync product SKUs"),
            Target(type="recipe", id="1002398", name="Sync product SKUs"),
        ],
        details={"parent_id": "1002398", "source_name": "Sync product SKUs"},
    ),
    activity(
        3,
        "recipe.updated",
        actor=NIGHTLY,
        context=Context(ip_address="2001:db8::7", trace_id="4bf92f3577b34da6a3ce929d0e0e4736"),
        credential=Credential(type="api_token", id="tok-nightly"),
        changes=[
            Change(field="/name", old="Sync SKUs", new="Sync product SKUs"),
            Change(field="/code/steps/2", new={"operation": "upsert", "retries": 3}),
        ],
        details={"version": 7},
        environment="test",
    ),
    activity(
        4,
        "connection.disconnected",
        actor=RUNNER,
        targets=[Target(type="connection", id="299668", name="Salesforce")],
        context=Context(source="n8n"),
        details={"provider": "salesforce", "identity": "ada@example.com", "authorized": False},
    ),
    activity(
        5,
        "folder.created",
        actor=DELEGATE,
        on_behalf_of=ADA,
        targets=[Target(type="folder", id="131393", name="ERP")],
        details={"path": "Home/ERP"},
    ),
    activity(
        6,
        "user.login_failed",
        actor=ROBIN,
        targets=[Target(type="user", id="7", name="Robin Operator", email="robin@example.com")],
        outcome="failure",
        reason="The password is wrong",
        details={"activity": "password_login"},
    ),
    activity(
        7,
        "user.logged_in",
        targets=[Target(type="user", id="4848", name="Ada Admin", email="ada@example.com")],
        details={"activity": "password_login", "second_factor": "totp"},
    ),
    activity(
        8,
        "member.updated",
        targets=[Target(type="member", id="7", name="Robin Operator", email="robin@example.com")],
        changes=[Change(field="role", old="Operator", new="Admin")],
        details={"role": "Admin", "previous_role": "Operator"},
    ),
    activity(
        9,
        "role.created",
        targets=[Target(type="role", id="12", name="Auditor")],
        details={"privileges": ["activities.read", "streams.manage"]},
    ),
    activity(
        10,
        "invite.accepted",
        actor=ROBIN,
        targets=[Target(type="invite", id="215140", name="Robin", email="robin@example.com")],
        details={"role": "Operator"},
    ),
    activity(
        11,
        "invoice.paid_late",
        actor=NIGHTLY,
        targets=[Target(type="purchase_order", id="PO/7", metadata={"total": "99.50"})],
        context=Context(),
        details={"days": 12},
    ),
    activity(
        12,
        "package.exported",
        actor=Actor(type="user", id="9", name=UGLY, email='"ugly"@[::1]', metadata={UGLY: UGLY}),
        targets=[Target(type="package", id=f"22483 {UGLY}", name=UGLY)],
        reason=UGLY,
        context=Context(ip_address="hash:0f", user_agent=UGLY, request_id=UGLY, source=UGLY),
        changes=[Change(field=UGLY, old=UGLY, new=[UGLY])],
        details={"file_name": UGLY, "folder_id": "51613", UGLY: {UGLY: UGLY}},
    ),
]
