"""Text from the log, made harmless."""

import json

import pytest

from trailkeeper.web.text import as_json, value_text, visible


@pytest.mark.parametrize("text", ["Sync product SKUs", "Zoë", "名前", "👩\u200d💻", "مرحبا"])
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("hidden", "shown"),
    [
        ("a\x00b", "a␀b"),
        ("a\nb", "a␊b"),
        ("a\x7f", "a␡"),
        ("\u202egnp.exe", "[U+202E]gnp.exe"),
        ("\u2066x\u2069", "[U+2066]x[U+2069]"),
        ("a\u200bb", "a[U+200B]b"),
        ("\ufeffa", "[U+FEFF]a"),
    ],
)
def test_what_cannot_be_seen_is_shown(hidden: str, shown: str) -> None:
    assert visible(hidden) == shown


@pytest.mark.parametrize("text", ["\u202eevil", "tab\there", "\U000e0001tag", "a\u2028b"])
def test_raw_json_hides_nothing_and_means_the_same(text: str) -> None:
    shown = as_json({"name": text})
    assert json.loads(shown) == {"name": text}
    assert text not in shown


def test_short_values_stay_on_one_line() -> None:
    assert value_text({"a": [1, None]}) == '{ "a": [ 1, null ] }'


def test_long_values_are_indented() -> None:
    assert "\n" in value_text({"a": "x" * 80})
