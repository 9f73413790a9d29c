"""What Trailkeeper records of itself is declared: it reads well, and strict workspaces take it."""

from __future__ import annotations

import re
from pathlib import Path

from trailkeeper.catalogue import catalogue

SOURCE = Path(__file__).parents[2] / "src/trailkeeper"
_RECORDED = re.compile(r"\"([a-z_]+\.[a-z_]*(?:ed|logged_in|logged_out))\"")


def test_every_action_that_the_code_records_is_in_the_catalogue() -> None:
    rooms = [SOURCE / room for room in ("api", "cli", "identity", "streaming", "team", "web")]
    texts = [file.read_text() for room in rooms for file in room.rglob("*.py")]
    recorded = {action for text in texts for action in _RECORDED.findall(text)}
    assert {"member.added", "user.logged_in", "workspace.created"} <= recorded
    assert {action for action in recorded if catalogue().get(action) is None} == set()
