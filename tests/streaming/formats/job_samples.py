"""Jobs that show what formats have to write: Workato's own samples, and one that is ugly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
from tests.streaming.formats.samples import UGLY

from trailkeeper.activity import rfc3339
from trailkeeper.jobs.job import EndedJob
from trailkeeper.jobs.prepare import time_us
from trailkeeper.jobs.status import WORDS

SENT: list[dict[str, Any]] = [
    json.loads(file.read_text())
    for file in sorted((Path(__file__).parents[2] / "data" / "workato-jobs").glob("*.json"))
]
RECEIVED = time_us("2026-11-22T20:25:03.198001Z")


def ended_job(seq: int, sent: dict[str, Any], **changed: Any) -> tuple[EndedJob, bytes | None]:
    """A job as it is followed, and its lines."""
    body = {key: value for key, value in sent.items() if key != "lines"}
    job = EndedJob(
        **{
            "key": seq,
            "id": str(sent["id"]),
            "id_is_number": isinstance(sent["id"], int),
            "recipe_id": str(sent["flow_id"]),
            "recipe_name": "Sync product SKUs",
            "status": sent["status"],
            "state": WORDS[sent["status"]],
            "is_test": False,
            "started_at": time_us(sent["started_at"]),
            "completed_at": time_us(sent["completed_at"]),
            "received_at": RECEIVED + seq,
            "seq": seq,
            "error_type": sent["error_type"],
            "title": sent["title"],
            "error": sent["error"],
            "body": msgspec.json.encode(body),
            **changed,
        }
    )
    return job, msgspec.json.encode(sent["lines"]) if "lines" in sent else None


def ugly(text: str, status: str = "canceled") -> dict[str, Any]:
    """A job with a text in every place that may have any."""
    return {
        "id": text,
        "flow_id": text,
        "parent_id": text,
        "calling_job_id": None,
        "status": status,
        "started_at": rfc3339(RECEIVED - 2_000_000),
        "completed_at": rfc3339(RECEIVED - 500_000),
        "error_type": text,
        "error": text,
        "title": text,
        "is_poll_error": False,
        "report": {text: {text: text}},
        "lines": [{"recipe_line_number": 0, "adapter_name": text, "input": {text: text}}],
    }


JOBS = [
    *(ended_job(seq, sent) for seq, sent in enumerate(SENT)),
    ended_job(len(SENT), ugly(UGLY), recipe_name=UGLY, is_test=True),
]
