"""Fields that a stream leaves out or makes unreadable, before its format sees them."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, cast

import msgspec
from msgspec.structs import replace

from trailkeeper.activity import Activity
from trailkeeper.jobs.job import ERROR_MAX, TITLE_MAX, EndedJob, beginning
from trailkeeper.jobs.lines import steps_in
from trailkeeper.streaming.stream import Mask

NEEDED = ("/id", "/seq", "/action", "/occurred_at", "/received_at", "/outcome", "/environment")
NEEDED_BY_JOBS = ("/id", "/flow_id", "/status", "/started_at", "/completed_at")
"""Without these an activity or a job is none; they are never masked."""

_LINES = "/lines"


def masked(activity: Activity, masks: dict[str, Mask], salt: bytes) -> Activity:
    """The activity with its masks applied. A pointer names a field (`/actor/email`); `*` stands for
    each item of an array (`/targets/*/name`). A hash is HMAC-SHA256 with the stream's salt: the
    same value stays recognisable within a stream, and nowhere else."""
    if not masks:
        return activity
    value: dict[str, Any] = msgspec.to_builtins(activity)
    for pointer, mask in masks.items():
        if mask != "keep" and pointer not in NEEDED:
            _apply(value, pointer.strip("/").split("/"), mask, salt)
    return msgspec.convert(value, Activity)


def masked_job(job: EndedJob, masks: dict[str, Mask], salt: bytes) -> EndedJob:
    """The job with its masks applied, but for its lines. Pointers lead into its body in Workato's
    form (`/report/clock`), and to `/recipe_name`."""
    wanted: dict[str, Mask] = {
        pointer: mask
        for pointer, mask in masks.items()
        if mask != "keep" and pointer not in NEEDED_BY_JOBS and not _is_of_lines(pointer)
    }
    if not wanted:
        return job
    body: dict[str, Any] = msgspec.json.decode(job.body)
    value = {**body, "recipe_name": job.recipe_name}
    for pointer, mask in wanted.items():
        _apply(value, pointer.strip("/").split("/"), mask, salt)
    recipe_name = value.pop("recipe_name", None)
    return replace(
        job,
        body=msgspec.json.encode(value),
        recipe_name=recipe_name,
        title=beginning(value.get("title"), TITLE_MAX),
        error=beginning(value.get("error"), ERROR_MAX),
        error_type=beginning(value.get("error_type"), TITLE_MAX),
    )


def masked_lines(lines: bytes, masks: dict[str, Mask], salt: bytes) -> bytes | None:
    """The JSON of a job's steps with its masks applied: `/lines/*/input`, or `/lines` for all of
    it. Holds one step at a time."""
    wanted: dict[str, Mask] = {
        pointer: mask for pointer, mask in masks.items() if mask != "keep" and _is_of_lines(pointer)
    }
    whole = wanted.pop(_LINES, None)
    if whole is not None:
        return None if whole == "drop" else msgspec.json.encode(hashed(msgspec.Raw(lines), salt))
    steps = steps_in(lines) if wanted else None
    if steps is None:
        return lines
    paths: list[tuple[list[str], Mask]] = [
        (pointer.strip("/").split("/")[1:], mask) for pointer, mask in wanted.items()
    ]
    return b"[" + b",".join(_step(*one, paths, salt) for one in enumerate(steps)) + b"]"


def _step(number: int, raw: msgspec.Raw, paths: list[tuple[list[str], Mask]], salt: bytes) -> bytes:
    step: Any = msgspec.json.decode(raw)
    for (which, *rest), mask in paths:
        if rest and which in ("*", str(number)):
            _apply(step, rest, mask, salt)
    return msgspec.json.encode(step)


def _is_of_lines(pointer: str) -> bool:
    return pointer == _LINES or pointer.startswith(_LINES + "/")


def _apply(value: Any, path: list[str], mask: Mask, salt: bytes) -> None:
    step, rest = path[0].replace("~1", "/").replace("~0", "~"), path[1:]
    if isinstance(value, list):
        items = cast("list[Any]", value)
        chosen = range(len(items)) if step == "*" else [int(step)] if step.isdigit() else []
        for number in chosen:
            if rest and number < len(items):
                _apply(items[number], rest, mask, salt)
    elif isinstance(value, dict) and step in (there := cast("dict[str, Any]", value)):
        if rest:
            _apply(there[step], rest, mask, salt)
        elif mask == "drop" and step not in ("type", "id"):
            del there[step]
        elif there[step] is not None:
            there[step] = hashed(there[step], salt)


def hashed(value: Any, salt: bytes) -> str:
    """What stands instead of a value."""
    text = value.encode() if isinstance(value, str) else msgspec.json.encode(value)
    return "hash:" + hmac.new(salt, text, hashlib.sha256).hexdigest()[:32]
