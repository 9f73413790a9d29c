"""What is read of streams: their settings, and how they stand."""

from __future__ import annotations

from msgspec import Struct

from trailkeeper.followers.follower import Log, Place
from trailkeeper.followers.places import Places
from trailkeeper.identity.store import Store
from trailkeeper.streaming.destination import Kind
from trailkeeper.streaming.destinations import offered
from trailkeeper.streaming.guard import Guard
from trailkeeper.streaming.stream import KINDS, NOWHERE, Stream, blank, listed, read

STATES = ("off", "paused", "failing", "running")
"""The worst first."""


class Standing(Struct, frozen=True):
    """How a stream stands: `off`, `paused`, `failing` or `running`, whichever is worse for
    activities and jobs; its place in the log, and in that of the jobs where it includes them."""

    state: str
    place: Place
    jobs_place: Place | None = None


class StreamReading:
    """The streams of all workspaces, as they are."""

    def __init__(self, store: Store, guard: Guard) -> None:
        self._store = store
        self._guard = guard
        self._places = Places(store)

    def listed(self, workspace: int) -> list[Stream]:
        """The oldest first."""
        with self._store.reading() as connection:
            return listed(connection, workspace)

    def kinds(self) -> list[Kind]:
        """The kinds of destination to offer."""
        return offered(self._guard)

    def get(self, workspace: int, id: str) -> Stream:
        """Raises NotFound."""
        with self._store.reading() as connection:
            return read(connection, workspace, id)

    def first(self, workspace: int) -> Stream:
        """The oldest stream, which the settings page is about; a blank one where there is none. To
        change it, say FIRST instead of an id: it is made, then, in the same transaction."""
        there = self.listed(workspace)
        return there[0] if there else blank(workspace)

    def standing(self, one: Stream) -> Standing:
        if not one.id:
            return Standing("off", NOWHERE)
        place = self._place(one, "activities")
        jobs = self._place(one, "jobs") if one.job_history else None
        there = [each for each in (place, jobs) if each is not None]
        states = {state_of(enabled=one.enabled, place=each) for each in there}
        return Standing(next(state for state in STATES if state in states), place, jobs)

    def _place(self, one: Stream, log: Log) -> Place:
        return self._places.find(one.workspace, KINDS[log], one.id)


def state_of(*, enabled: bool, place: Place) -> str:
    """`off`, `paused`, `failing` or `running`."""
    if not enabled:
        return "off"
    if place.state == "paused":
        return "paused"
    return "failing" if place.failures else "running"
