"""What tests of object stores deliver, at the destination itself and without a stream."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.streaming.object_stores import Place

from trailkeeper.followers.follower import DeliveryFailed
from trailkeeper.streaming.destination import ANSWER_MAX, Message, Opening, Parcel
from trailkeeper.streaming.destinations import DESTINATIONS
from trailkeeper.streaming.field import read_settings
from trailkeeper.streaming.guard import Guard
from trailkeeper.streaming.object_store import ObjectStore

AT = 1_764_000_000_000_000
NAME = "activities/2025/11/24/0-2.jsonl"

OpenStore = Callable[..., ObjectStore]


def destination(
    place: Place, *, allowed: str = "127.0.0.0/8", how: tuple[Any, ...] = (), **changed: str
) -> Any:
    """Opened, as after its settings went through a form; `how` is packing and compression."""
    kind = DESTINATIONS[place.kind]
    opening = Opening(Guard([allowed] if allowed else []), "s1", "w1", *how)
    return kind.open(read_settings(kind.settings, {**place.settings, **changed}), opening)


def parcel(*texts: str, stem: str = "0-2", paths: tuple[str, ...] = ()) -> Parcel:
    messages = [
        Message(number, f"id-{number}", AT + number, path, json.dumps({"text": text}).encode())
        for number, (text, path) in enumerate(
            zip(texts, paths or [f"w/{n}.json" for n in range(len(texts))], strict=True)
        )
    ]
    return Parcel("activities", stem, messages, "application/json")


ABC = parcel("a", "b", "c")
BODY = b'{"text": "a"}\n{"text": "b"}\n{"text": "c"}\n'


def refused(one: ObjectStore, what: Parcel = ABC) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as failed:
        one.deliver(what)
    assert len(failed.value.why) <= ANSWER_MAX
    return failed.value
