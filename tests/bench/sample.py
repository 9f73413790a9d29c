"""Made-up activities with a realistic skew: few users and recipes do most of it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import count as count_from
from typing import Any

import msgspec

from trailkeeper.activity import rfc3339

ACTIONS = (
    ("recipe.started", "recipe", 20),
    ("recipe.stopped", "recipe", 16),
    ("recipe.updated", "recipe", 22),
    ("user.logged_in", "user", 14),
    ("user.login_failed", "user", 3),
    ("connection.connected", "connection", 8),
    ("connection.disconnected", "connection", 5),
    ("folder.created", "folder", 3),
    ("lookup_table.updated", "lookup_table", 6),
    ("member.updated", "member", 1),
    ("property.updated", "property", 2),
)
_WEIGHTS = [weight for _, _, weight in ACTIONS]
WORDS = [
    "orders",
    "invoices",
    "customers",
    "leads",
    "tickets",
    "shipments",
    "payroll",
    "catalog",
    "prices",
    "refunds",
]
RARE = "zanzibar"
"""A word that one activity in 20,000 has."""

BUSY = "u1"
"""The user who does almost half of everything."""

NEVER = ("u2", "recipe.started")
"""A busy user, and a frequent action that this user never does."""


def activities(
    count: int, seed: int = 1, start_us: int | None = None, step_us: int = 1_000_000
) -> Iterator[dict[str, Any]]:
    """`count` activities; with `start_us` their times rise from there by `step_us`."""
    times = () if start_us is None else count_from(start_us, step_us)
    return made(range(count), seed, times)


def made(numbers: Iterable[int], seed: int, times: Iterable[int]) -> Iterator[dict[str, Any]]:
    """An activity for each number, at these times (microseconds) as long as there are any."""
    rng = random.Random(seed)
    at = iter(times)
    for number in numbers:
        action, kind, _ = rng.choices(ACTIONS, _WEIGHTS)[0]
        user = min(int(rng.paretovariate(0.9)), 500)
        asset = min(int(rng.paretovariate(0.7)), 5_000)
        if (f"u{user}", action) == NEVER:
            action = "recipe.stopped"
        actor = {
            "type": "user",
            "id": f"u{user}",
            "name": f"User {user} Example",
            "email": f"user{user}@example.com",
        }
        target = {
            "type": kind,
            "id": f"{kind[0]}{asset}",
            "name": f"Sync {WORDS[asset % 10]} to {WORDS[asset // 10 % 10]} {asset}",
        }
        one: dict[str, Any] = {
            "action": action,
            "actor": actor,
            "targets": [actor if kind == "user" else target],
            "outcome": "failure" if action.endswith("failed") else "success",
            "context": {
                "ip_address": _address(rng),
                "user_agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36"
                " (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
                "request_id": f"req-{seed}-{number}",
            },
            "details": {"note": RARE if is_rare(number) else WORDS[rng.randrange(10)]},
        }
        if action.endswith("updated"):
            one["changes"] = [{"field": "version", "old": number, "new": number + 1}]
        if (occurred_at := next(at, None)) is not None:
            one["occurred_at"] = rfc3339(occurred_at)
        yield one


def is_rare(number: int) -> bool:
    """Whether the activity with this number has the rare word."""
    return number % 20_000 == 77


def _address(rng: random.Random) -> str:
    """An office's 256 addresses, or one of 65,536 from everywhere (RFC 5737 and RFC 2544)."""
    if rng.random() < 0.7:
        return f"203.0.113.{rng.randrange(256)}"
    return f"198.18.{rng.randrange(256)}.{rng.randrange(256)}"


def encoded(count: int, seed: int = 1) -> list[bytes]:
    """As JSON texts."""
    return [msgspec.json.encode(one) for one in activities(count, seed)]
