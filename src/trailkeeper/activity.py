"""The activity: its parts, its limits, and the form in which a producer sends it.

Everything else imports this module; it imports nothing of ours. The structs reject fields they
do not know. An optional field is None where the sender said nothing, so that what was said can be
told from what was filled in.
"""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct

ID_MAX_BYTES = 255
"""Longest id of an activity, an actor or a target, in UTF-8."""

TARGETS_MAX = 100
"""With ids at their longest this many targets still fit a transparency log's entry (65,535 B)."""

CHANGES_MAX = 1_000
ACTIVITY_MAX_BYTES = 64 * 1024
"""An activity longer than this has its longest details and changes cut, and marked as cut."""

ENTROPY_BLOCK = 4_096

CLOCK_SKEW_MAX_S = 24 * 60 * 60
"""How far in the future an `occurred_at` may lie; further is a sender's mistake."""

ActorType = Literal["user", "api_client", "system", "delegated_admin"]
Outcome = Literal["success", "failure"]

Id = Annotated[str, Meta(min_length=1, max_length=ID_MAX_BYTES)]
Kind = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_.-]{0,63}\Z")]
ActionName = Annotated[
    str, Meta(pattern=r"^[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)+\Z", max_length=128)
]
Name = Annotated[str, Meta(max_length=1_024)]
Email = Annotated[str, Meta(max_length=320)]
Short = Annotated[str, Meta(max_length=255)]
Environment = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,63}\Z")]
Instant = Annotated[datetime, Meta(tz=True)]


class _Part(
    Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, frozen=True, gc=False
):
    """What all parts share. They are trees, never cycles, so the garbage collector need not look
    at them, of which there may be very many."""


class Actor(_Part, kw_only=True, frozen=True):
    """Who did it. `id` is unique within `type`; the name is the one at the time."""

    type: ActorType
    id: Id
    name: Name | None = None
    email: Email | None = None
    metadata: dict[str, Any] | None = None


class Target(_Part, kw_only=True, frozen=True):
    """What it was done to. The first of an activity's targets is the primary one."""

    type: Kind
    id: Id
    name: Name | None = None
    email: Email | None = None
    metadata: dict[str, Any] | None = None


class Credential(_Part, kw_only=True, frozen=True):
    """What the actor proved itself with: the kind and id of a token or session, never itself."""

    type: Kind
    id: Id


class Context(_Part, kw_only=True, frozen=True):
    """Where the request came from."""

    ip_address: Short | None = None
    user_agent: Annotated[str, Meta(max_length=2_048)] | None = None
    session_id: Short | None = None
    request_id: Short | None = None
    trace_id: Short | None = None
    source: Short | None = None


class Change(_Part, kw_only=True, frozen=True):
    """One field that an update changed. An absent side means that the field was not there."""

    field: Annotated[str, Meta(min_length=1, max_length=255)]
    old: Any = UNSET
    new: Any = UNSET


class ActivityInput(_Part, kw_only=True, frozen=True):
    """An activity as a producer sends it.

    `id` is the idempotency key, unique in the workspace for ever; without one the server makes a
    UUIDv7. `occurred_at` is RFC 3339 with an offset and defaults to the time of receipt,
    `outcome` to success, `environment` to prod.
    """

    id: Id | None = None
    action: ActionName
    occurred_at: Instant | None = None
    actor: Actor
    on_behalf_of: Actor | None = None
    credential: Credential | None = None
    targets: Annotated[list[Target], Meta(min_length=1, max_length=TARGETS_MAX)]
    outcome: Outcome | None = None
    reason: Name | None = None
    context: Context | None = None
    changes: Annotated[list[Change], Meta(max_length=CHANGES_MAX)] | None = None
    details: dict[str, Any] | None = None
    environment: Environment | None = None


class Activity(Struct, kw_only=True, frozen=True):
    """An activity as it was recorded and as readers get it. Times are UTC."""

    id: str
    seq: int
    action: str
    occurred_at: datetime
    received_at: datetime
    actor: Actor
    on_behalf_of: Actor | None = None
    credential: Credential | None = None
    targets: list[Target]
    outcome: Outcome
    reason: str | None = None
    context: Context = Context()
    changes: list[Change] = []
    details: dict[str, Any] = {}
    environment: str


def now_us() -> int:
    """The time now in microseconds since 1970 UTC."""
    return time.time_ns() // 1_000


def to_us(instant: datetime) -> int:
    """Microseconds since 1970 UTC of an aware datetime, exactly."""
    delta = instant - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_us(us: int) -> datetime:
    """The UTC datetime of microseconds since 1970, exactly."""
    return _EPOCH + timedelta(0, us // 1_000_000, us % 1_000_000)


def rfc3339(us: int) -> str:
    """`2026-11-22T20:25:02.158000Z`: always six digits and Z, so that texts sort as times do."""
    return from_us(us).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class _Entropy(threading.local):
    """Random bytes in store, for one thread."""

    def __init__(self) -> None:
        self.block = b""
        self.used = 0


_entropy = _Entropy()


def random_bytes(count: int) -> bytes:
    """Unpredictable bytes, at most ENTROPY_BLOCK, none given out twice. They come from the system
    in blocks: each call of os.urandom lets go of the interpreter's lock, which under load costs
    more than the bytes."""
    store = _entropy
    start = store.used
    if start + count > len(store.block):
        store.block, start = os.urandom(ENTROPY_BLOCK), 0
    store.used = start + count
    return store.block[start : start + count]


def uuid7(us: int) -> str:
    """A UUIDv7 (RFC 9562) of this time: 48 bits of milliseconds, the rest random."""
    return uuid7s(us, 1)[0]


def uuid7s(us: int, count: int) -> list[str]:
    """So many UUIDv7 of this time."""
    start = _uuid7_start(us // 1_000)
    size = 10 * count
    r = (random_bytes(size) if size <= ENTROPY_BLOCK else os.urandom(size)).hex()
    return [
        f"{start}{r[i : i + 3]}-{_VARIANT[r[i + 3]]}{r[i + 4 : i + 7]}-{r[i + 7 : i + 19]}"
        for i in range(0, 2 * size, 20)
    ]


@lru_cache(maxsize=16)
def _uuid7_start(ms: int) -> str:
    at = f"{ms:012x}"
    return f"{at[:8]}-{at[8:]}-7"


_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

encode_input = msgspec.json.Encoder(order="deterministic").encode
"""One encoding per content, whatever order the sender's keys had."""
