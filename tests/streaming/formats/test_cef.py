"""CEF: lines that a reader of the format takes apart again, with the dictionary's keys."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace
from tests.streaming.formats.cef_reader import read_cef
from tests.streaming.formats.samples import SAMPLES, TEAM, UGLY, activity
from tests.streaming.formats.test_ocsf import ACTIONS, variants

from trailkeeper.activity import Activity, Actor, Context, Target
from trailkeeper.streaming.formats.cef import FORMAT, header_value
from trailkeeper.streaming.plain import visible

LENGTHS = {
    **dict.fromkeys(("cat", "msg", "reason", "suid", "suser", "duid", "duser", "spriv"), 1023),
    **dict.fromkeys(("fileId", "fileType", "fname", "requestClientApplication"), 1023),
    **dict.fromkeys(("sourceServiceName", "flexString1", "flexString2"), 1023),
    **{f"cs{number}": 4_000 for number in range(1, 7)},
    "act": 63,
    "outcome": 63,
    "externalId": 40,
    "deviceExternalId": 255,
    "src": 15,
    "c6a2": 45,
    "rt": 20,
    "start": 20,
    "end": 20,
    "cn1": 20,
}
"""The extension dictionary's keys, as far as they are used, and their lengths."""


def extension(one: Activity) -> dict[str, str]:
    return read_cef(FORMAT.encode(one, TEAM)).extension


@pytest.mark.parametrize(("action", "kind"), ACTIONS)
def test_every_action_has_only_keys_of_the_dictionary_in_their_length(
    action: str, kind: str
) -> None:
    for one in variants(action, kind):
        found = extension(one)
        for key, text in found.items():
            if key.endswith("Label"):
                assert key.removesuffix("Label") in found
            else:
                assert len(text.replace("\\u", "")) <= LENGTHS[key] * 4
                assert len(text) <= LENGTHS[key] or "\\u" in text


def test_a_stopped_recipe_reads_as_it_was() -> None:
    header, found = read_cef(FORMAT.encode(SAMPLES[0], TEAM))
    assert header == {
        "version": "0",
        "vendor": "Trailkeeper",
        "product": "Trailkeeper",
        "device_version": "1",
        "event_class": "recipe.stopped",
        "name": "Recipe stopped",
        "severity": "3",
    }
    assert found["suser"] == "Robin Operator"
    assert found["src"] == "203.0.113.9"
    assert found["msg"] == "Recipe Sync product SKUs was stopped by Robin Operator."
    assert (found["cn1Label"], found["cn1"]) == ("seq", "1")
    assert found["rt"] == "1795379103198"
    assert found["end"] == "1795379103158"
    assert json.loads(found["cs6"])["stop_reason"] == "user_stop"


def test_a_failure_is_more_severe() -> None:
    header, found = read_cef(FORMAT.encode(SAMPLES[5], TEAM))
    assert header["severity"] == "6"
    assert found["outcome"] == "failure"
    assert found["reason"] == "The password is wrong"


def test_everything_ugly_is_text_in_the_place_where_it_belongs() -> None:
    found = extension(SAMPLES[-1])
    shown = visible(UGLY.replace("\n", "\ue000").replace("\r", "\ue001"))
    shown = shown.replace("\ue000", "\n").replace("\ue001", "\r")
    assert found["suser"] == found["fname"] == found["reason"] == shown
    assert found["requestClientApplication"] == found["sourceServiceName"] == shown
    assert found["flexString2"] == "hash:0f"
    assert json.loads(found["cs5"]) == [{"field": UGLY, "old": UGLY, "new": [UGLY]}]
    assert json.loads(found["cs6"])[UGLY] == {UGLY: UGLY}


def test_a_value_that_looks_like_a_key_is_none() -> None:
    one = activity(
        1,
        "recipe.stopped",
        actor=Actor(type="user", id="1", name="Ada suser=root outcome=success \\"),
    )
    found = extension(one)
    assert found["suser"] == "Ada suser=root outcome=success \\"
    assert found["outcome"] == "success"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a|b", "a\\|b"), ("a\\b", "a\\\\b"), ("a=b", "a=b"), ("a\nb", "a\\\\u000ab")],
)
def test_a_header_has_no_line_break_and_its_pipes_are_escaped(text: str, shown: str) -> None:
    assert header_value(text) == shown


def test_an_address_stands_where_the_version_has_a_place_for_it() -> None:
    def of(address: str) -> dict[str, str]:
        found = extension(activity(1, "a.b", context=Context(ip_address=address)))
        names = ("src", "c6a2", "c6a2Label", "flexString2")
        return {key: text for key, text in found.items() if key in names}

    assert of("203.0.113.9") == {"src": "203.0.113.9"}
    assert of("2001:db8::7") == {"c6a2Label": "Source IPv6 Address", "c6a2": "2001:db8::7"}
    assert of("hash:0f") == {"flexString2": "hash:0f"}


def test_what_is_longer_than_the_dictionary_says_is_cut_and_marked() -> None:
    long = "x" * 5_000
    one = activity(1, "recipe.stopped", targets=[Target(type="recipe", id="1", name=long)])
    found = extension(replace(one, details={"note": long}))
    assert found["fname"] == "x" * 1_022 + "…"
    assert len(found["cs6"]) == 4_000


def test_an_id_that_does_not_fit_its_key_is_whole_in_another() -> None:
    id = "x" * 41
    found = extension(activity(1, "a.b", id=id))
    assert "externalId" not in found
    assert (found["flexString1Label"], found["flexString1"]) == ("Activity id", id)
