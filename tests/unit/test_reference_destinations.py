"""The reference page of destinations is made from them."""

from pathlib import Path

from trailkeeper.streaming.reference import page

PAGE = Path(__file__).parents[2] / "docs/reference/stream-destinations.md"


def test_the_page_is_what_the_destinations_say() -> None:
    assert PAGE.read_text() == page(), "run `make docs`"
