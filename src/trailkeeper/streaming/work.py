"""A stream at work: activities become messages, messages parcels, and parcels are delivered."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from trailkeeper.activity import Activity, to_us
from trailkeeper.followers.follower import Batch, Limits, Poison
from trailkeeper.query.filters import Filter, Match
from trailkeeper.query.language import parse
from trailkeeper.streaming.destination import Destination, Kind, Message, Parcel, ParcelTooLarge
from trailkeeper.streaming.format import Format, Team
from trailkeeper.streaming.masks import masked
from trailkeeper.streaming.stream import Stream

EACH_MOST = 200
"""Activities in a batch whose messages become objects one by one."""

NOTHING = Filter(matches=(Match(field="action", values=("nothing.at_all",)),))


class StreamWork:
    """Sends the activities of a batch in order. The parcels are made of the batch alone, so that a
    second try sends the same bytes."""

    def __init__(
        self,
        stream: Stream,
        kind: Kind,
        destination: Destination,
        format: Format,
        team: Team,
        salt: bytes,
    ) -> None:
        self._stream = stream
        self._kind = kind
        self._destination = destination
        self._format = format
        self._team = team
        self._salt = salt
        each = kind.is_object_store and stream.packing == "each"
        self.limits = Limits(
            activities=EACH_MOST if each else kind.parcel_messages, linger_s=kind.linger_s
        )
        wanted = parse(stream.query) if stream.query else Filter()
        self.wants = wanted if stream.login_user_activity else NOTHING
        self.destination = kind.name

    def do(self, batch: Batch) -> int:
        messages = [self._message(activity) for activity in batch.activities]
        room = self._kind.message_bytes
        if large := [one.seq for one in messages if len(one.body) > room]:
            raise Poison(f"larger than the destination takes ({room} bytes)", large)
        for parcel in self._parcels(messages):
            self._deliver(parcel)
        return sum(len(message.body) for message in messages)

    def close(self) -> None:
        self._destination.close()

    def _message(self, activity: Activity) -> Message:
        shown = masked(activity, self._stream.masks, self._salt)
        return Message(
            activity.seq,
            activity.id,
            to_us(activity.occurred_at),
            f"{self._format.path(shown, self._team)}.{self._format.ending}",
            self._format.encode(shown, self._team),
            f"{shown.targets[0].type}/{shown.targets[0].id}",
            to_us(activity.received_at),
            shown,
        )

    def _parcels(self, messages: list[Message]) -> Iterator[Parcel]:
        some: list[Message] = []
        size = 0
        for message in messages:
            if some and size + len(message.body) > self._kind.parcel_bytes:
                yield self._parcel(some)
                some, size = [], 0
            some.append(message)
            size += len(message.body) + 1
        if some:
            yield self._parcel(some)

    def _parcel(self, messages: list[Message]) -> Parcel:
        stem = f"{messages[0].seq:012d}-{messages[-1].seq:012d}"
        return Parcel("activities", stem, messages, self._format.content_type)

    def _deliver(self, parcel: Parcel) -> None:
        """One that is too large for the destination goes in halves."""
        try:
            self._destination.deliver(parcel)
        except ParcelTooLarge as error:
            messages = parcel.messages
            if len(messages) == 1:
                raise Poison(error.why, [messages[0].seq]) from error
            middle = len(messages) // 2
            for half in (messages[:middle], messages[middle:]):
                self._deliver(
                    replace(
                        parcel,
                        stem=f"{half[0].seq:012d}-{half[-1].seq:012d}",
                        messages=half,
                    )
                )
