"""What a destination is: where messages go, how large they may be there, and how they get there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol

from msgspec import Struct

from trailkeeper.activity import Activity
from trailkeeper.followers.follower import DeliveryFailed
from trailkeeper.streaming.guard import Guard

ANSWER_MAX = 500
"""Characters of a destination's answer that are shown, and only to those who manage streams."""

Packing = Literal["batch", "each", "parquet"]
Compression = Literal["none", "gzip", "zstd"]


class Message(Struct, frozen=True, gc=False):
    """One activity or job as it is sent. `path` is its name in an object store, without what the
    stream's settings put before it, and nothing elsewhere; `at` its time in microseconds. `body` is
    the same at each try. `key` names what it is about, for those who keep the order of each such
    thing only; `received_at`, in microseconds, never falls while seq rises (0: not known).
    `activity` is what it was made of, as the stream shows it, where it was made of one."""

    seq: int
    id: str
    at: int
    path: str
    body: bytes
    key: str = ""
    received_at: int = 0
    activity: Activity | None = None


class Parcel(Struct, frozen=True):
    """Messages that go together, in order. `stem` names them: it is made of the first and last seq,
    so that a second try has the same."""

    log: str
    stem: str
    messages: list[Message]
    content_type: str


class Opening(Struct, frozen=True):
    """What a destination gets when it is opened: who keeps it from addresses that it must not
    reach, the stream's id and name for those that identify their sender, and for object stores
    how the stream's messages become objects."""

    guard: Guard
    stream_id: str
    workspace: str
    packing: Packing = "batch"
    compression: Compression = "none"


class Answer(Struct, frozen=True):
    """What a destination said to a test, in at most ANSWER_MAX characters."""

    ok: bool
    text: str


class ParcelTooLarge(DeliveryFailed):
    """The destination takes no parcel of this size; smaller ones it may take."""


class Destination(Protocol):
    """An opened destination; one thread uses it."""

    def deliver(self, parcel: Parcel) -> None:
        """Returns when the destination has taken all of it for good. Raises DeliveryFailed, with
        what the other side asks to wait and whether trying again is of any use, ParcelTooLarge, and
        Poison with the seqs that it will never take. May be called again with the same parcel."""
        ...

    def test(self) -> Answer:
        """Send something small that does no harm, and tell what was answered."""
        ...

    def close(self) -> None: ...


class Kind(Struct, frozen=True, kw_only=True):
    """A kind of destination: what it is called, its settings, and its own limits on a parcel and on
    one message, in bytes."""

    name: str
    label: str
    settings: type[Struct]
    open: Callable[[Any, Opening], Destination]
    where: Callable[[dict[str, str]], str]
    """The destination in a few words for people, without secrets."""
    parcel_messages: int = 1_000
    parcel_bytes: int = 5 * 1024 * 1024
    message_bytes: int = 1024 * 1024
    linger_s: float = 0.1
    """How long a batch that is not full waits for more."""
    is_object_store: bool = False
    is_offered: Callable[[Guard], bool] = lambda _guard: True
    """Whether the operator lets it be set up at all."""


def shortened(text: str) -> str:
    """An answer as it may be shown."""
    plain = "".join(c if c.isprintable() or c in " \n" else "\ufffd" for c in text)
    return plain if len(plain) <= ANSWER_MAX else plain[: ANSWER_MAX - 1] + "…"
