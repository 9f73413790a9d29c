"""The parameters of the listing: each finds what it says, alternatives are joined, others too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.conftest import activity

from .support import PATH, expect_problem, listed, record_all

ROBIN = {"type": "user", "id": "7", "name": "Robin Operator", "email": "robin@example.com"}
BOT = {"type": "api_client", "id": "7", "name": "Deploy Bot"}
ADA = {"type": "user", "id": "8", "name": "Ada Admin", "email": "ada@example.com"}
RECIPE = {"type": "recipe", "id": "42", "name": "Sync SKUs"}
FOLDER = {"type": "folder", "id": "42", "name": "Sales"}

LOG: dict[str, dict[str, Any]] = {
    "stopped": {"ip": "203.0.113.9", "at": "2026-03-01T00:00:00Z"},
    "started": {
        "action": "recipe.started", "actor": ADA, "ip": "203.0.113.77",
        "at": "2026-03-02T00:00:00Z",
    },
    "moved": {
        "action": "folder.moved", "actor": BOT, "targets": [FOLDER, RECIPE], "ip": "192.0.2.1",
        "at": "2026-03-03T12:00:00Z",
    },
    "failed": {
        "action": "user.login_failed", "outcome": "failure", "targets": [ADA], "ip": "2001:db8::1",
        "at": "2026-03-04T23:59:59.999999Z",
    },
    "delegated": {
        "action": "recipe.updated", "actor": {"type": "delegated_admin", "id": "9"},
        "on_behalf_of": ADA, "ip": "::ffff:203.0.113.200", "at": "2026-03-05T00:00:00Z",
    },
    "other": {
        "action": "recipes.counted", "actor": {"type": "system", "id": "cron"},
        "ip": "2001:db8:ffff::9", "at": "2026-03-06T00:00:00Z", "source": "platform",
        "environment": "dev",
    },
}  # fmt: skip


def as_sent(
    name: str, *, ip: str, at: str, source: str | None = None, **more: Any
) -> dict[str, Any]:
    context = {"ip_address": ip, **({"source": source} if source else {})}
    fields: dict[str, Any] = {"actor": ROBIN, "targets": [RECIPE], **more}
    return activity(id=name, occurred_at=at, context=context, **fields)


@pytest.fixture(scope="module", autouse=True)
def _log(own: httpx.Client) -> None:
    record_all(own, [as_sent(name, **fields) for name, fields in LOG.items()])


def found(http: httpx.Client, *pairs: tuple[str, str], **parameters: str) -> set[str]:
    """The ids of what a filter finds, without the server's own activities."""
    asked = [*pairs, *((name.rstrip("_"), value) for name, value in parameters.items())]
    answer = http.get(PATH, params=[*asked, ("limit", "1000")])
    assert answer.status_code == 200, answer.text
    return {one["id"] for one in answer.json()["data"]} & set(LOG)


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({"action": "recipe.stopped"}, {"stopped"}),
        ({"action": "recipe.*"}, {"stopped", "started", "delegated"}),
        ({"action": "recipe.nothing"}, set()),
        ({"actor": "8"}, {"started", "delegated"}),
        ({"actor": "7"}, {"stopped", "failed", "moved"}),
        ({"actor": "user:7"}, {"stopped", "failed"}),
        ({"actor": "api_client:7"}, {"moved"}),
        ({"actor": "robin@example.com"}, {"stopped", "failed"}),
        ({"actor": "Robin@Example.com"}, {"stopped", "failed"}),
        ({"actor": "Deploy Bot"}, {"moved"}),
        ({"actor": "Deploy"}, set()),
        ({"actor": "system:cron"}, {"other"}),
        ({"target": "recipe:42"}, {"stopped", "started", "moved", "delegated", "other"}),
        ({"target": "42"}, {"stopped", "started", "moved", "delegated", "other"}),
        ({"target": "Sales"}, {"moved"}),
        ({"target": "ada@example.com"}, {"failed"}),
        ({"target_type": "folder"}, {"moved"}),
        ({"target_type": "recipe"}, {"stopped", "started", "moved", "delegated", "other"}),
        ({"outcome": "failure"}, {"failed"}),
        ({"outcome": "success"}, set(LOG) - {"failed"}),
        ({"ip": "203.0.113.9"}, {"stopped"}),
        ({"ip": "203.0.113.0/24"}, {"stopped", "started", "delegated"}),
        ({"ip": "203.0.113.64/26"}, {"started"}),
        ({"ip": "203.0.113.8/31"}, {"stopped"}),
        ({"ip": "203.0.113.10/31"}, set()),
        ({"ip": "0.0.0.0/0"}, {"stopped", "started", "moved", "delegated"}),
        ({"ip": "::ffff:203.0.113.9"}, {"stopped"}),
        ({"ip": "2001:db8::1"}, {"failed"}),
        ({"ip": "2001:0DB8:0:0::0001"}, {"failed"}),
        ({"ip": "2001:db8::/32"}, {"failed", "other"}),
        ({"ip": "2001:db8::/33"}, {"failed"}),
        ({"ip": "2001:db8:8000::/33"}, {"other"}),
        ({"ip": "::/0"}, {"failed", "other"}),
        ({"environment": "dev"}, {"other"}),
        ({"source": "platform"}, {"other"}),
        ({"category": "nothing of the kind"}, set()),
        ({"action": "recipe.*", "actor": "8"}, {"started", "delegated"}),
        ({"action": "recipe.*", "actor": "8", "ip": "203.0.113.77"}, {"started"}),
        ({"action": "", "actor": " "}, set(LOG)),
    ],
    ids=lambda given: str(given) if isinstance(given, dict) else "",
)  # fmt: skip
def test_a_parameter_finds_what_it_says(
    own: httpx.Client, parameters: dict[str, str], names: set[str]
) -> None:
    assert found(own, *parameters.items()) == names


def test_several_of_one_name_are_alternatives(own: httpx.Client) -> None:
    assert found(own, ("action", "folder.moved"), ("action", "recipe.stopped")) == {
        "moved", "stopped",
    }  # fmt: skip
    assert found(own, ("ip", "192.0.2.0/24"), ("ip", "2001:db8::/33")) == {"moved", "failed"}
    assert found(own, ("actor", "api_client:7"), ("actor", "nobody")) == {"moved"}


@pytest.mark.parametrize(
    ("start", "end", "zone", "names"),
    [
        ("2026-03-02", "2026-03-04", "", {"started", "moved", "failed"}),
        ("2026-03-02T00:00:00Z", "2026-03-05T00:00:00Z", "", {"started", "moved", "failed"}),
        ("2026-03-02T00:00:00.000001Z", "", "", {"moved", "failed", "delegated", "other"}),
        ("", "2026-03-02", "", {"stopped", "started"}),
        ("", "2026-03-02T00:00:00Z", "", {"stopped"}),
        ("2026-03-03T13:00:00+01:00", "2026-03-03T12:00:00.000001Z", "", {"moved"}),
        ("2026-03-03", "2026-03-03", "Asia/Tokyo", {"moved"}),
        ("2026-03-05", "2026-03-05", "Asia/Tokyo", {"failed", "delegated"}),
        ("2026-03-04", "2026-03-04", "America/New_York", {"failed", "delegated"}),
        ("2026-03-03T07:00", "2026-03-03T07:01", "America/New_York", {"moved"}),
        ("0001-01-01", "9999-12-30", "", set(LOG)),
        ("0001-01-02", "9999-12-30", "Asia/Tokyo", set(LOG)),
        ("9999-01-01", "", "", set()),
        ("", "0001-01-02", "", set()),
    ],
)
def test_times_from_and_to_bound_what_happened(
    own: httpx.Client, start: str, end: str, zone: str, names: set[str]
) -> None:
    assert found(own, from_=start, to=end, tz=zone) == names


def test_a_range_ends_now(own: httpx.Client) -> None:
    ago = {"minutes": timedelta(minutes=59), "hours": timedelta(hours=23), "days": timedelta(6)}
    now = datetime.now(UTC)
    record_all(
        own,
        [
            activity(id=f"ago-{name}", action="range.tested", occurred_at=(now - time).isoformat())
            for name, time in ago.items()
        ],
    )

    def within(name: str) -> list[str]:
        return [one["id"] for one in listed(own, range=name, action="range.tested")]

    assert within("1h") == ["ago-minutes"]
    assert within("24h") == ["ago-minutes", "ago-hours"]
    for name in ("7d", "30d", "any"):
        assert within(name) == ["ago-minutes", "ago-hours", "ago-days"]


def test_newest_comes_first_and_with_asc_last(own: httpx.Client) -> None:
    names = [one["id"] for one in listed(own) if one["id"] in LOG]
    assert names == list(reversed(LOG))
    assert [one["id"] for one in listed(own, order="asc") if one["id"] in LOG] == list(LOG)


@pytest.mark.parametrize("limit", [1, 2, 1_000])
def test_a_page_holds_at_most_the_limit(own: httpx.Client, limit: int) -> None:
    answer = own.get(PATH, params={"limit": limit, "action": "recipe.*"}).json()
    assert len(answer["data"]) == min(limit, 3)
    assert (answer["next_cursor"] is None) == (limit == 1_000)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("limit", "0"), ("limit", "-1"), ("limit", "1001"), ("limit", "many"), ("limit", "1.5"),
        ("order", "up"), ("order", "DESC"), ("outcome", "maybe"), ("ip", "localhost"),
        ("ip", "203.0.113.0/33"), ("ip", "203.0.113"), ("action", "Recipe.*"), ("action", "*"),
        ("action", "re cipe"), ("actor", "x" * 256), ("from", "yesterday"), ("to", "2026-02-30"),
        ("from", "1769000000"), ("tz", "Mars/Base"), ("tz", "../../etc/passwd"), ("range", "2y"),
        ("q", '"open'), ("q", "nothing:x"), ("cursor", "x"), ("actoin", "recipe.*"),
        ("Action", "recipe.*"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_named(own: httpx.Client, parameter: str, value: str) -> None:
    answer = own.get(PATH, params={parameter: value})
    expect_problem(answer, 400, "invalid-parameter", parameter=parameter)


def test_an_end_before_the_start_is_named(own: httpx.Client) -> None:
    answer = own.get(PATH, params={"from": "2026-03-02T00:00:00Z", "to": "2026-03-01"})
    expect_problem(answer, 400, "invalid-parameter", parameter="to")
