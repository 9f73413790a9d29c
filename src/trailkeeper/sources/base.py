"""What every source is: an object that turns the lines of one file into activities and jobs.

A source is pure: it reads nothing but the lines it is given and writes nothing. Whoever imports
stores the activities and jobs, and the state beside them.
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from trailkeeper.activity import ActivityInput


class Mapped(Struct, frozen=True):
    """The line told of at least one activity. Each has an id made from the event's own, so the
    same line gives the same ids for ever; the first activity's id is the event's."""

    line: int
    activities: list[ActivityInput]


class Skipped(Struct, frozen=True):
    """The line is sound, but no activity. `reason` is one of a few fixed texts, to count by."""

    line: int
    reason: str


class Refused(Struct, frozen=True):
    """The line cannot be read, or would be no valid activity. `reason` says what was wrong."""

    line: int
    reason: str


class OfJob(Struct, frozen=True):
    """The line tells something of a job, which comes by `jobs`."""

    line: int


class ToldJob(Struct, frozen=True):
    """A job as JSON, as the API takes it, and the last line that told of it."""

    line: int
    body: bytes


Result = Mapped | OfJob | Skipped | Refused


class Source(Protocol):
    """Reads one file, in order. No method raises for what a line holds.

    The importer goes over the file twice: first `look_ahead` on each line, then, line by line,
    `event_id`, and `map` only if the ledger does not yet hold that id. An event must be mapped at
    most once in the life of a state, so the importer keeps the exported state in the same
    transaction as the activities and loads it into the source that reads the next file. So a file
    imported twice, or a rotated file after an earlier one, gives each activity once.

    `number` is the line's number in the file, from 1. `line` may end in a newline.
    """

    keeps_state: bool
    """Whether a line's meaning depends on those before it. Without a state, `map` may be called
    again for an event that the ledger holds, which then compares the content."""

    def look_ahead(self, line: bytes) -> None:
        """Gather facts that lines before this one need, such as whose an e-mail address is."""
        ...

    def event_id(self, number: int, line: bytes) -> str | None:
        """The id of the line's first activity; None where the line has none to look up.

        Changes no result: it may be called any number of times, but by rising `number`.
        """
        ...

    def map(self, number: int, line: bytes) -> Result | None:
        """What the line tells; None for a line that is no event, such as a blank one.

        Only a `Mapped` answer changes the state, and an `OfJob` one that tells something new.
        """
        ...

    def jobs(self, *, at_end: bool) -> list[ToldJob]:
        """The jobs of which the lines so far told, each once and when nothing more is expected of
        it; at the end of a file all of them, finished or not. Whoever keeps them keeps the
        source's state in the same transaction.

        One that is told of again, in the same lines or in later ones, comes again.
        """
        ...

    def export_state(self) -> bytes:
        """What this source knows by now, as JSON."""
        ...

    def load_state(self, state: bytes) -> None:
        """Go on from an exported state. Raises `msgspec.DecodeError` if it is another source's."""
        ...
