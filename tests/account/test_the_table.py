"""The page about the 29 activities is the one that the tests make."""

from __future__ import annotations

from pathlib import Path

from tests.account.table import PAGE, page


def test_the_page_is_up_to_date() -> None:
    assert (Path(__file__).parents[2] / PAGE).read_text() == page(), "run `make docs`"
