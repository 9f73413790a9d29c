"""How streams stand: how far behind they are, how quick, and what was last delivered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct
from sqlalchemy import Connection

from trailkeeper.activity import now_us
from trailkeeper.errors import Conflict
from trailkeeper.followers import deliveries
from trailkeeper.followers.deliveries import MINUTE_US, Delivery, Minute, Outcome
from trailkeeper.followers.follower import Log, Place
from trailkeeper.followers.places import DeadLetter, Places
from trailkeeper.identity.store import Store
from trailkeeper.streaming.owner import team_of
from trailkeeper.streaming.reading import StreamReading
from trailkeeper.streaming.sample import sample_message
from trailkeeper.streaming.stream import Mask, Stream

RECENT_MINUTES = 5

WORDS: dict[Log, tuple[str, tuple[str, str]]] = {
    "activities": ("Activities", ("activity", "activities")),
    "jobs": ("Jobs", ("job", "jobs")),
}


class Dated(Protocol):
    """A log of which it is known when something came in."""

    def next_seq(self, workspace: int) -> int: ...

    def recorded_at(self, workspace: int, seq: int) -> int | None:
        """When the first from a seq on was recorded, in microseconds; None without any."""


class Lag(Struct, frozen=True):
    """How many are not delivered yet, and for how many seconds the oldest of them has been there;
    both 0 where everything is delivered. What a filter leaves out counts until it was passed."""

    count: int
    seconds: float


class Throughput(Struct, frozen=True):
    """What was delivered a minute, over the last five minutes and over the last hour."""

    last_5_minutes: float
    last_hour: float


class Part(Struct, frozen=True, kw_only=True):
    """One of the logs that a stream sends, and its place in it. `minutes` are those of the last 24
    hours in which something was done."""

    log: Log
    label: str
    nouns: tuple[str, str]
    place: Place
    lag: Lag
    throughput: Throughput
    minutes: list[Minute]
    dead_letters: int


class Overview(Struct, frozen=True):
    """`state` is `off`, `paused`, `failing` or `running`. There is always a part."""

    state: str
    parts: list[Part]

    def part(self, log: Log) -> Part:
        """Raises Conflict where the stream does not send that log."""
        for part in self.parts:
            if part.log == log:
                return part
        raise Conflict("The stream does not include job history")

    @property
    def delivered(self) -> int:
        return sum(part.place.delivered for part in self.parts)

    @property
    def latest_trouble(self) -> Place | None:
        """The place whose last error is the latest."""
        places = [part.place for part in self.parts if part.place.last_error]
        return max(places, key=lambda place: place.last_error_at or 0, default=None)


class Overviews:
    """Of all streams; whoever calls has asked for `streams.manage`."""

    def __init__(self, store: Store, sources: Mapping[Log, Dated], streams: StreamReading) -> None:
        self._store = store
        self._sources = sources
        self._streams = streams
        self._places = Places(store)

    def of(self, one: Stream) -> Overview:
        standing = self._streams.standing(one)
        places = [standing.place, *filter(None, [standing.jobs_place])]
        return Overview(standing.state, [self._part(place) for place in places])

    def lag(self, place: Place) -> Lag:
        """How far behind the end of its log a place is."""
        source = self._sources[place.log]
        count = source.next_seq(place.workspace) - place.cursor
        if count <= 0:
            return Lag(0, 0.0)
        oldest = source.recorded_at(place.workspace, place.cursor)
        return Lag(count, max(0.0, (now_us() - oldest) / 1e6) if oldest else 0.0)

    def recorded_at(self, part: Part, seq: int) -> int | None:
        """When the first of a part from `seq` on was recorded, in microseconds; None without
        any."""
        return self._sources[part.log].recorded_at(part.place.workspace, seq)

    def deliveries(
        self,
        part: Part,
        *,
        limit: int,
        outcome: Outcome | None = None,
        before: int | None = None,
    ) -> list[Delivery]:
        """The tries of a part, the newest first."""
        with self._store.reading() as connection:
            return deliveries.latest(
                connection, part.place.key, limit=limit, outcome=outcome, before=before
            )

    def dead_letters(self, part: Part, limit: int = 100) -> list[DeadLetter]:
        """What the destination did not take, the latest first."""
        return self._places.dead_letters(part.place, limit)

    def sample(self, workspace: int, format: str, template: str, masks: dict[str, Mask]) -> str:
        """A message as a stream with these would send it. Raises InvalidInput."""
        with self._store.reading() as connection:
            team = team_of(connection, workspace)
        return sample_message(format, template, masks, team)

    def _part(self, place: Place) -> Part:
        with self._store.reading() as connection:
            minutes = _minutes(connection, place)
        label, nouns = WORDS[place.log]
        return Part(
            log=place.log,
            label=label,
            nouns=nouns,
            place=place,
            lag=self.lag(place) if place.id else Lag(0, 0.0),
            throughput=_throughput(minutes),
            minutes=minutes,
            dead_letters=self._places.dead_count(place),
        )


def _minutes(connection: Connection, place: Place) -> list[Minute]:
    since = deliveries.this_minute() - deliveries.MINUTES_KEPT
    return deliveries.minutes(connection, [place.key], since)[place.key]


def _throughput(minutes: list[Minute]) -> Throughput:
    at = now_us()
    under_way = at % MINUTE_US / MINUTE_US

    def rate(count: int) -> float:
        first = at // MINUTE_US - count + 1
        delivered = sum(one.delivered for one in minutes if one.minute >= first)
        return round(delivered / (count - 1 + under_way), 2)

    return Throughput(rate(RECENT_MINUTES), rate(60))
