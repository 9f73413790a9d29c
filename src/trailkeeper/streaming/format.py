"""What a format is: how one activity is written for a destination."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from trailkeeper.activity import Activity


class Team(Struct, frozen=True):
    """The workspace that a stream belongs to, and its owner, for formats that name them."""

    id: str
    name: str
    owner_id: str
    owner_name: str
    owner_email: str


Encode = Callable[[Activity, Team], bytes]
Name = Callable[[Activity, Team], str]


class Format(Struct, frozen=True, kw_only=True):
    """`encode` gives the same bytes for the same activity at any time, without a line break in
    them. `path` is an activity's place in an object store, without an ending."""

    name: str
    label: str
    help: str
    encode: Encode
    path: Name
    content_type: str = "application/json"
    ending: str = "json"

    @property
    def is_json(self) -> bool:
        """Whether a message is a JSON object."""
        return self.content_type.endswith("json")
