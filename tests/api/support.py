"""What these tests say often: record, list, expect a problem, look into the file."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import httpx
from tests.conftest import ON_POSTGRESQL, Site, activity, tables_of

Run = Callable[..., subprocess.CompletedProcess[str]]
"""What the fixture `run` gives."""

PATH = "/api/v1/activities"
NDJSON = {"Content-Type": "application/x-ndjson"}


def record(http: httpx.Client, **changed: Any) -> dict[str, Any]:
    """Record one valid activity and return its receipt."""
    response = http.post(PATH, json=activity(**changed))
    assert response.status_code == 201, response.text
    return response.json()


def record_all(http: httpx.Client, activities: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Record a batch, all of it new, and return the receipts."""
    response = http.post(PATH, json=activities)
    assert response.status_code == 200, response.text
    receipts: list[dict[str, Any]] = response.json()
    assert {receipt["status"] for receipt in receipts} == {201}, receipts[:3]
    return receipts


def listed(http: httpx.Client, **parameters: Any) -> list[dict[str, Any]]:
    """All activities that a filter finds, over all pages."""
    found: list[dict[str, Any]] = []
    asked = {"limit": 1_000, **parameters}
    while True:
        response = http.get(PATH, params=asked)
        assert response.status_code == 200, response.text
        page = response.json()
        found += page["data"]
        if page["next_cursor"] is None:
            return found
        asked["cursor"] = page["next_cursor"]


def fetched(http: httpx.Client, id: str) -> dict[str, Any]:
    response = http.get(f"{PATH}/{id}")
    assert response.status_code == 200, response.text
    return response.json()


def ndjson(*items: Any) -> bytes:
    return b"".join(
        (item if isinstance(item, bytes) else json.dumps(item).encode()) + b"\n" for item in items
    )


def expect_problem(
    response: httpx.Response,
    status: int,
    kind: str,
    *,
    pointer: str | None = None,
    parameter: str | None = None,
) -> dict[str, Any]:
    """The answer's problem document, which must be whole and name the field where there is one."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    document = response.json()
    assert (response.status_code, document["status"]) == (status, status), response.text
    expect_document(document, kind, pointer=pointer, parameter=parameter)
    return document


def expect_document(
    document: dict[str, Any], kind: str, *, pointer: str | None = None, parameter: str | None = None
) -> None:
    """A problem document of this kind that names the field."""
    assert document["type"] == f"urn:trailkeeper:problem:{kind}"
    assert document["title"]
    assert document["detail"]
    errors = document.get("errors", [])
    if pointer is not None:
        assert pointer in [error.get("pointer", "") for error in errors], document
    if parameter is not None:
        assert parameter in [error.get("parameter") for error in errors], document
        assert parameter in document["detail"]
    assert all(error["detail"] for error in errors)


def rows(site: Site) -> dict[str, int]:
    """How many rows the ledger's tables hold, straight from the database."""
    with tables_of(site.data) as database:
        if not ON_POSTGRESQL:
            database.execute("BEGIN")  # else rows may move to the index between the two counts
        counts = {
            table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("activity", "activity_index", "term", "entity", "custom_action")
        }
        if not ON_POSTGRESQL:
            fresh = database.execute("SELECT count(*) FROM activity_fresh").fetchone()[0]
            counts["activity_index"] += fresh
        return counts
