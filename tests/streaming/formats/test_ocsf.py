"""OCSF: what is written is valid by the published schema, for every action and in each version."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace
from tests.streaming.formats import ocsf_schema
from tests.streaming.formats.samples import ADA, NIGHTLY, SAMPLES, TEAM, UGLY, activity

from trailkeeper.activity import Activity, Actor, Context, Target
from trailkeeper.catalogue import catalogue
from trailkeeper.streaming.formats import FORMATS
from trailkeeper.streaming.formats.ocsf import VERSIONS
from trailkeeper.streaming.masks import masked

ACTIONS = [
    *((spec.action, spec.target_type) for spec in catalogue().actions),
    ("invoice.created", "invoice"),
    ("invoice.paid_late", "invoice"),
]
MASKS: Any = {
    "/actor/email": "hash",
    "/actor/name": "drop",
    "/context/ip_address": "hash",
    "/context/user_agent": "hash",
    "/targets/*/name": "hash",
    "/targets/*/email": "hash",
}


def event(name: str, one: Activity) -> dict[str, Any]:
    return json.loads(FORMATS[name].encode(one, TEAM))


def variants(action: str, kind: str) -> list[Activity]:
    """An activity with everything, one with next to nothing, a masked and an ugly one."""
    target = Target(type=kind, id="42", name="It", email="it@example.com", metadata={"a": 1})
    full = activity(
        1,
        action,
        targets=[target, target],
        on_behalf_of=ADA,
        reason="because",
        details={"role": "Admin", "privileges": ["a", "b"], "second_factor": "totp"},
    )
    bare = replace(
        full,
        actor=Actor(type="system", id="x"),
        targets=[Target(type=kind, id="1")],
        context=Context(),
        on_behalf_of=None,
        outcome="failure",
        reason=None,
        details={},
    )
    ugly = replace(
        SAMPLES[-1], action=action, targets=[replace(SAMPLES[-1].targets[0], type=kind, email=UGLY)]
    )
    return [full, bare, replace(full, actor=NIGHTLY), masked(full, MASKS, b"salt"), ugly]


@pytest.mark.parametrize(("action", "kind"), ACTIONS)
@pytest.mark.parametrize("name", ["ocsf", "ocsf-1.4", "ocsf-1.9"])
def test_every_action_gives_a_valid_event(name: str, action: str, kind: str) -> None:
    version = VERSIONS[name].number
    for one in variants(action, kind):
        made = event(name, one)
        assert made["metadata"]["version"] == version
        assert ocsf_schema.problems(made, version) == []
        assert ocsf_schema.deprecated(made, version) == []


@pytest.mark.parametrize("version", ["1.4.0", "1.9.0"])
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"activity_id": 55}, "$.activity_id: 55 is not one of"),
        ({"type_uid": 300_111}, "$.type_uid: 300111 is not one of"),
        ({"no_such": 1}, "('no_such' was unexpected)"),
        ({"src_endpoint": {"ip": "hash:0f"}}, "$.src_endpoint.ip: 'hash:0f' does not match"),
        ({"actor": {"user": {}}}, "$.actor.user: {} is not valid under any of the given schemas"),
        ({"metadata": {"version": "1"}}, "$.metadata: 'product' is a required property"),
        ({"time": "now"}, "$.time: 'now' is not of type 'integer'"),
    ],
)
def test_the_schema_of_these_tests_is_strict(
    version: str, change: dict[str, Any], problem: str
) -> None:
    good = event("ocsf-1.9" if version == "1.9.0" else "ocsf", SAMPLES[0])
    assert any(problem in one for one in ocsf_schema.problems({**good, **change}, version))


@pytest.mark.parametrize("version", ocsf_schema.PACKAGED)
def test_events_of_1_4_are_valid_in_the_versions_after_it(version: str) -> None:
    for action, kind in ACTIONS:
        for one in variants(action, kind):
            assert ocsf_schema.problems(event("ocsf-1.4", one), version) == []


@pytest.mark.parametrize("name", ["ocsf-1.4", "ocsf-1.9"])
def test_numbers_go_by_the_names_that_the_schema_gives_them(name: str) -> None:
    version = VERSIONS[name].number
    objects = ocsf_schema.compiled(version)["objects"]
    types = objects["observable"]["attributes"]["type_id"]["enum"]
    for action, kind in ACTIONS:
        made = event(name, variants(action, kind)[0])
        known = ocsf_schema.class_of(version, made["class_uid"])
        assert made["class_name"] == known["caption"]
        number = str(made["activity_id"])
        if number != "99":
            assert (
                known["attributes"]["activity_id"]["enum"][number]["caption"]
                == (made["activity_name"])
            )
        shown = known["attributes"]["type_uid"]["enum"][str(made["type_uid"])]["caption"]
        assert made["type_name"] == shown
        for one in made["observables"]:
            assert types[str(one["type_id"])]["caption"] == one["type"]


@pytest.mark.parametrize(
    ("action", "older", "newer"),
    [
        ("user.logged_in", (3002, 1), (3002, 1)),
        ("user.password_changed", (3001, 3), (3007, 8)),
        ("user.password_reset_requested", (3001, 4), (3007, 9)),
        ("user.two_factor_enabled", (3001, 10), (3007, 12)),
        ("user.name_updated", (3001, 99), (3007, 2)),
        ("passkey.added", (3001, 99), (3007, 99)),
        ("delegated_admin.added", (3005, 1), (3007, 14)),
        ("delegated_admin.removed", (3005, 2), (3007, 15)),
        ("member.updated", (3005, 1), (3007, 16)),
        ("member.added", (3001, 1), (3007, 1)),
        ("member.deleted", (3006, 4), (3006, 4)),
        ("role.deleted", (3004, 4), (3008, 3)),
        ("recipe.stopped", (3004, 11), (3004, 11)),
        ("access.denied", (6003, 2), (6003, 2)),
        ("invoice.paid", (6003, 99), (6003, 99)),
    ],
)
def test_a_version_has_its_own_classes(
    action: str, older: tuple[int, int], newer: tuple[int, int]
) -> None:
    assert VERSIONS["ocsf"].classification(action) == older
    assert VERSIONS["ocsf-1.9"].classification(action) == newer


def test_nothing_of_an_activity_is_lost() -> None:
    texts = {f"mark-{number}" for number in range(24)}
    mark = iter(sorted(texts))

    def target(kind: str) -> Target:
        return Target(
            type=kind,
            id=next(mark),
            name=next(mark),
            email=f"{next(mark)}@example.com",
            metadata={next(mark): next(mark)},
        )

    one = activity(
        1,
        "recipe.stopped",
        id=next(mark),
        actor=Actor(type="user", id=next(mark), name=next(mark), metadata={"a": next(mark)}),
        on_behalf_of=Actor(type="user", id=next(mark)),
        targets=[target("recipe"), target("user")],
        reason=next(mark),
        context=Context(
            user_agent=next(mark),
            session_id=next(mark),
            request_id=next(mark),
            trace_id=next(mark),
            source=next(mark),
        ),
        details={next(mark): next(mark)},
        environment=next(mark),
    )
    for action in ("recipe.stopped", "user.logged_in", "member.updated", "role.updated", "a.read"):
        for kind in ("recipe", "member", "role"):
            first = replace(one.targets[0], type=kind)
            shown = replace(one, action=action, targets=[first, one.targets[1]])
            for name in VERSIONS:
                text = FORMATS[name].encode(shown, TEAM).decode()
                assert [mark for mark in texts if mark not in text] == []


def test_a_stopped_recipe_is_an_entity_that_is_deactivated() -> None:
    made = event("ocsf", SAMPLES[0])
    assert made["type_name"] == "Entity Management: Deactivate"
    assert made["entity"] == {
        "uid": "1002398",
        "type": "recipe",
        "name": "Sync product SKUs",
        "type_id": 99,
    }
    assert made["time"] == 1_795_379_103_158
    assert made["metadata"]["uid"] == SAMPLES[0].id
    assert made["actor"]["user"]["email_addr"] == "robin@example.com"
    assert made["src_endpoint"] == {"ip": "203.0.113.9"}
    assert made["unmapped"] == {"details": {"force": True, "stop_reason": "user_stop"}}


def test_what_is_no_address_goes_where_a_text_may_stand() -> None:
    hidden = masked(SAMPLES[0], MASKS, b"salt")
    made = event("ocsf", hidden)
    assert made["src_endpoint"]["name"].startswith("hash:")
    assert made["actor"]["user"]["uid_alt"].startswith("hash:")
    assert {one["type_id"] for one in made["observables"]} == {16, 31}
