"""Activities from JSON: strict, exact, and every error says where."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trailkeeper.errors import InvalidActivity, MalformedBody
from trailkeeper.json_input import decode_activity, decode_items, refuse_duplicates

START = '{"action":"a.b","actor":{"type":"user","id":"1"},"targets":[{"type":"r","id":"1"}]'


def with_details(details: str) -> bytes:
    return f'{START},"details":{details}}}'.encode()


class Pairs(list[tuple[str, Any]]):
    """An object of a document to write; a key may stand in it twice."""


TRICKY = st.text(st.sampled_from('"":::\\ aé😀\n'), max_size=4)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, width=32) | TRICKY
FINITE = SCALARS.filter(lambda value: value not in (float("inf"), float("-inf")))


def pairs_of(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Pairs]:
    return st.lists(st.tuples(TRICKY, values), max_size=4).map(Pairs)


VALUES = st.recursive(
    FINITE, lambda inner: st.lists(inner, max_size=3) | pairs_of(inner), max_leaves=12
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """The JSON text of an object, with any blanks and any way to write its texts."""
    random = draw(st.randoms(use_true_random=False))

    def blank() -> str:
        return random.choice(["", "", "", " ", "\n", "\t", "\r\n  "])

    def character(one: str) -> str:
        units = one.encode("utf-16-be").hex()
        escapes = "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
        plain = json.dumps(one, ensure_ascii=False)[1:-1]
        return random.choice([plain, plain, escapes, escapes.upper().replace("U", "u")])

    def text(value: str) -> str:
        return f'"{"".join(map(character, value))}"'

    def write(value: Any) -> str:
        if isinstance(value, Pairs):
            members = (
                f"{blank()}{text(key)}{blank()}:{blank()}{write(inner)}{blank()}"
                for key, inner in value
            )
            return "{" + ",".join(members) + "}"
        if isinstance(value, list):
            return "[" + ",".join(write(inner) for inner in value) + "]"
        return text(value) if isinstance(value, str) else json.dumps(value)

    return write(draw(pairs_of(VALUES)))


def read_surely(text: str) -> tuple[Any, bool]:
    """What the json module reads, and whether some key stands twice in one object."""
    doubled = False

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal doubled
        doubled = doubled or len(dict(items)) != len(items)
        return dict(items)

    return json.loads(text, object_pairs_hook=pairs), doubled


@settings(max_examples=80)
@given(documents())
def test_what_is_decoded_is_what_json_reads_and_doubled_keys_are_refused(text: str) -> None:
    expected, doubled = read_surely(text)
    if doubled:
        with pytest.raises(InvalidActivity, match="stands twice"):
            decode_activity(with_details(text))
    else:
        assert decode_activity(with_details(text)).details == expected


@pytest.mark.parametrize(
    ("details", "pointer"),
    [
        ('{"a":1,"a":2}', "/details/a"),
        ('{"a" :1,"a":2}', "/details/a"),
        ('{"a"\n:1,"a"\t:2}', "/details/a"),
        ('{"a"\r:1,"\\u0061":2}', "/details/a"),
        ('{"a":1,"a":2,"b":"\\u0022:"}', "/details/a"),
        ('{"a":1,"a":2,"b":"\\"\\u003a"}', "/details/a"),
        ('{"a":1,"a":2,"b":"\\"\\u003A"}', "/details/a"),
        ('{"a":1,"a":2,"b":"\\u0022\\u003a"}', "/details/a"),
        ('{"x":[0,[{"a":1,"a":2}]]}', "/details/x/1/0/a"),
        ('{"x/y":{"~":1,"~":2}}', "/details/x~1y/~0"),
        ('{"":1,"":2}', "/details/"),
    ],
)
def test_a_doubled_key_is_found_wherever_it_hides(details: str, pointer: str) -> None:
    with pytest.raises(InvalidActivity, match="stands twice") as raised:
        decode_activity(with_details(details))
    assert [error.pointer for error in raised.value.errors] == [pointer]


def test_a_doubled_field_of_the_activity_itself_is_refused() -> None:
    with pytest.raises(InvalidActivity) as raised:
        decode_activity(f'{START},"id":"1","id":"1"}}'.encode())
    assert raised.value.errors[0].pointer == "/id"


def test_a_doubled_key_beside_another_mistake_is_named_first() -> None:
    with pytest.raises(InvalidActivity, match="stands twice"):
        decode_activity(b'{"action":1,"action":2}')


@pytest.mark.parametrize("text", ['"a\\":"', '"{\\"a\\":1}"', '"\\"\\u003a"', '"\\\\"', '" :"'])
def test_a_text_that_looks_like_keys_is_no_duplicate(text: str) -> None:
    sent = decode_activity(with_details(f'{{"a":{text},"b":{text}}}'))
    assert sent.details == {"a": json.loads(text), "b": json.loads(text)}


@pytest.mark.parametrize(
    ("changed", "pointer", "detail"),
    [
        ({"action": 1}, "/action", "must be `str`, is `int`"),
        ({"action": "Stopped"}, "/action", "must match the pattern"),
        ({"actor": {"type": "user"}}, "/actor/id", "is missing"),
        ({"actor": {"type": "robot", "id": "1"}}, "/actor/type", "robot"),
        ({"actor": {"type": "user", "id": ""}}, "/actor/id", "at least"),
        ({"targets": []}, "/targets", "at least this many items: 1"),
        ({"targets": [{"type": "r", "id": "1"}] * 101}, "/targets", "at most this many items: 100"),
        ({"targets": [{"type": "r", "id": "1"}, {"type": "r"}]}, "/targets/1/id", "is missing"),
        ({"targets": [{"type": "r", "id": "x" * 256}]}, "/targets/0/id", "at most"),
        ({"changes": [{"field": ""}]}, "/changes/0/field", "at least"),
        ({"occurred_at": "yesterday"}, "/occurred_at", "RFC 3339"),
        ({"occurred_at": "2026-11-22T14:05:00"}, "/occurred_at", "timezone"),
        ({"details": []}, "/details", "must be `object"),
        ({"sequence": 1}, "/sequence", "is not a known field"),
        ({"a/b~c": 1}, "/a~1b~0c", "is not a known field"),
        ({"a - at `$.b`": 1}, "/a - at `$.b`", "is not a known field"),
        ({"context": {"ip": "192.0.2.1"}}, "/context/ip", "is not a known field"),
    ],
)
def test_an_error_points_at_its_field(changed: dict[str, Any], pointer: str, detail: str) -> None:
    body = {**json.loads(START + "}"), **changed}
    with pytest.raises(InvalidActivity) as raised:
        decode_activity(json.dumps(body).encode())
    (error,) = raised.value.errors
    assert error.pointer == pointer
    assert detail in error.detail
    assert pointer in raised.value.detail


def test_a_number_that_no_float_can_hold_points_at_the_details() -> None:
    with pytest.raises(InvalidActivity) as raised:
        decode_activity(with_details('{"a":[1e400]}'))
    assert raised.value.errors[0].pointer == "/details"


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"1", b"null"])
def test_what_is_no_object_is_no_activity(body: bytes) -> None:
    with pytest.raises(InvalidActivity, match=r"^The activity must be `object`"):
        decode_activity(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b"{'a':1}",
        b'{"a":1,}',
        START.encode(),
        with_details('{"a":"\\ud800"}'),
        with_details('{"a":"\n"}'),
        START.encode() + b',"details":{"a":"\xff"}}',
        START.encode() + b"} trailing",
    ],
)
def test_what_is_no_json_is_a_malformed_body(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        decode_activity(body)


def test_json_that_is_nested_without_end_is_a_malformed_body() -> None:
    with pytest.raises(MalformedBody, match="nested too deep"):
        decode_activity(with_details('{"a":' + "[" * 100_000 + "]" * 100_000 + "}"))


def test_the_items_of_an_array_stay_text() -> None:
    items = decode_items(b'[{"a":1}, 2 ,"x"]')
    assert [bytes(item) for item in items] == [b'{"a":1}', b"2", b'"x"']


@pytest.mark.parametrize("body", [b"[", b"[1,]", b'{"a":1}', b"[1] 2", b"7"])
def test_what_is_no_array_has_no_items(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        decode_items(body)


def test_refuse_duplicates_passes_what_has_none() -> None:
    refuse_duplicates(b'{"a":{"a":[{"a":1},{"a":1}]}}')
