"""The filter model: what a reader of the log asks for."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Field = Literal[
    "action",
    "category",
    "actor",
    "target",
    "type",
    "outcome",
    "ip",
    "env",
    "source",
    "session",
    "request",
    "trace",
]
"""What can be matched exactly. `type` is the type of any of an activity's targets."""

FIELDS: tuple[Field, ...] = Field.__args__

MATCHES_MAX = 50
VALUES_MAX = 100
PART_MIN = 3
"""Characters that the end or a part of a word must have to be searched for."""


class Match(Struct, frozen=True, kw_only=True):
    """Activities in which `field` is one of `values`, or none of them where `negated`.

    The values of `actor` and `target` are an id, an e-mail address, a name or `type:id`; those of
    `ip` an address or a CIDR block; `action` also takes `recipe.*`.
    """

    field: Field
    values: tuple[str, ...]
    negated: bool = False


class Words(Struct, frozen=True, kw_only=True):
    """Activities whose text holds these words in this order, accents and case ignored.

    With `prefix` the last word may go on, with `suffix` the first may have begun before: both make
    it a part of a word. With `suffix` the text is one word of at least PART_MIN characters.
    """

    text: str
    prefix: bool = False
    suffix: bool = False
    negated: bool = False


class Filter(Struct, frozen=True, kw_only=True):
    """All conditions hold. Times are microseconds since 1970 UTC on `occurred_at`.

    `since` is inclusive, `until` exclusive. `within` is a range that ends now, in seconds; it is
    kept relative, so that a link to "the past hour" means the past hour whenever it is opened.
    """

    matches: tuple[Match, ...] = ()
    words: tuple[Words, ...] = ()
    since: int | None = None
    until: int | None = None
    within: int | None = None

    @property
    def is_empty(self) -> bool:
        return self == Filter()
