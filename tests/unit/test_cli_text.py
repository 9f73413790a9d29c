"""What the terminal gets: nothing in the log may steer it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trailkeeper.activity import Activity, Actor, Context, Target, from_us
from trailkeeper.catalogue.vocabulary import Vocabulary
from trailkeeper.cli.text import line, shown

ANY = st.text(st.characters() | st.sampled_from("\x1b\r\n\x00\x7f\x9b\u202e\u2066\u200b\ufeff"))
"""Any text, with what can steer a terminal in it more often than by chance."""

STEERING = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def steers(text: str) -> bool:
    return any(unicodedata.category(character) in STEERING for character in text)


@given(ANY)
def test_no_control_bidi_or_escape_character_comes_out(text: str) -> None:
    assert not steers(shown(text))


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_what_is_harmless_is_shown_as_it_is(text: str) -> None:
    assert shown(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[2Jgone", "\\u001b[2Jgone"),
        ("a\nb", "a\\u000ab"),
        ("\u202efdp.exe", "\\u202efdp.exe"),
        ("a\u200bb", "a\\u200bb"),
        ("Ärger 😀", "Ärger 😀"),
    ],
)
def test_what_is_hidden_is_made_visible(text: str, expected: str) -> None:
    assert shown(text) == expected


def activity(text: str, outcome: str = "success") -> Activity:
    return Activity(
        id="1",
        seq=0,
        action="recipe.stopped",
        occurred_at=from_us(1_795_000_000_000_000),
        received_at=from_us(1_795_000_000_000_000),
        actor=Actor(type="user", id="7", name=text),
        targets=[Target(type="recipe", id="42", name=text)],
        outcome="failure" if outcome == "failure" else "success",
        context=Context(ip_address=text),
        details={"reason": text},
        environment="prod",
    )


@given(ANY)
def test_a_line_is_one_line_whatever_the_log_holds(text: str) -> None:
    shown_line = line(activity(text), Vocabulary())
    assert not steers(shown_line)
    assert len(shown_line.splitlines()) == 1


def test_a_line_has_the_time_the_sentence_and_the_address() -> None:
    text = line(activity("192.0.2.1"), Vocabulary())
    assert text.startswith("2026-11-18 11:06:40Z   ")
    assert text.endswith("  [192.0.2.1]")
    assert line(activity("x", "failure"), Vocabulary())[21] == "✗"
