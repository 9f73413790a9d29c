"""Whatever text is in an activity: each format writes one line, and gives the text back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.streaming.formats import ocsf_schema
from tests.streaming.formats.cef_reader import read_cef
from tests.streaming.formats.samples import START, TEAM

from trailkeeper.activity import Activity, Actor, Change, Context, Credential, Target
from trailkeeper.streaming.format import Format
from trailkeeper.streaming.formats import FORMATS
from trailkeeper.streaming.formats.ocsf import VERSIONS
from trailkeeper.streaming.plain import visible
from trailkeeper.streaming.template import templated

NASTY = (
    "\n\r\t|=\\\"'{}[]<>&%\x00\x1b\x7f\x85\x9b\u200e\u2028\u2029\u202e\u2066\ufeff\U0001f600 ax1"
)
TEXT = st.text(st.sampled_from(NASTY) | st.characters(codec="utf-8"), max_size=30)
ID = TEXT.filter(bool)
MAYBE = st.none() | TEXT
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=4)
ACTIONS = st.sampled_from(
    [
        *("recipe.stopped", "user.logged_in", "member.updated", "role.created", "package.exported"),
        *("invite.accepted", "user.name_updated", "access.denied", "a.b"),
    ]
)


def parties(cls: Any, types: Any) -> Any:
    return st.builds(cls, type=types, id=ID, name=MAYBE, email=MAYBE, metadata=st.none() | OBJECT)


ACTORS = parties(Actor, st.sampled_from(["user", "api_client", "system", "delegated_admin"]))
TARGETS = parties(Target, st.sampled_from(["user", "member", "recipe", "package", "role", "x.y-z"]))
ACTIVITIES = st.builds(
    Activity,
    id=ID,
    seq=st.integers(0, 10**12),
    action=ACTIONS,
    occurred_at=st.just(START),
    received_at=st.just(START),
    actor=ACTORS,
    on_behalf_of=st.none() | ACTORS,
    credential=st.none() | st.builds(Credential, type=st.just("token"), id=ID),
    targets=st.lists(TARGETS, min_size=1, max_size=3),
    outcome=st.sampled_from(["success", "failure"]),
    reason=MAYBE,
    context=st.builds(
        Context,
        ip_address=MAYBE | st.ip_addresses().map(str),
        user_agent=MAYBE,
        session_id=MAYBE,
        request_id=MAYBE,
        trace_id=MAYBE,
        source=MAYBE,
    ),
    changes=st.lists(st.builds(Change, field=ID, old=JSON, new=JSON), max_size=2),
    details=OBJECT,
    environment=st.just("prod"),
)
TEMPLATE = '{"now": {{{now_utc}}}, "text": "{{{log_message_str}}}", "message": {{{log_message}}}}'
ROUND_THE_MESSAGE = [templated(FORMATS[name], TEMPLATE) for name in ("workato", "cef")]
JSON_FORMATS = [*(one for one in FORMATS.values() if one.is_json), *ROUND_THE_MESSAGE]

thorough = settings(
    deadline=None, max_examples=60, database=None, suppress_health_check=list(HealthCheck)
)


def texts(value: Any) -> set[str]:
    """Every text in a JSON value, and in the JSON that is a text in it."""
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        return set(value) | {text for one in value.values() for text in texts(one)}
    if isinstance(value, list):
        return {text for one in value for text in texts(one)}
    return set()


@pytest.mark.parametrize("one", JSON_FORMATS, ids=lambda one: f"{one.name}.{one.ending}")
@thorough
@given(activity=ACTIVITIES)
def test_json_is_one_line_that_nobody_acts_on_and_is_read_back(
    one: Format, activity: Activity
) -> None:
    body = one.encode(activity, TEAM)
    line = body.decode()
    assert len(line.splitlines()) == 1
    assert visible(line) == line
    read = json.loads(body)
    assert body == one.encode(activity, TEAM)
    if one.name != "workato" and one not in ROUND_THE_MESSAGE:
        assert {activity.actor.id, activity.targets[0].id} <= texts(read)


@pytest.mark.parametrize("name", VERSIONS)
@thorough
@given(activity=ACTIVITIES)
def test_ocsf_is_valid_whatever_the_texts_are(name: str, activity: Activity) -> None:
    event = json.loads(FORMATS[name].encode(activity, TEAM))
    assert ocsf_schema.problems(event, VERSIONS[name].number) == []


@thorough
@given(activity=ACTIVITIES)
def test_cef_is_one_line_that_a_reader_takes_apart_again(activity: Activity) -> None:
    body = FORMATS["cef"].encode(activity, TEAM)
    assert visible(body.decode()) == body.decode()
    header, found = read_cef(body)
    assert header["event_class"] == activity.action
    assert found["suid"] == _shown(activity.actor.id)
    assert found.get("suser", "") == _shown(activity.actor.name or "")
    assert found["fileId"] == _shown(activity.targets[0].id)
    assert found.get("reason", "") == _shown(activity.reason or "")
    if activity.changes:
        assert len(json.loads(found["cs5"])) == len(activity.changes)


def _shown(text: str) -> str:
    """What CEF leaves of a text: line breaks as they are, and what cannot be seen as text."""
    return "".join(char if char in "\n\r" else visible(char) for char in text)
