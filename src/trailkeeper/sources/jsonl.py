"""Activities as JSON lines: one `ActivityInput` a line, or an activity as our own API returns it.

What the API returns has two fields that only the ledger it came from may say, `seq` and
`received_at`: they are dropped and the rest is kept, so an export can be imported elsewhere.
"""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Struct

from trailkeeper.activity import ActivityInput
from trailkeeper.sources.base import Mapped, Refused, Result, ToldJob
from trailkeeper.sources.lines import (
    LINE_MAX_BYTES,
    LineError,
    json_object,
    trimmed,
    what_is_wrong,
)

_LEDGERS_OWN = ("seq", "received_at")


class JsonlState(Struct, forbid_unknown_fields=True):
    """Nothing needs to be known from one file to the next."""


class _Head(Struct):
    id: str | None = None


_decode_head = msgspec.json.Decoder(_Head).decode


class JsonlSource:
    """A source of JSON lines.

    A line without an `id` gets `sha256-<hash of the line's bytes>-<n>`, where n counts the lines
    of this file that are equal to it: the same file gives the same ids.
    """

    keeps_state = False

    def __init__(self) -> None:
        self.state = JsonlState()
        self._first: dict[bytes, int] = {}
        self._again: dict[bytes, dict[int, int]] = {}

    def look_ahead(self, line: bytes) -> None:
        """Nothing: each line stands for itself."""

    def event_id(self, number: int, line: bytes) -> str | None:
        """The line's own id, or the one made from its bytes."""
        text = trimmed(line)
        if not text or len(text) > LINE_MAX_BYTES:
            return None
        try:
            head = _decode_head(text)
        except (ValueError, RecursionError):
            return None
        return head.id or self._made_id(number, text)

    def map(self, number: int, line: bytes) -> Result | None:
        """One activity, or why the line is none."""
        text = trimmed(line)
        if not text:
            return None
        try:
            fields = json_object(text)
            for name in _LEDGERS_OWN:
                fields.pop(name, None)
            if fields.get("id") is None:
                fields["id"] = self._made_id(number, text)
            activity = msgspec.convert(fields, ActivityInput)
        except (LineError, msgspec.ValidationError) as error:
            return Refused(number, str(error))
        if wrong := what_is_wrong(activity):
            return Refused(number, wrong)
        return Mapped(number, [activity])

    def jobs(self, *, at_end: bool) -> list[ToldJob]:
        """None: each line is an activity."""
        del at_end
        return []

    def export_state(self) -> bytes:
        """An empty object."""
        return msgspec.json.encode(self.state)

    def load_state(self, state: bytes) -> None:
        """Only checks that it is an empty object."""
        self.state = msgspec.json.decode(state, type=JsonlState)

    def _made_id(self, number: int, text: bytes) -> str:
        digest = hashlib.sha256(text).digest()
        return f"sha256-{digest.hex()}-{self._occurrence(digest, number)}"

    def _occurrence(self, digest: bytes, number: int) -> int:
        """Which of the equal lines line `number` is, from 1; asked again, it says the same."""
        if self._first.setdefault(digest, number) == number:
            return 1
        again = self._again.setdefault(digest, {})
        return again.setdefault(number, len(again) + 2)
