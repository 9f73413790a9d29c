"""Text for a terminal: whatever the log holds, nothing of it may steer the terminal."""

from __future__ import annotations

import unicodedata
from datetime import UTC

from trailkeeper.activity import Activity
from trailkeeper.catalogue.vocabulary import Vocabulary


def shown(text: str) -> str:
    """The text with control, format and bidirectional characters made visible."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() and unicodedata.category(character) != "Cf"
        else f"\\u{ord(character):04x}"
        for character in text
    )


def line(activity: Activity, words: Vocabulary) -> str:
    """One activity on one line: time, failure mark, sentence, address."""
    at = activity.occurred_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    mark = "✗" if activity.outcome == "failure" else " "
    address = f"  [{activity.context.ip_address}]" if activity.context.ip_address else ""
    return f"{at} {mark} {shown(words.sentence(activity))}{shown(address)}"
