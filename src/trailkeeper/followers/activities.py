"""The activities, for those who follow them."""

from __future__ import annotations

from trailkeeper.activity import Activity
from trailkeeper.ledger.reader import Reader
from trailkeeper.query.filters import Filter


class ActivitySource:
    """A follower says by a filter which ones it wants."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def next_seq(self, workspace: int) -> int:
        return self._reader.next_seq(workspace)

    def end_of_batch(self, _workspace: int, _first: int, end: int, _wants: Filter) -> int:
        # An activity has at most 64 KiB: their number is bound enough.
        return end

    def between(self, workspace: int, first: int, end: int, wants: Filter) -> list[Activity]:
        return self._reader.between(workspace, first, end, wants)
