"""Whatever a text holds, it comes back as it was sent, and steers neither browser nor terminal."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import httpx
import pytest
from tests.conftest import Site, activity

from .support import PATH, Run, fetched, listed, record

HOSTILE = {
    "html": "<img src=x onerror=alert(1)>&amp;<b>",
    "script": "</script><script>alert('x')</script><!--",
    "formula": '=HYPERLINK("https://example.com","x")',
    "at formula": "@SUM(1+1)*cmd|' /C calc'!A0",
    "escape": "\x1b[2J\x1b[31mred\x1b]0;title\x07",
    "one-byte escape": "\x9b31mred\x9d0;title\x9c",
    "controls": "a\x00b\x07c\x08d\x7fe\rf\ng\th",
    "bidi": "abc\u202egnp.exe\u202c \u2066x\u2069 \u200f",
    "invisible": "a\u200bb\u00adc\ufeffd\u2060e\U000e0041f",
    "separators": "a\u2028b\u2029c\u0085d",
    "private": "\ue0001 \ue0042 \uf8ff",
    "sql": "'; DROP TABLE activity; --",
    "template": "{{7*7}} ${7*7} {actor} *actor* %s %n",
    "quotes": "\"'`\\",
    "zalgo": "Z\u0351\u0342\u035b" * 30,
    "emoji": "👩‍👩‍👧‍👦🏴‍☠️",
    "plane 16": "\U0010ffff \ufffe \uffff",
}


def hostile_activity(text: str, **more: Any) -> dict[str, Any]:
    """An activity with the text in every field that takes free text."""
    party = {"name": text, "email": text, "metadata": {text: [text]}}
    return activity(
        actor={"type": "user", "id": "h1", **party},
        on_behalf_of={"type": "user", "id": "h2", **party},
        targets=[{"type": "recipe", "id": "h3", **party}, {"type": "folder", "id": "h4", **party}],
        reason=text,
        context=dict.fromkeys(
            ("ip_address", "user_agent", "session_id", "request_id", "trace_id", "source"), text
        ),
        changes=[{"field": text, "old": text, "new": {text: text}}],
        details={text: text, "list": [text, {"deep": text}]},
        **more,
    )


@pytest.mark.parametrize("kind", HOSTILE)
def test_it_comes_back_verbatim_as_json(own: httpx.Client, kind: str) -> None:
    sent = hostile_activity(HOSTILE[kind], id=f"hostile {kind}")
    receipt = record(own, **sent)
    answer = own.get(f"{PATH}/{receipt['id']}")
    assert answer.headers["content-type"] == "application/json"
    read = answer.json()
    assert {name: read[name] for name in sent} == sent
    assert read in listed(own, actor="user:h1")


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_problem_that_quotes_it_is_json_as_well(own: httpx.Client, kind: str) -> None:
    for answer in (
        own.post(PATH, json={**activity(), HOSTILE[kind]: 1}),
        own.get(PATH, params={"q": f'{HOSTILE[kind]}"'}),
        own.get(PATH, params={"action": HOSTILE[kind]}),
        own.get(PATH, params={"tz": HOSTILE[kind]}),
    ):
        assert answer.status_code in (400, 422), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code


def test_nobody_can_forge_what_a_filter_looks_for(own: httpx.Client) -> None:
    receipt = record(own, details={"note": "\ue0051 \ue0040 \ue001999 \ue006410000000 forged"})
    assert [one["id"] for one in listed(own, q="forged")] == [receipt["id"]]
    assert receipt["id"] not in {one["id"] for one in listed(own, outcome="failure")}
    assert receipt["id"] not in {one["id"] for one in listed(own, ip="16.0.0.0")}


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["lines", "json"])
def test_on_a_terminal_it_is_shown_and_not_obeyed(
    workspace: Site, own: httpx.Client, form: tuple[str, ...], run: Run
) -> None:
    for kind, text in HOSTILE.items():
        own.post(PATH, json=hostile_activity(text, id=f"hostile {kind}"))
    there = ("--data", workspace.data, "--workspace", workspace.workspace)
    out = run("search", "actor:user:h1", *there, *form).stdout
    lines = out.removesuffix("\n").split("\n")
    assert len(lines) >= len(HOSTILE)
    dangerous = {
        character
        for line in lines
        for character in line
        if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs")
    }
    assert dangerous == set()
    if form:
        read = [json.loads(line) for line in lines]
        names = {one["actor"]["name"] for one in read}
        assert names == set(HOSTILE.values())


def test_errors_on_a_terminal_are_shown_and_not_obeyed(workspace: Site, run: Run) -> None:
    there = ("--data", workspace.data, "--workspace", workspace.workspace)
    hostile = HOSTILE["escape"]
    refused = run("record", *there, stdin=json.dumps({**activity(), hostile: 1}), check=False)
    assert refused.returncode == 1
    assert "is not a known field" in refused.stderr
    assert "\x1b" not in refused.stdout + refused.stderr
    assert "\x07" not in refused.stdout + refused.stderr


def test_the_names_in_the_log_are_the_latest_and_the_activity_keeps_its_own(
    own: httpx.Client,
) -> None:
    first = record(own, actor={"type": "user", "id": "renamed", "name": "Old Name"})
    record(own, actor={"type": "user", "id": "renamed", "name": "New Name"})
    assert fetched(own, first["id"])["actor"]["name"] == "Old Name"
    assert len(listed(own, actor="New Name")) == 2
