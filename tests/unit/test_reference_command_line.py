"""The command line's reference page is made from the commands."""

from pathlib import Path

from trailkeeper.cli.reference import page

PAGE = Path(__file__).parents[2] / "docs/reference/command-line.md"


def test_the_page_is_what_the_commands_say() -> None:
    assert PAGE.read_text() == page(), "run `make docs`"
