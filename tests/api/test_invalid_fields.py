"""Activities with a wrong field: each refused with a pointer to it, and nothing recorded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.conftest import Site, activity

from .support import PATH, expect_problem, rows

TARGET = {"type": "recipe", "id": "1"}
ACTOR = {"type": "user", "id": "1"}


def without(field: str) -> dict[str, Any]:
    sent = activity()
    del sent[field]
    return sent


CASES: list[tuple[Any, str]] = [
    ({}, "/action"),
    ("recipe.stopped", ""),
    (True, ""),
    (42, ""),
    (without("action"), "/action"),
    (without("actor"), "/actor"),
    (without("targets"), "/targets"),
    (activity(action=None), "/action"),
    (activity(action=""), "/action"),
    (activity(action="recipe"), "/action"),
    (activity(action="Recipe.Stopped"), "/action"),
    (activity(action="recipe.stopped\n"), "/action"),
    (activity(action="a." + "b" * 127), "/action"),
    (activity(actor=None), "/actor"),
    (activity(actor="robin"), "/actor"),
    (activity(actor={"type": "user"}), "/actor/id"),
    (activity(actor={"id": "1"}), "/actor/type"),
    (activity(actor={"type": "robot", "id": "1"}), "/actor/type"),
    (activity(actor={"type": "user", "id": 7}), "/actor/id"),
    (activity(actor={"type": "user", "id": ""}), "/actor/id"),
    (activity(actor={"type": "user", "id": "x" * 256}), "/actor/id"),
    (activity(actor={"type": "user", "id": "é" * 128}), "/actor/id"),
    (activity(actor={"type": "user", "id": "a\x00b"}), "/actor/id"),
    (activity(actor={**ACTOR, "nam": "x"}), "/actor/nam"),
    (activity(actor={**ACTOR, "name": "x" * 65_536}), "/actor/name"),
    (activity(actor={**ACTOR, "email": "x" * 321}), "/actor/email"),
    (activity(actor={**ACTOR, "metadata": []}), "/actor/metadata"),
    (activity(on_behalf_of={"type": "user"}), "/on_behalf_of/id"),
    (activity(on_behalf_of={"type": "user", "id": "\u202e1"}), "/on_behalf_of/id"),
    (activity(credential={"type": "key"}), "/credential/id"),
    (activity(targets=[]), "/targets"),
    (activity(targets={}), "/targets"),
    (activity(targets=[TARGET] * 101), "/targets"),
    (activity(targets=[TARGET, {"type": "recipe"}]), "/targets/1/id"),
    (activity(targets=[{**TARGET, "type": "Recipe 1"}]), "/targets/0/type"),
    (activity(targets=[TARGET, {**TARGET, "colour": "red"}]), "/targets/1/colour"),
    (activity(targets=[{**TARGET, "id": "1\n2"}]), "/targets/0/id"),
    (activity(targets=[{**TARGET, "name": "x" * 65_536}]), "/targets/0/name"),
    (activity(outcome="maybe"), "/outcome"),
    (activity(reason="x" * 1_025), "/reason"),
    (activity(occurred_at="yesterday"), "/occurred_at"),
    (activity(occurred_at="2026-02-03"), "/occurred_at"),
    (activity(occurred_at="2026-02-30T00:00:00Z"), "/occurred_at"),
    (activity(occurred_at="2026-02-03T04:05:06"), "/occurred_at"),
    (activity(occurred_at="2026-02-03T24:05:06Z"), "/occurred_at"),
    (activity(occurred_at=1_769_000_000), "/occurred_at"),
    (activity(occurred_at="1969-12-31T23:59:59.999999Z"), "/occurred_at"),
    (activity(occurred_at="0001-01-01T00:00:00+14:00"), "/occurred_at"),
    (activity(occurred_at="9999-12-31T23:59:59Z"), "/occurred_at"),
    (activity(occurred_at="9999-12-31T23:59:59-14:00"), "/occurred_at"),
    (activity(id=""), "/id"),
    (activity(id=" "), "/id"),
    (activity(id="a\x00b"), "/id"),
    (activity(id="a\x1b[31mb"), "/id"),
    (activity(id="a\u200bb"), "/id"),
    (activity(id="a\u202eb"), "/id"),
    (activity(id="x" * 256), "/id"),
    (activity(id="é" * 128), "/id"),
    (activity(id=7), "/id"),
    (activity(seq=7), "/seq"),
    (activity(received_at="2026-02-03T04:05:06Z"), "/received_at"),
    (activity(**{"a/b~c": 1}), "/a~1b~0c"),
    (activity(**{"<script>": 1}), "/<script>"),
    (activity(context={"ip": "192.0.2.1"}), "/context/ip"),
    (activity(context={"user_agent": "x" * 2_049}), "/context/user_agent"),
    (activity(changes=[{"old": 1}]), "/changes/0/field"),
    (activity(changes=[{"field": "a"}, {"field": ""}]), "/changes/1/field"),
    (activity(changes=[{"field": "a"}] * 1_001), "/changes"),
    (activity(details=[1]), "/details"),
    (activity(environment=""), "/environment"),
    (activity(environment="a\nb"), "/environment"),
]


@pytest.mark.parametrize(("sent", "pointer"), CASES)
def test_a_wrong_field_is_named_and_nothing_is_recorded(
    workspace: Site, own: httpx.Client, sent: Any, pointer: str
) -> None:
    before = rows(workspace)
    answer = own.post(PATH, json=sent)
    problem = expect_problem(answer, 422, "invalid-activity", pointer=pointer)
    assert pointer in problem["detail"]
    assert rows(workspace) == before


def test_every_wrong_id_is_named_at_once(own: httpx.Client) -> None:
    answer = own.post(PATH, json=activity(id="\x01", targets=[TARGET, {**TARGET, "id": "\x02"}]))
    problem = expect_problem(answer, 422, "invalid-activity", pointer="/id")
    assert [error["pointer"] for error in problem["errors"]] == ["/id", "/targets/1/id"]


def test_a_detail_of_the_wrong_type_for_its_action_is_named(own: httpx.Client) -> None:
    sent = activity(action="activities.imported", details={"imported": "many", "free": "word"})
    answer = own.post(PATH, json=sent)
    expect_problem(answer, 422, "invalid-activity", pointer="/details/imported")


def test_the_limits_themselves_are_allowed(own: httpx.Client) -> None:
    allowed: list[dict[str, Any]] = [
        activity(id="x" * 255),
        activity(targets=[{"type": "recipe", "id": str(n)} for n in range(100)]),
        activity(occurred_at="1970-01-01T00:00:00Z"),
        activity(occurred_at=(datetime.now(UTC) + timedelta(hours=23)).isoformat()),
        activity(actor={**ACTOR, "name": "x" * 1_024}),
        activity(changes=[{"field": f"f{n}", "new": n} for n in range(1_000)]),
        activity(targets=[{"type": "recipe", "id": "é" * 127, "name": ""}]),
        activity(reason=None, details=None, changes=None, context=None, id=None),
    ]
    results = own.post(PATH, json=allowed).json()
    assert [result["status"] for result in results] == [201] * len(allowed), results


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", [PATH, f"{PATH}/x"])
def test_what_is_recorded_can_be_neither_changed_nor_deleted(
    own: httpx.Client, method: str, path: str
) -> None:
    expect_problem(own.request(method, path), 405, "method-not-allowed")
