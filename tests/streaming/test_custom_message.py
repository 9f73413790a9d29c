"""Custom messages: a template around each message of a stream, from the API to what arrives."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.support import PATH
from tests.conftest import Site, tables_of, wait_for
from tests.streaming.formats.samples import SAMPLES, TEAM
from tests.streaming.receiver import Receiver
from tests.streaming.test_http_stream import STREAMS, make_stream, record, state

from trailkeeper.streaming.formats import FORMATS
from trailkeeper.streaming.template import (
    TemplateError,
    problem_of,
    read_template,
    templated,
)

AT = datetime.fromisoformat("2023-06-02T05:30:01.002213+00:00")
MESSAGE = b'{"event":"recipe_stopped","name":"\\"a\\\\b\\" \\n"}'
EVENT = json.loads(MESSAGE)


def filled(template: str, message: bytes = MESSAGE, *, is_json: bool = True) -> Any:
    return json.loads(read_template(template).fill(message, AT, is_json=is_json))


def test_the_message_stands_where_its_placeholder_stood() -> None:
    template = """
    {
      "source": "workato",
      "environment": "staging",
      "logEntries": {{{log_message}}}
    }
    """
    expected = {"source": "workato", "environment": "staging", "logEntries": EVENT}
    assert filled(template) == expected
    assert filled(template.replace("{{{log_message}}}", "{{log_message}}")) == expected


def test_braces_may_touch_the_placeholder() -> None:
    assert filled('{"a":{{{log_message}}}}') == {"a": EVENT}
    assert filled('{"a":{{log_message}}}') == {"a": EVENT}
    assert filled("{{{log_message}}}") == EVENT
    assert filled("[{{log_message}}]") == [EVENT]


def test_as_a_text_the_message_is_escaped_with_quotes_or_without() -> None:
    text = MESSAGE.decode()
    assert filled('{"m": "{{{log_message_str}}}"}') == {"m": text}
    assert filled('{"m": {{{log_message_str}}}}') == {"m": text}
    assert filled('{"m": "say \\"{{{log_message_str}}}\\"!"}') == {"m": f'say "{text}"!'}


def test_grafana_loki_takes_what_a_template_makes_for_it() -> None:
    template = (
        '{"streams": [{"stream": {"app": "trailkeeper"},'
        ' "values": [["{{{now_utc_nano}}}", {{{log_message_str}}}]]}]}'
    )
    (stream,) = filled(template)["streams"]
    assert stream["values"] == [["1685683801002213000", MESSAGE.decode()]]


@pytest.mark.parametrize(
    ("placeholder", "value"),
    [
        ("{{{now}}}", "2023-06-02T05:30:01.002+00:00"),
        ('"{{{now}}}"', "2023-06-02T05:30:01.002+00:00"),
        ("{{{now_utc}}}", 1_685_683_801_002.213),
        ('"{{{now_utc}}}"', "1685683801002.213"),
        ("{{{now_utc_micro}}}", 1_685_683_801_002_213),
        ("{{{now_utc_nano}}}", 1_685_683_801_002_213_000),
        ('"{{{unknown}}} {{x}} {{{ log_message }}}"', "{{{unknown}}} {{x}} {{{ log_message }}}"),
    ],
)
def test_now_is_the_time_of_receipt_and_unknown_names_stay(placeholder: str, value: Any) -> None:
    made = filled(f'{{"x": {placeholder}, "m": {{{{{{log_message}}}}}}}}')
    assert made == {"x": value, "m": EVENT}


def test_placeholders_in_the_message_itself_are_text() -> None:
    message = b'{"name":"{{{now}}} {{log_message}}"}'
    assert filled('{"m": {{{log_message}}}}', message) == {"m": json.loads(message)}


def test_a_message_that_is_no_json_is_a_text() -> None:
    line = FORMATS["cef"].encode(SAMPLES[-1], TEAM)
    for template in ('{"m": {{{log_message}}}}', '{"m": "{{{log_message_str}}}"}'):
        assert filled(template, line, is_json=False) == {"m": line.decode()}
    one = templated(FORMATS["cef"], '{"m": {{{log_message}}}}')
    assert (one.content_type, one.ending) == ("application/json", "json")
    assert json.loads(one.encode(SAMPLES[-1], TEAM)) == {"m": line.decode()}


def test_a_message_is_the_same_at_each_try_and_one_line() -> None:
    one = templated(FORMATS["workato"], '{\n "at": {{{now}}},\r\n\t"m": {{{log_message}}}\n}\n')
    for sample in SAMPLES:
        body = one.encode(sample, TEAM)
        assert body == one.encode(sample, TEAM)
        assert len(body.decode().splitlines()) == 1
        at = datetime.fromisoformat(json.loads(body)["at"])
        assert at == sample.received_at.replace(microsecond=at.microsecond)


def test_without_a_template_the_format_is_as_it_was() -> None:
    assert templated(FORMATS["ecs"], " \n") is FORMATS["ecs"]
    assert problem_of("") is None


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ('{"m": 1}', "has neither {{{log_message}}} nor {{{log_message_str}}} in it"),
        ('{"m": {{{now}}}}', "has neither {{{log_message}}} nor {{{log_message_str}}} in it"),
        ('{"m": {{{log_message}}}', "does not give valid JSON: Input data was truncated"),
        ('{"m": {{{log_message}}},}', "does not give valid JSON: "),
        ("{'m': {{{log_message}}}}", "does not give valid JSON: object keys must be strings"),
        ('{"m": {{{log_message}}}, "x": {{{y}}}}', "does not give valid JSON: "),
        ('{"m": {{{log_message}}}, "x": 1 2}', "does not give valid JSON: "),
        ('{"m": {{{log_message}}}, "x": "a\nb"}', "does not give valid JSON: invalid character"),
        ('{"m": "{{{log_message}}}"}', "; in quotes, write {{{log_message_str}}}"),
        ('{"m": {{{log_message}}}} {}', "does not give valid JSON: "),
        ("[" * 9_000 + "{{{log_message}}}" + "]" * 9_000, "does not give valid JSON: maximum"),
        ("[" + "{{{log_message}}}," * 4 + "{{{log_message}}}]", "more than 4 times"),
        ('{"m": {{{log_message}}}, "x": "\ud800"}', "has half a character in it"),
    ],
)
def test_a_template_that_cannot_be_used_says_why(template: str, problem: str) -> None:
    assert problem in (problem_of(template) or "")
    with pytest.raises(TemplateError):
        templated(FORMATS["workato"], template)


PIECES = st.sampled_from(
    [
        *(
            '{"a":',
            "[",
            "]",
            "}",
            ",",
            '"',
            "\\",
            '\\"',
            "1",
            " ",
            "\n",
            "x",
            "-",
            ".",
            "e",
            "\u2028",
        ),
        *("{{{log_message}}}", "{{{log_message_str}}}", "{{log_message}}", "{{{now}}}"),
        *("{{{now_utc}}}", "{{{now_utc_micro}}}", "{{{now_utc_nano}}}", "{{{y}}}", "{", "{{", "}}"),
    ]
)


@settings(deadline=None, max_examples=2_000, database=None)
@given(pieces=st.lists(PIECES, min_size=1, max_size=8), sample=st.sampled_from(SAMPLES))
def test_a_template_that_is_taken_gives_json_on_one_line_for_every_activity(
    pieces: list[str], sample: Any
) -> None:
    text = "".join(pieces)
    if text.strip() and problem_of(text) is None:
        for name in ("workato", "cef"):
            body = templated(FORMATS[name], text).encode(sample, TEAM)
            assert len(body.decode().splitlines()) == 1
            json.loads(body)


def test_what_arrives_is_the_template_around_the_streams_format(
    site: Site, receiver: Receiver
) -> None:
    shape = {
        "format": "workato",
        "template": '{"source": "us",\n "at": {{{now_utc_micro}}}, "m": {{{log_message}}}}',
        "query": "action:recipe.stopped",
    }
    id = make_stream(site, receiver.url, shape=shape)
    record(site, "a", "b")
    wait_for(lambda: sum(len(one.body.splitlines()) for one in receiver.requests) == 2)
    lines = [json.loads(line) for one in receiver.requests for line in one.body.splitlines()]
    assert [one["m"]["event"] for one in lines] == ["recipe_stopped"] * 2
    assert {one["source"] for one in lines} == {"us"}
    with site.http() as http:
        received_at = http.get(f"{PATH}/a").json()["received_at"]
    assert lines[0]["at"] == int(datetime.fromisoformat(received_at).timestamp() * 1_000_000)
    assert state(site, id)["template_problem"] is None


def test_a_bad_template_is_refused_when_it_is_saved_and_the_old_one_stays(
    site: Site, receiver: Receiver
) -> None:
    good = '{"m": {{{log_message}}}}'
    id = make_stream(site, receiver.url, shape={"template": good})
    with site.http() as http:
        answer = http.patch(f"{STREAMS}/{id}", json={"shape": {"template": '{"m": "x"'}})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/template"
        assert "has neither" in answer.json()["detail"]
        answer = http.patch(f"{STREAMS}/{id}", json={"shape": {"template": f"{good},"}})
        assert "does not give valid JSON" in answer.json()["detail"]
        assert state(site, id)["template"] == good
        assert http.patch(f"{STREAMS}/{id}", json={"shape": {"template": ""}}).status_code == 200
    assert state(site, id)["template"] == ""


def test_a_template_that_cannot_be_used_is_left_out_and_that_is_said_once(
    site: Site, receiver: Receiver
) -> None:
    shape = {"template": '{"m": {{{log_message}}}}', "query": "action:recipe.stopped"}
    id = make_stream(site, receiver.url, shape=shape)
    site.stop()
    with tables_of(site.data) as database:
        database.execute("UPDATE stream SET template = ?", ('{"m": {{{log_message}}',))
        if database.in_transaction:
            database.execute("COMMIT")
    for one in ("a", "b"):
        site.start()
        record(site, one)
        wait_for(lambda: state(site, id)["lag"]["count"] == 0)
        site.stop()
    site.start()
    lines = [json.loads(line) for one in receiver.requests for line in one.body.splitlines()]
    assert [one["id"] for one in lines] == ["a", "b"]
    assert "does not give valid JSON" in state(site, id)["template_problem"]
    with site.http() as http:
        told = http.get(PATH, params={"action": "audit_stream.template_failed"}).json()["data"]
    assert len(told) == 1
    assert told[0]["reason"].startswith("The template does not give valid JSON")
    assert told[0]["targets"][0]["id"] == id
