"""The Workato format: each body of 2019, key by key and in its order, and what has no sample."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.streaming.formats.samples import TEAM, activity

from trailkeeper.activity import Activity, Actor, Change, Context, Target
from trailkeeper.catalogue import catalogue
from trailkeeper.catalogue.workato import event_type, resource_type
from trailkeeper.streaming.format import Team
from trailkeeper.streaming.formats.workato import FORMAT

FOLDER = Path(__file__).parents[2] / "data" / "workato-stream"
JANE = Team("w-1", "Jane's", "4848", "janedoen", "janedoe@workato.com")
OWNER = Actor(type="user", id="4848", name="janedoen", email="janedoe@workato.com")
JOHN = Actor(type="user", id="61439", name="John Doe", email="john.doe@workato.com")
SMALL_JOHN = Actor(type="user", id="61439", name="john doe", email="john.doe@workato.com")
NOBODY = Actor(type="system", id="runner", name="Runner")
MAC = Context(
    ip_address="67.207.106.234",
    user_agent="Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_6) AppleWebKit/537.36"
    " (KHTML, like Gecko) Chrome/76.0.3809.132 Safari/537.36",
)
JOB = "Trigger on a specified interval will log message to output"
TEST = Target(type="connection", id="299668", name="test")
COPY = Target(type="recipe", id="1004058", name=f"Copy of {JOB}")
INVITE = Target(type="invite", id="215140", name="John", email="john.doe@workato.com")


def jane(confirmed_at: str, type: str = "user") -> Target:
    return Target(
        type=type,
        id="4848",
        name="janedoen",
        email="janedoe@workato.com",
        metadata={"email_confirmed_at": confirmed_at},
    )


def recipe(id: str) -> Target:
    return Target(type="recipe", id=id, name=JOB)


def folder(id: str, name: str) -> Target:
    return Target(type="folder", id=id, name=name)


def done(
    action: str,
    at: str,
    target: Target,
    details: dict[str, Any] | None = None,
    actor: Actor = OWNER,
    context: Context = MAC,
) -> Activity:
    """An activity as the ledger gives it back: its details by the alphabet."""
    return activity(
        0,
        action,
        occurred_at=datetime.fromisoformat(f"2019-09-13T{at}.123456+00:00"),
        actor=actor,
        targets=[target],
        details=dict(sorted((details or {}).items())),
        context=context,
    )


SALESFORCE = {"provider": "salesforce", "authorized": False}
UNKNOWN = Context()

BODIES = {
    "connection_connected": done(
        "connection.connected", "18:56:58", TEST, {"provider": "salesforce", "authorized": True}
    ),
    "connection_created": done("connection.created", "18:56:10", TEST, SALESFORCE),
    "connection_deleted": done(
        "connection.deleted",
        "22:24:55",
        Target(type="connection", id="295109", name="My twenty-fourth Salesforce account"),
        SALESFORCE,
    ),
    "connection_disconnected": done(
        "connection.disconnected",
        "22:26:31",
        TEST,
        {**SALESFORCE, "identity": "janedoe+intacct@workato.com"},
    ),
    "folder_created": done(
        "folder.created",
        "22:24:25",
        folder("131393", "Audit log folder"),
        {"path": "Home/Audit log folder"},
    ),
    "folder_deleted": done(
        "folder.deleted",
        "22:24:58",
        folder("128098", "Customer connection folder"),
        {"path": "Home/Callable/Customer connection folder"},
    ),
    "package_exported": done(
        "package.exported",
        "19:56:23",
        Target(type="package", id="22483", name="hr-recipes_janedoen.zip"),
        {
            "folder_id": 51613,
            "folder_path": "Home/HR recipes",
            "file_name": "hr-recipes_janedoen.zip",
        },
        context=UNKNOWN,
    ),
    "package_imported": done(
        "package.imported",
        "22:22:24",
        Target(type="package", id="22484"),
        {
            "folder_id": "127890",
            "folder_path": "Home/Ray's folder",
            "file_name": "crm-recipes_janedoen.zip",
        },
        context=UNKNOWN,
    ),
    "recipe_cloned_as_recipe_created": done(
        "recipe.copied", "22:28:01", COPY, {"parent_id": "1004057"}
    ),
    "recipe_created": done("recipe.created", "22:28:01", COPY, {"parent_id": 1004057}),
    "recipe_deleted": done("recipe.deleted", "22:23:44", recipe("1002617")),
    "recipe_started_run_once": done(
        "recipe.started", "19:55:05", recipe("1002398"), {"run_once": True}
    ),
    "recipe_stopped_test_run": done(
        "recipe.stopped",
        "19:55:06",
        recipe("1002398"),
        {"force": True, "error": False, "stop_reason": "test_run_stop"},
        actor=NOBODY,
        context=UNKNOWN,
    ),
    "team_invitation_accept": done(
        "invite.accepted", "19:07:57", INVITE, {"role": "Admin"}, actor=JOHN
    ),
    "team_invitation_created": done("invite.created", "19:07:34", INVITE, {"role": "Admin"}),
    "user_login_password": done(
        "user.logged_in",
        "17:24:16",
        jane("2019-08-01 06:43:54 -0700"),
        {"activity": "password_login"},
    ),
    "user_login_switch_team": done(
        "user.team_switched",
        "19:21:50",
        jane("2019-08-01 21:43:54 +0800", "workspace"),
        {"activity": "switch_team"},
        actor=SMALL_JOHN,
    ),
    "user_logout": done(
        "user.logged_out",
        "17:24:12",
        jane("2019-08-01 06:43:54 -0700"),
        {"activity": "user_logout"},
    ),
    "user_logout_switch_team": done(
        "user.logged_out",
        "19:22:33",
        jane("2019-08-01 06:43:54 -0700"),
        {"activity": "switch_team"},
        actor=SMALL_JOHN,
    ),
}


def body(one: Activity, team: Team = TEAM) -> dict[str, Any]:
    return json.loads(FORMAT.encode(one, team))


@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_that_of_2019_key_by_key_in_values_and_order(name: str) -> None:
    sample = json.loads((FOLDER / f"{name}.json").read_text())
    made = body(BODIES[name], JANE)
    assert made == sample
    assert json.dumps(made) == json.dumps(sample)


def test_every_body_of_2019_has_its_activity() -> None:
    assert sorted(BODIES) == sorted(file.stem for file in FOLDER.iterdir())


@pytest.mark.parametrize("spec", catalogue().actions, ids=lambda spec: spec.action)
def test_every_action_has_the_names_that_the_catalogue_gives_it(spec: Any) -> None:
    one = activity(1, spec.action, targets=[Target(type=spec.target_type, id="1")])
    expected = event_type(one)
    assert body(one)["event"] == ("recipe_created" if expected == "recipe_copied" else expected)
    assert body(one)["resource"]["type"] == resource_type(one)


def test_an_action_that_workato_does_not_have_goes_by_its_own_name() -> None:
    one = activity(1, "invoice.paid-late", targets=[Target(type="purchase_order", id="PO 7")])
    assert body(one)["event"] == "invoice_paid_late"
    assert body(one)["resource"] == {"type": "PurchaseOrder", "id": "PO 7"}


@pytest.mark.parametrize(
    ("id", "shown"),
    [
        ("0", 0),
        ("42", 42),
        ("999999999999999", 999_999_999_999_999),
        ("9999999999999999", "9999999999999999"),
        ("007", "007"),
        ("-1", "-1"),
        ("4.2", "4.2"),
        ("٤٢", "٤٢"),
        ("42\n", "42\n"),
        ("019a1b2c-3d4e", "019a1b2c-3d4e"),
    ],
)
def test_an_id_is_a_number_where_it_is_one_that_nobody_rounds(id: str, shown: Any) -> None:
    one = activity(1, "recipe.stopped", targets=[Target(type="recipe", id=id)])
    assert body(one)["resource"]["id"] == shown
    assert type(body(one)["resource"]["id"]) is type(shown)


def test_programs_are_users_and_the_system_is_none() -> None:
    program = Actor(type="api_client", id="tok-1", name="Nightly deploy")
    assert body(activity(1, "recipe.stopped", actor=program))["user"] == {
        "id": "tok-1",
        "handle": "nightlydeploy",
        "email": None,
        "name": "Nightly deploy",
    }
    assert "user" not in body(activity(1, "recipe.stopped", actor=NOBODY))


@pytest.mark.parametrize(
    ("actor", "handle"),
    [
        (Actor(type="user", id="1", name="Émile Zola", email="z@x.fr"), "émilezola"),
        (Actor(type="user", id="1", name="…", email="emile.zola@x.fr"), "emile.zola"),
        (Actor(type="user", id="1"), None),
        (Actor(type="user", id="1", name="Z", metadata={"handle": "zola"}), "zola"),
        (Actor(type="user", id="1", name="Z", metadata={"handle": 7}), "z"),
    ],
)
def test_a_handle_is_the_actors_own_or_made_of_the_name(actor: Actor, handle: str | None) -> None:
    assert body(activity(1, "recipe.stopped", actor=actor))["user"]["handle"] == handle


def test_the_request_is_there_as_far_as_it_is_known_and_comes_last() -> None:
    details = {"request": "mine", "why": "x"}
    known = activity(
        1, "recipe.stopped", details=details, context=Context(ip_address="203.0.113.9")
    )
    assert list(body(known)["details"]) == ["why", "request"]
    assert body(known)["details"]["request"] == {"ip_address": "203.0.113.9"}
    unknown = replace(known, context=Context())
    assert body(unknown)["details"] == details


def test_what_workato_has_no_field_for_stands_in_the_details() -> None:
    one = activity(
        1,
        "recipe.moved",
        outcome="failure",
        reason="no such folder",
        on_behalf_of=OWNER,
        targets=[recipe("1"), folder("2", "ERP")],
        changes=[Change(field="folder", old="1", new="2")],
        details={"path": "Home/ERP", "outcome": "mine"},
        context=Context(),
    )
    assert body(one)["details"] == {
        "path": "Home/ERP",
        "outcome": "mine",
        "reason": "no such folder",
        "changes": [{"field": "folder", "old": "1", "new": "2"}],
        "on_behalf_of": {
            "id": 4848,
            "handle": "janedoen",
            "email": "janedoe@workato.com",
            "name": "janedoen",
        },
        "targets": [{"type": "folder", "id": "2", "name": "ERP"}],
    }


def test_a_workspace_is_the_user_that_owns_it_where_workato_names_a_user() -> None:
    one = activity(1, "user.team_switched", targets=[Target(type="workspace", id=TEAM.id)])
    assert body(one)["resource"] == {
        "type": "User",
        "id": 4848,
        "name": "Ada Admin",
        "email": "ada@example.com",
    }


def test_times_are_cut_to_seconds_and_years_have_four_digits() -> None:
    early = datetime.fromisoformat("0987-01-02T03:04:05.999999+00:00")
    assert body(activity(1, "a.b", occurred_at=early))["timestamp"] == "0987-01-02 03:04:05 UTC"


def test_a_path_is_short_enough_for_any_file_system_whatever_the_ids_are() -> None:
    action = "a." + "b" * 126
    one = activity(1, action, targets=[Target(type="x", id="../" * 80)])
    path = FORMAT.path(one, replace(TEAM, owner_id=".." + "é" * 100))
    assert path.startswith(
        "_/activities/_/20261122/000000000001/_-_-000000000001-20261122202503-a_b"
    )
    assert max(len(part) for part in path.split("/")) < 250
