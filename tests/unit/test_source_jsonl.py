"""Activities as JSON lines."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from trailkeeper.activity import Activity, ActivityInput, Actor, Target
from trailkeeper.sources.base import Mapped, Refused
from trailkeeper.sources.jsonl import JsonlSource

PAID = (
    b'{"action":"invoice.paid","actor":{"type":"user","id":"u1"},'
    b'"targets":[{"type":"invoice","id":"i1"}]}'
)


def mapped(source: JsonlSource, number: int, line: bytes) -> ActivityInput:
    result = source.map(number, line)
    assert isinstance(result, Mapped), result
    (activity,) = result.activities
    return activity


def test_a_line_keeps_its_id() -> None:
    line = PAID.replace(b"{", b'{"id":"mine",', 1)
    assert mapped(JsonlSource(), 1, line).id == "mine"
    assert JsonlSource().event_id(1, line) == "mine"


def test_equal_lines_without_an_id_stay_apart() -> None:
    source = JsonlSource()
    ids = [mapped(source, number, PAID + b"\n").id for number in (1, 2, 5)]
    assert len(set(ids)) == 3
    assert str(ids[0]).startswith("sha256-")
    assert [str(one).rpartition("-")[2] for one in ids] == ["1", "2", "3"]


def test_the_same_file_gives_the_same_ids() -> None:
    lines = [PAID + b"\n", PAID, PAID.replace(b"i1", b"i2"), PAID]
    first, second = JsonlSource(), JsonlSource()
    ids = [mapped(first, number, line).id for number, line in enumerate(lines)]
    assert [mapped(second, number, line).id for number, line in enumerate(lines)] == ids


def test_looking_a_batch_of_ids_up_first_changes_none() -> None:
    source = JsonlSource()
    looked_up = [source.event_id(number, PAID) for number in (1, 2, 3)]
    assert [mapped(source, number, PAID).id for number in (1, 2, 3)] == looked_up
    assert mapped(JsonlSource(), 1, PAID).id == looked_up[0]


def test_what_the_api_returns_can_be_imported_elsewhere() -> None:
    recorded = Activity(
        id="a1",
        seq=12,
        action="invoice.paid",
        occurred_at=datetime(2026, 11, 22, tzinfo=UTC),
        received_at=datetime(2026, 11, 23, tzinfo=UTC),
        actor=Actor(type="user", id="u1", name="Anna"),
        targets=[Target(type="invoice", id="i1")],
        outcome="success",
        details={"amount": 3},
        environment="test",
    )
    activity = mapped(JsonlSource(), 1, msgspec.json.encode(recorded))
    assert (activity.id, activity.environment, activity.outcome) == ("a1", "test", "success")
    assert activity.occurred_at == recorded.occurred_at
    assert (activity.actor, activity.details) == (recorded.actor, {"amount": 3})


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'"action"', b'"actoin"', "unknown field `actoin`"),
        (b'"invoice.paid"', b'"paid"', "$.action"),
        (b'"user"', b'"robot"', "$.actor.type"),
        (b'[{"type":"invoice","id":"i1"}]', b"[]", "$.targets"),
        (b'"u1"', b"1", "$.actor.id"),
    ],
)
def test_an_invalid_activity_is_refused_with_the_field(old: bytes, new: bytes, reason: str) -> None:
    result = JsonlSource().map(4, PAID.replace(old, new))
    assert isinstance(result, Refused)
    assert reason in result.reason


def test_the_state_holds_nothing() -> None:
    source = JsonlSource()
    mapped(source, 1, PAID)
    source.load_state(source.export_state())
    with pytest.raises(msgspec.DecodeError):
        source.load_state(b'{"people":{}}')
