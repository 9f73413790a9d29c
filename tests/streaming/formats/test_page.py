"""The reference page about the formats says what they write."""

from __future__ import annotations

from pathlib import Path

from tests.streaming.formats.page import NOTES, PAGE, page

from trailkeeper.streaming.formats import FORMATS

ROOT = Path(__file__).parents[3]


def test_the_page_is_what_the_formats_write() -> None:
    assert (ROOT / PAGE).read_text() == page(), f"run python -m tests.streaming.formats.page {PAGE}"


def test_every_format_is_explained() -> None:
    assert list(NOTES) == list(FORMATS)
