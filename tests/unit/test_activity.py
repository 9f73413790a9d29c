"""Times, ids and the one encoding of an activity's content."""

import uuid
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trailkeeper.activity import ActivityInput, encode_input, from_us, now_us, rfc3339, to_us, uuid7

FIRST = to_us(datetime(1, 1, 3, tzinfo=UTC))
LAST = to_us(datetime(9999, 12, 29, tzinfo=UTC))
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.integers(FIRST, LAST))
def test_microseconds_become_a_time_and_the_same_microseconds_again(us: int) -> None:
    assert to_us(from_us(us)) == us


@given(st.builds(lambda us, zone: from_us(us).astimezone(zone), st.integers(FIRST, LAST), ZONES))
def test_a_time_becomes_microseconds_and_the_same_instant_again(instant: datetime) -> None:
    assert from_us(to_us(instant)) == instant


@given(st.integers(0, LAST))
def test_a_written_time_reads_back_exactly(us: int) -> None:
    text = rfc3339(us)
    assert datetime.fromisoformat(text) == from_us(us)
    assert text.endswith("Z")
    assert len(text) == 27


@given(st.integers(0, LAST), st.integers(0, LAST))
def test_written_times_sort_as_times_do(a: int, b: int) -> None:
    assert (rfc3339(a) < rfc3339(b)) == (a < b)


def test_now_is_in_microseconds() -> None:
    assert abs(from_us(now_us()) - datetime.now(UTC)) < timedelta(minutes=1)


@given(st.integers(0, (1 << 48) * 1_000 - 1))
def test_a_uuid7_has_its_version_variant_and_milliseconds(us: int) -> None:
    made = uuid.UUID(uuid7(us))
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert made.int >> 80 == us // 1_000
    assert str(made) == uuid7(us)[:14] + str(made)[14:]


@given(st.integers(0, LAST), st.integers(1, 1_000_000))
def test_a_uuid7_of_a_later_millisecond_sorts_later(us: int, milliseconds: int) -> None:
    assert uuid7(us) < uuid7(us + milliseconds * 1_000)


def test_no_two_uuid7_of_one_microsecond_are_alike() -> None:
    assert len({uuid7(1_795_000_000_000_000) for _ in range(1_000)}) == 1_000


def test_the_order_of_the_senders_keys_does_not_change_the_encoding() -> None:
    start = b'{"action":"a.b","actor":{"type":"user","id":"1"},"targets":[{"type":"r","id":"1"}],'
    one = msgspec.json.decode(start + b'"details":{"a":1,"b":{"c":2,"d":3}}}', type=ActivityInput)
    two = msgspec.json.decode(start + b'"details":{"b":{"d":3,"c":2},"a":1}}', type=ActivityInput)
    assert encode_input(one) == encode_input(two)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", ""),
        ("id", "x" * 256),
        ("action", "stopped"),
        ("action", "Recipe.stopped"),
        ("action", "recipe.stopped\n"),
        ("occurred_at", "2026-11-22T14:05:00"),
        ("targets", []),
        ("targets", [{"type": "recipe", "id": "1"}] * 101),
        ("targets", [{"type": "Recipe", "id": "1"}]),
        ("actor", {"type": "robot", "id": "1"}),
        ("outcome", "maybe"),
        ("environment", " prod"),
        ("changes", [{"field": "name"}] * 1_001),
        ("received_at", "2026-11-22T14:05:00Z"),
        ("seq", 1),
    ],
)
def test_a_value_outside_the_limits_is_refused(field: str, value: object) -> None:
    valid = {
        "action": "recipe.stopped",
        "actor": {"type": "user", "id": "7"},
        "targets": [{"type": "recipe", "id": "42"}],
    }
    assert msgspec.convert(valid, ActivityInput)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**valid, field: value}, ActivityInput)
