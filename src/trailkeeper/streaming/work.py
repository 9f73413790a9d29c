"""A stream at work: activities and jobs become messages, messages parcels, which are delivered."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import ClassVar, Generic

from msgspec.structs import replace

from trailkeeper.activity import Activity, to_us
from trailkeeper.followers.follower import Batch, Item, Limits, Log, Poison
from trailkeeper.jobs.body import LINES_TOO_LONG
from trailkeeper.jobs.job import EndedJob
from trailkeeper.query.filters import Filter, Match
from trailkeeper.query.language import parse
from trailkeeper.streaming.destination import Destination, Kind, Message, Parcel, ParcelTooLarge
from trailkeeper.streaming.format import Format, Team
from trailkeeper.streaming.masks import masked, masked_job, masked_lines
from trailkeeper.streaming.plain import json_line
from trailkeeper.streaming.stream import Stream

EACH_MOST = 200
"""Items of a batch whose messages become objects one by one."""

NOTHING = Filter(matches=(Match(field="action", values=("nothing.at_all",)),))
NO_LINES = json_line(LINES_TOO_LONG)


class Sending(ABC, Generic[Item]):
    """Sends the items of a batch in order. The parcels are made of the batch alone, so that a
    second try sends the same bytes."""

    log: ClassVar[Log]

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
            items=EACH_MOST if each else kind.parcel_messages, linger_s=kind.linger_s
        )
        self.destination = kind.name

    def do(self, batch: Batch[Item]) -> int:
        messages = [self._message(item) for item in batch.items]
        room = self._kind.message_bytes
        if large := [one.seq for one in messages if len(one.body) > room]:
            raise Poison(f"larger than the destination takes ({room} bytes)", large)
        for parcel in self._parcels(messages):
            self._deliver(parcel)
        return sum(len(message.body) for message in messages)

    def close(self) -> None:
        self._destination.close()

    @abstractmethod
    def _message(self, item: Item) -> Message: ...

    def _path(self, path: Callable[[Item, Team], str], shown: Item) -> str:
        """Only object stores have use for one, and it takes as long to make as the body."""
        if not self._kind.is_object_store:
            return ""
        return f"{path(shown, self._team)}.{self._format.ending}"

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
        return Parcel(self.log, stem, messages, self._format.content_type)

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


class StreamWork(Sending[Activity]):
    """Of activities."""

    log = "activities"

    @cached_property
    def wants(self) -> Filter:
        if not self._stream.login_user_activity:
            return NOTHING
        return parse(self._stream.query) if self._stream.query else Filter()

    def _message(self, item: Activity) -> Message:
        shown = masked(item, self._stream.masks, self._salt)
        return Message(
            item.seq,
            item.id,
            to_us(item.occurred_at),
            self._path(self._format.path, shown),
            self._format.encode(shown, self._team),
            f"{shown.targets[0].type}/{shown.targets[0].id}",
            to_us(item.received_at),
            shown,
        )


class JobWork(Sending[EndedJob]):
    """Of jobs. Where its steps make a job larger than the destination takes, they are left out,
    and LINES_TOO_LONG stands in their place."""

    log = "jobs"

    @property
    def wants(self) -> bool:
        """Whether with steps."""
        return self._stream.recipe_step_details

    def _message(self, item: EndedJob) -> Message:
        masks, team = self._stream.masks, self._team
        shown, lines = masked_job(item, masks, self._salt), item.lines
        if lines is not None:
            lines = masked_lines(lines, masks, self._salt)
        body = self._format.encode_job(shown, lines, team)
        if lines is not None and len(body) > self._kind.message_bytes:
            body = self._format.encode_job(shown, NO_LINES, team)
        return Message(
            item.seq,
            item.id,
            item.ended_at,
            self._path(self._format.job_path, shown),
            body,
            f"recipe/{item.recipe_id}",
            item.received_at,
        )
