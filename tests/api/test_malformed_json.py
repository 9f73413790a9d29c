"""Bodies that are no JSON, or JSON of which two readers might make two things: all refused."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from tests.conftest import Site, activity

from .support import PATH, expect_problem, fetched, rows

JSON = {"Content-Type": "application/json"}
START = json.dumps(activity())[:-1]


def with_details(details: str) -> str:
    return f'{START}, "details": {details}}}'


def refused(workspace: Site, http: httpx.Client, body: bytes | str) -> httpx.Response:
    """The answer, after a look that nothing of the body is in the file."""
    before = rows(workspace)
    answer = http.post(PATH, content=body, headers=JSON)
    assert rows(workspace) == before
    return answer


NOT_JSON: dict[str, bytes | str] = {
    "nothing": b"",
    "blanks": b"   \r\n\t ",
    "a word": b"activity",
    "a brace": b"{",
    "no closing brace": START,
    "cut off": (START + "}")[:-20],
    "one brace too many": START + "}}",
    "two values": START + "} {}",
    "a comma at the end": START + ",}",
    "a comment": START + "} // so",
    "single quotes": START.replace('"', "'") + "}",
    "UTF-16": (START + "}").encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + (START + "}").encode(),
    "a NUL": b"\x00",
    "no text": b"\xff\xfe\xfd",
    "100,000 brackets": b"[" * 100_000,
    "half an array": b"[1, 2",
    "an array of a comma": b"[,]",
    "NaN": with_details('{"a": NaN}'),
    "Infinity": with_details('{"a": Infinity}'),
    "-Infinity": with_details('{"a": -Infinity}'),
    "a leading zero": with_details('{"a": 01}'),
    "a leading plus": with_details('{"a": +1}'),
    "a leading point": with_details('{"a": .5}'),
    "hexadecimal": with_details('{"a": 0x10}'),
    "True": with_details('{"a": True}'),
    "a line break in a text": with_details('{"a": "\n"}'),
    "a wrong escape": with_details(r'{"a": "\x41"}'),
    "a lone surrogate": with_details(r'{"a": "\ud800"}'),
    "half a pair": with_details(r'{"a": "\ud800\u0041"}'),
    "a pair the wrong way round": with_details(r'{"a": "\udfff\ud800"}'),
    "a lone surrogate in a key": with_details(r'{"\ud800": 1}'),
    "bad UTF-8": with_details('{"a": "?"}').encode().replace(b"?", b"\xff"),
    "a surrogate in UTF-8": with_details('{"a": "?"}').encode().replace(b"?", b"\xed\xa0\x80"),
    "overlong UTF-8": with_details('{"a": "?"}').encode().replace(b"?", b"\xc0\x80"),
    "1,000 arrays": with_details('{"a": ' + "[" * 1_000 + "]" * 1_000 + "}"),
    "1,000 objects": with_details('{"a": ' * 1_000 + "1" + "}" * 1_000),
    "10,000 digits": with_details('{"a": ' + "7" * 10_000 + "}"),
}


@pytest.mark.parametrize("name", NOT_JSON)
def test_what_is_not_json_is_refused(workspace: Site, own: httpx.Client, name: str) -> None:
    problem = expect_problem(refused(workspace, own, NOT_JSON[name]), 400, "malformed-body")
    assert "set_int_max_str_digits" not in problem["detail"]


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" + "0" * 4_000 + ".0"])
def test_a_number_out_of_range_is_refused_by_its_field(
    workspace: Site, own: httpx.Client, number: str
) -> None:
    answer = refused(workspace, own, with_details(f'{{"in": [{number}]}}'))
    expect_problem(answer, 422, "invalid-activity", pointer="/details")


@pytest.mark.parametrize("depth", [33, 100, 500])
@pytest.mark.parametrize("ends", ["[]", ('{"a":', "}")], ids=["arrays", "objects"])
def test_details_that_are_nested_too_deep_are_refused_by_their_field(
    workspace: Site, own: httpx.Client, depth: int, ends: Any
) -> None:
    body = f'{{"a": {ends[0] * depth}1{ends[1] * depth}}}'
    answer = refused(workspace, own, with_details(body))
    expect_problem(answer, 422, "invalid-activity", pointer="/details")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (START + ', "action": "recipe.started"}', "/action"),
        (START + ', "action" : "recipe.started"}', "/action"),
        (START + ', "action"\n:\t"recipe.stopped"}', "/action"),
        (START + r', "\u0061ction": "recipe.started"}', "/action"),
        (START + ', "reason": null, "reason": "x"}', "/reason"),
        (START.replace('"id": "7"', '"id": "7", "id": "8"') + "}", "/actor/id"),
        (START.replace('"id": "42"', '"id": "42", "id": "43"') + "}", "/targets/0/id"),
        (with_details('{"a": 1, "a": 2}'), "/details/a"),
        (with_details('{"a": 1, "a": 1}'), "/details/a"),
        (with_details('{"a": 1, "b": {"c": [{}, {"d": 1, "d": 2}]}}'), "/details/b/c/1/d"),
        (with_details('{"a": 1, "a"\r: 2}'), "/details/a"),
        (with_details(r'{"a": 1, "\u0061": 2}'), "/details/a"),
        (with_details(r'{"a": 1, "a": 2, "text": "\u0022:"}'), "/details/a"),
        (with_details(r'{"a": 1, "a": 2, "text": "\"\u003a"}'), "/details/a"),
        (with_details(r'{"a": 1, "a": 2, "text": "\"\u003A"}'), "/details/a"),
        (with_details(r'{"a": 1, "a": 2, "text": "\":"}'), "/details/a"),
        (with_details(r'{"a": 1, "a": 2, "text": "\\\":"}'), "/details/a"),
        (with_details('{"/~": 1, "/~": 2}'), "/details/~1~0"),
        (with_details('{"": 1, "": 2}'), "/details/"),
        (START + ', "unknown": 1, "details": {"a": 1, "a": 2}}', "/details/a"),
    ],
)
def test_a_key_that_stands_twice_is_refused_by_its_name(
    workspace: Site, own: httpx.Client, body: str, pointer: str
) -> None:
    answer = refused(workspace, own, body)
    expect_problem(answer, 422, "invalid-activity", pointer=pointer)


@pytest.mark.parametrize(
    "details",
    [
        {"a": 1, "b": {"a": 1, "c": [{"a": 1}, {"a": 2}]}},
        {"text": 'he said "a":1, "a":2', "more": '\\":\\":'},
        {"a": 1, "A": 2, "á": 3, "a\u0301": 4},
        {'"': 1, '":': 2, "\\": 3, '\\"': 4},
    ],
)
@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_what_only_looks_like_a_doubled_key_is_recorded(
    own: httpx.Client, details: dict[str, Any], blank: str
) -> None:
    body = json.dumps(activity(details=details), separators=(",", f"{blank}:"))
    answer = own.post(PATH, content=body, headers=JSON)
    assert answer.status_code == 201, answer.text
    assert fetched(own, answer.json()["id"])["details"] == details


def test_a_thousand_digits_are_kept_or_refused_but_never_changed(own: httpx.Client) -> None:
    for digits in (15, 16, 17, 18, 19, 20, 21, 40, 1_000, 4_000):
        number = int("9" * digits)
        answer = own.post(PATH, content=with_details(f'{{"n": {number}}}'), headers=JSON)
        if answer.status_code == 201:
            assert fetched(own, answer.json()["id"])["details"]["n"] == number
        else:
            assert answer.status_code in (400, 422)
