"""What tests of destinations deliver, and how: through StreamWork, without a server."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from trailkeeper.activity import Activity, Actor, Change, Context, Target
from trailkeeper.followers.follower import Batch
from trailkeeper.streaming.destination import Destination, Message, Opening, Parcel
from trailkeeper.streaming.destinations import DESTINATIONS
from trailkeeper.streaming.field import read_settings
from trailkeeper.streaming.format import Format, Team
from trailkeeper.streaming.formats import own
from trailkeeper.streaming.guard import Guard
from trailkeeper.streaming.stream import Stream
from trailkeeper.streaming.work import StreamWork

TEAM = Team("w1", "Acme", "7", "Robin", "robin@example.com")
STREAM = Stream(
    key=1, workspace=1, id="0193-s1", name="SIEM", enabled=True, destination="", settings={},
    format="trailkeeper", template="", query="", masks={}, packing="batch", compression="none",
    job_history=False, recipe_step_details=False, login_user_activity=True, created_at=0,
)  # fmt: skip
START = datetime(2026, 11, 22, 20, 25, tzinfo=UTC)
HOSTILE = (
    "a\nb\r\nc\x00\x07\x1b[31mred\x9b2J\u202egnp.exe\u2066\u2028\u2029\x85\x7f \"'\\|=] <1>1 9 ü😀"
)

Open = Callable[..., StreamWork]


def activity(seq: int, text: str = "Sync product SKUs") -> Activity:
    """`text` in every field that may have any."""
    return Activity(
        id=f"id-{seq}" if text.isascii() else f"id-{seq}-{text}",
        seq=seq,
        action="recipe.stopped",
        occurred_at=START - timedelta(hours=seq % 7),
        received_at=START + timedelta(microseconds=seq // 100),
        actor=Actor(type="user", id=text, name=text, email="robin@example.com"),
        targets=[Target(type="recipe", id=text, name=text, metadata={text: text})],
        outcome="success",
        reason=text,
        context=Context(user_agent=text, request_id=text),
        changes=[Change(field=text, old=text, new=[text])],
        details={text: text},
        environment="prod",
    )


def batch(count: int, first: int = 0, text: str = "Sync product SKUs") -> Batch:
    found = [activity(seq, text) for seq in range(first, first + count)]
    return Batch(workspace=1, first=first, end=first + count, items=found, attempt=1)


def bodies(*batches: Batch) -> list[bytes]:
    return [own.encode(one, TEAM) for some in batches for one in some.items]


def whole(took: list[bytes]) -> list[Any]:
    return [json.loads(one) for one in took]


def parcel(*texts: bytes, content_type: str = "application/json") -> Parcel:
    at = int(START.timestamp() * 1e6)
    messages = [Message(number, f"id-{number}", at, "", text) for number, text in enumerate(texts)]
    return Parcel("activities", "0-9", messages, content_type)


def destination(
    kind: str, settings: dict[str, str], *, allowed: bool = True, folder: Path | None = None
) -> Destination:
    """Opened, as after its settings went through a form."""
    guard = Guard(["127.0.0.0/8"] if allowed else [], [str(folder)] if folder else [])
    read = read_settings(DESTINATIONS[kind].settings, settings)
    return DESTINATIONS[kind].open(read, Opening(guard, STREAM.id, TEAM.id))


def work_with(kind: str, opened: Destination, format: Format = own.FORMAT) -> StreamWork:
    return StreamWork(STREAM, DESTINATIONS[kind], opened, format, TEAM, b"salt")
