"""Lines that cannot be read: each source refuses them, and none of them raises."""

from __future__ import annotations

import pytest

from trailkeeper.sources import SOURCES, Mapped, Refused

EVENT = (
    b'{"__type":"$$EventMessageAudit","id":"e1","ts":"2026-11-22T20:25:00.609+00:00",'
    b'"eventName":"n8n.audit.user.waved","message":"m","payload":{"userId":"u1","x":%s}}'
)
ACTIVITY = (
    b'{"id":"a1","action":"invoice.paid","actor":{"type":"user","id":"u1"},'
    b'"targets":[{"type":"invoice","id":"i1"}],"details":{"x":%s}}'
)
WHOLE = {"n8n": EVENT, "jsonl": ACTIVITY}

both = pytest.mark.parametrize("name", ["n8n", "jsonl"])


def refused(name: str, line: bytes) -> str:
    """Why the line was refused; looking at it in any other way does not raise either."""
    source = SOURCES[name]()
    before = source.export_state()
    source.look_ahead(line)
    source.event_id(3, line)
    result = source.map(3, line)
    assert isinstance(result, Refused), result
    assert result.line == 3
    assert source.export_state() == before
    return result.reason


@both
def test_a_sound_line_is_mapped(name: str) -> None:
    source = SOURCES[name]()
    line = WHOLE[name] % b"1"
    assert isinstance(source.map(1, b"\xef\xbb\xbf" + line + b"\r\n"), Mapped)


@both
def test_a_blank_line_is_nothing(name: str) -> None:
    source = SOURCES[name]()
    assert source.map(1, b" \r\n") is None
    assert source.event_id(1, b"\n") is None


@both
def test_a_line_that_a_crash_cut_off_is_refused(name: str) -> None:
    whole = WHOLE[name] % b'"some text"'
    for length in range(1, len(whole)):
        assert refused(name, whole[:length])
    assert refused(name, whole[: len(whole) // 2]).startswith("cut off")
    assert refused(name, whole[:-1]).startswith("cut off")


@both
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b'{"a":1,"b":2,"a":3}', "the key 'a' stands twice"),
        (b"NaN", "not JSON"),
        (b"Infinity", "not JSON"),
        (b"1e999", "not JSON"),
        (b"'a'", "not JSON"),
        (b'"\xff"', "not UTF-8"),
        (b'"\\ud800"', "half of a surrogate pair"),
        (b"[" * 41 + b"]" * 41, "nested deeper than 40 levels"),
        (b"[" * 200_000 + b"]" * 200_000, "nested deeper than 40 levels"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested deeper than 40 levels"),
        (b'"%s"' % (b"a" * 1024 * 1024), "bytes long"),
    ],
)
def test_a_broken_value_is_refused(name: str, value: bytes, reason: str) -> None:
    assert reason in refused(name, WHOLE[name] % value)


@both
def test_a_nest_of_thirty_levels_is_read(name: str) -> None:
    line = WHOLE[name] % (b"[" * 30 + b"]" * 30)
    assert isinstance(SOURCES[name]().map(1, line), Mapped)


@both
@pytest.mark.parametrize("line", [b"[]", b"1", b"null", b'"text"', b"{}", b"plain text"])
def test_what_is_no_object_or_has_nothing_in_it_is_refused(name: str, line: bytes) -> None:
    assert refused(name, line)


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        (b'"e1"', b'""', "$.id"),
        (b'"e1"', b'"%s"' % (b"x" * 256), "$.id"),
        (b'"2026-11-22T20:25:00.609+00:00"', b'"2026-11-22 20:25"', "$.ts"),
        (b'"2026-11-22T20:25:00.609+00:00"', b'"2026-11-22T20:25:00"', "$.ts"),
        (b'"n8n.audit.user.waved"', b"1", "$.eventName"),
        (b'"userId":"u1"', b'"userId":"%s"' % (b"u" * 300), "$.actor.id"),
    ],
)
def test_a_wrong_field_of_an_event_is_named(old: bytes, new: bytes, where: str) -> None:
    line = (EVENT % b"1").replace(old, new)
    source = SOURCES["n8n"]()
    result = source.map(3, line)
    assert isinstance(result, Refused)
    assert where in result.reason


def test_a_confirmation_is_no_event() -> None:
    line = b'{"__type":"$$EventMessageConfirm","confirm":"e1","ts":"2026-11-22T20:24:12.003+00:00"}'
    source = SOURCES["n8n"]()
    assert source.map(1, line) is None
    assert source.event_id(1, line) is None
