"""What these tests say often: Workato's sample bodies, a job, posting and reading."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

JOBS = "/api/v1/jobs"
SAMPLES = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in sorted((Path(__file__).parents[1] / "data" / "workato-jobs").glob("*.json"))
}
"""Bodies as Workato streams them, of both forms."""


def job(id: int | str = 100, **changed: Any) -> dict[str, Any]:
    """A job that has succeeded."""
    return {
        "id": id,
        "flow_id": 42,
        "status": "succeeded",
        "started_at": "2026-05-21T10:00:00Z",
        "completed_at": "2026-05-21T10:00:10Z",
        "title": "New order",
        **changed,
    }


def step(number: int = 0, **changed: Any) -> dict[str, Any]:
    return {
        "recipe_line_number": number,
        "adapter_name": "salesforce",
        "adapter_operation": "search",
        "input": {"name": "Acme"},
        "output": {"found": 1},
        "mask_data": False,
        **changed,
    }


def post(http: httpx.Client, sent: Any, status: int = 201) -> Any:
    """Send a job, or several; the answer's content."""
    answer = http.post(JOBS, json=sent)
    assert answer.status_code == status, answer.text
    return answer.json()


def get(http: httpx.Client, id: int | str) -> dict[str, Any]:
    answer = http.get(f"{JOBS}/{id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def listed(http: httpx.Client, **asked: Any) -> list[dict[str, Any]]:
    """All jobs that a filter finds, over all pages."""
    found: list[dict[str, Any]] = []
    params = {"limit": 1_000, **asked}
    while True:
        answer = http.get(JOBS, params=params)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["data"]
        if page["next_cursor"] is None:
            return found
        params["cursor"] = page["next_cursor"]


def ids(http: httpx.Client, **asked: Any) -> list[int | str]:
    return [one["id"] for one in listed(http, **asked)]
