"""`python -m tests.account.table FILE` writes the page about the 29 account and team activities."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.account.deeds import DEEDS

from trailkeeper.catalogue import catalogue

PAGE = "docs/reference/account-and-team.md"

HEAD = """\
# Account and team activities

Made by `make docs` from the tests in `tests/account`; do not edit it by hand.

Each of the 29 activities of the categories Account and Team comes from an operation of Trailkeeper
itself: one function changes the state and records the activity in the same transaction; page and
API call that function. The test named here does it over HTTP and then finds the one new activity
with actor, target, details and changes, through the API and on the Audit page. The last column has
the tries that are refused, after which nothing is recorded as done.

| activity | action | page | API | test (`tests/account/deeds.py`) | refused tries |
| --- | --- | --- | --- | --- | --- |
"""


def page() -> str:
    """The page's text."""
    by_action = {deed.action: deed for deed in DEEDS}
    lines: list[str] = []
    for spec in catalogue().actions:
        if deed := by_action.get(spec.action):
            api = f"`{deed.api}`" if deed.api else "none"
            fails = f"`{deed.fail.__name__.lstrip('_')}`" if deed.fail else "none"
            lines.append(
                f"| {catalogue().label_of(spec.action)} | `{spec.action}` | {deed.way} | {api} |"
                f" `{deed.name}` | {fails} |\n"
            )
    return HEAD + "".join(lines)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page())
