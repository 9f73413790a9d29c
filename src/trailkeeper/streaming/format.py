"""What a format is: how one activity or one job is written for a destination."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from trailkeeper.activity import Activity
from trailkeeper.jobs.job import EndedJob


class Team(Struct, frozen=True):
    """The workspace that a stream belongs to, and its owner, for formats that name them."""

    id: str
    name: str
    owner_id: str
    owner_name: str
    owner_email: str


Encode = Callable[[Activity, Team], bytes]
Name = Callable[[Activity, Team], str]
EncodeJob = Callable[[EndedJob, bytes | None, Team], bytes]
JobName = Callable[[EndedJob, Team], str]


class Format(Struct, frozen=True, kw_only=True):
    """`encode` gives the same bytes for the same activity at any time, without a line break in
    them. `path` is an activity's place in an object store, without an ending. `encode_job` and
    `job_path` are the same for jobs; the second argument is the JSON of its steps, where the stream
    has any."""

    name: str
    label: str
    help: str
    encode: Encode
    path: Name
    encode_job: EncodeJob
    job_path: JobName
    content_type: str = "application/json"
    ending: str = "json"

    @property
    def is_json(self) -> bool:
        """Whether a message is a JSON object."""
        return self.content_type.endswith("json")
