"""What a follower is: what it follows, the work that it does, and its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Literal, Protocol, TypeVar

from msgspec import Struct

State = Literal["running", "paused"]

Log = Literal["activities", "jobs", "closed_days"]
"""What there is to follow. Jobs have seqs of their own; `closed_days` are the activities of days
that are over, as far as an archive has closed them."""

OFF = "turned off"
NO_JOBS = "job history is not included"
NOT_WANTED = (OFF, NO_JOBS)
"""Why a follower is paused that waits for nothing: what it has not done need not be kept for it."""

TRIES_BEFORE_DEAD = 3
"""So often a batch is tried before what stands in its way goes to the dead letters."""

ERROR_MAX = 500
"""Characters of an error that are kept."""


class Followed(Protocol):
    """What stands in a log."""

    @property
    def seq(self) -> int: ...


Item = TypeVar("Item", bound=Followed)
Item_co = TypeVar("Item_co", bound=Followed, covariant=True)
Wants_co = TypeVar("Wants_co", covariant=True)
Wants_contra = TypeVar("Wants_contra", contravariant=True)


class Place(Struct, frozen=True, kw_only=True):
    """A follower as the database keeps it.

    `cursor` is the seq of the first item of its log that is not done yet; up to it all are.
    `batch_end` is where the batch that was begun ends (exclusively): its borders stay until it is
    done, so that a second try has the same. `failures` counts tries in a row that failed; before
    `retry_at` there is no other. `revision` is counted up when what the follower does was changed.
    Times are microseconds.
    """

    key: int
    workspace: int
    kind: str
    log: Log
    id: str
    name: str
    revision: int
    state: State
    cursor: int
    batch_end: int | None
    failures: int
    retry_at: int
    pause_reason: str | None
    last_error: str | None
    last_error_at: int | None
    delivered: int
    delivered_at: int | None
    created_at: int


class Batch(Struct, Generic[Item], frozen=True, kw_only=True):
    """The items from `first` up to before `end` that the follower asked for, without those that
    went to the dead letters. `attempt` is 1 for the first try; each try of a batch has the same
    items in the same order."""

    workspace: int
    first: int
    end: int
    items: list[Item]
    attempt: int


class Tried(Struct, frozen=True, kw_only=True):
    """How a try of a batch went by: `count` activities of those from `first` to before `end`, in
    `bytes` if the work knows. Times are microseconds."""

    first: int
    end: int
    count: int
    bytes: int | None
    attempt: int
    started_at: int
    took_us: int


class Limits(Struct, frozen=True, kw_only=True):
    """How large a batch may be, and how long the runner waits for it to become fuller."""

    items: int = 1_000
    linger_s: float = 0.1


class DeliveryFailed(Exception):
    """A batch could not be done now; it is tried again. `retry_after_s` is when, if the other side
    said so. With `is_final`, trying again is of no use until somebody changes something: the
    follower is paused."""

    def __init__(
        self, why: str, *, retry_after_s: float | None = None, is_final: bool = False
    ) -> None:
        super().__init__(why)
        self.why = why
        self.retry_after_s = retry_after_s
        self.is_final = is_final


class Poison(DeliveryFailed):
    """Some items will never be taken, and the rest of the batch would be. After TRIES_BEFORE_DEAD
    tries they go to the dead letters, and the follower goes on without them."""

    def __init__(self, why: str, seqs: list[int]) -> None:
        super().__init__(why)
        self.seqs = seqs


class Source(Protocol[Item_co, Wants_contra]):
    """A log to follow: items by `seq`, which is dense for each workspace and in the order of
    commits. What it has given never changes, and nothing is added before it."""

    def next_seq(self, workspace: int) -> int:
        """The seq that the next item will get."""
        ...

    def end_of_batch(self, workspace: int, first: int, end: int, wants: Wants_contra, /) -> int:
        """`end`, or where a batch from `first` on must end before so that memory can hold it."""
        ...

    def between(
        self, workspace: int, first: int, end: int, wants: Wants_contra
    ) -> Sequence[Item_co]:
        """The items from seq `first` to before `end` that are still kept, in order."""
        ...


class Work(Protocol[Item, Wants_co]):
    """What a follower does. One batch at a time, in the order of the log."""

    @property
    def limits(self) -> Limits: ...

    @property
    def wants(self) -> Wants_co:
        """What it is given of its log, as the log's source understands it; the rest is passed
        over."""
        ...

    @property
    def destination(self) -> str:
        """The kind of thing that it is done to, for the metrics."""
        ...

    def do(self, batch: Batch[Item]) -> int | None:
        """Do it; on return it is done for good. Returns how many bytes it was, if it knows. Raises
        DeliveryFailed and Poison; anything else counts as a failure, too. May be called again with
        the same batch."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
