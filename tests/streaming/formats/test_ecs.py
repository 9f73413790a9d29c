"""ECS: only fields of the schema with values of their type, and the categories' own types.

The tables are those of version 8.11 (fields with their types, `event.category` with the values of
`event.type` that the schema expects for it).
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from tests.streaming.formats.samples import SAMPLES, TEAM, activity
from tests.streaming.formats.test_ocsf import ACTIONS, variants

from trailkeeper.activity import Context
from trailkeeper.streaming.formats.ecs import FORMAT

FIELDS = {
    "@timestamp": "date",
    "ecs.version": "keyword",
    "message": "text",
    "event.kind": "keyword",
    "event.category": "keyword[]",
    "event.type": "keyword[]",
    "event.action": "keyword",
    "event.outcome": "keyword",
    "event.id": "keyword",
    "event.sequence": "long",
    "event.created": "date",
    "event.provider": "keyword",
    "event.module": "keyword",
    "event.dataset": "keyword",
    "event.reason": "keyword",
    **{
        f"user.{part}{name}": "keyword"
        for part in ("", "effective.", "target.")
        for name in ("id", "name", "email")
    },
    "organization.id": "keyword",
    "organization.name": "keyword",
    "service.environment": "keyword",
    "source.address": "keyword",
    "source.ip": "ip",
    "user_agent.original": "keyword",
    "http.request.id": "keyword",
    "trace.id": "keyword",
    "related.user": "keyword[]",
    "related.ip": "ip[]",
}
EXPECTED_TYPES = {
    "api": {
        *("access", "admin", "allowed", "change", "creation", "deletion", "denied", "end"),
        *("info", "start", "user"),
    },
    "authentication": {"start", "end", "info"},
    "configuration": {"access", "change", "creation", "deletion", "info"},
    "iam": {"admin", "change", "creation", "deletion", "group", "info", "user"},
}


def _is_date(value: Any) -> bool:
    return datetime.fromisoformat(value).tzinfo is not None


def _is_ip(value: Any) -> bool:
    return bool(ipaddress.ip_address(value))


IS_OF = {
    "date": _is_date,
    "ip": _is_ip,
    "keyword": lambda value: isinstance(value, str),
    "text": lambda value: isinstance(value, str),
    "long": lambda value: isinstance(value, int),
}


def fields(value: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of a document by their dotted names; our own part is one."""
    for key, one in value.items():
        if isinstance(one, dict) and key != "trailkeeper":
            yield from fields(one, f"{path}{key}.")
        else:
            yield f"{path}{key}", one


def document(one: Any) -> dict[str, Any]:
    return json.loads(FORMAT.encode(one, TEAM))


@pytest.mark.parametrize(("action", "kind"), ACTIONS)
def test_every_action_has_only_fields_of_the_schema(action: str, kind: str) -> None:
    for one in variants(action, kind):
        made = document(one)
        for name, value in fields(made):
            if name == "trailkeeper":
                continue
            type = FIELDS[name]
            values = value if type.endswith("[]") else [value]
            assert all(IS_OF[type.removesuffix("[]")](item) for item in values), name
        (category,) = made["event"]["category"]
        assert set(made["event"]["type"]) <= EXPECTED_TYPES[category]
        assert made["event"]["kind"] == "event"
        assert made["event"]["outcome"] in ("success", "failure")


@pytest.mark.parametrize(
    ("action", "category", "types"),
    [
        ("user.logged_in", "authentication", ["start"]),
        ("user.logged_out", "authentication", ["end"]),
        ("user.login_failed", "authentication", ["start"]),
        ("user.password_changed", "iam", ["user", "change"]),
        ("member.added", "iam", ["user", "creation"]),
        ("member.deleted", "iam", ["group", "change"]),
        ("recipe.created", "configuration", ["creation"]),
        ("recipe.stopped", "configuration", ["change"]),
        ("recipe.deleted", "configuration", ["deletion"]),
        ("package.exported", "configuration", ["access"]),
        ("access.denied", "api", ["access", "denied"]),
        ("audit_log.access_denied", "api", ["access", "denied"]),
        ("invoice.created", "api", ["creation"]),
        ("invoice.paid", "api", ["info"]),
    ],
)
def test_an_action_has_a_category_and_types(action: str, category: str, types: list[str]) -> None:
    made = document(activity(1, action))
    assert made["event"]["category"] == [category]
    assert made["event"]["type"] == types


def test_who_did_it_for_whom_and_whom_it_was_done_to() -> None:
    delegated = document(SAMPLES[4])["user"]
    assert (delegated["name"], delegated["effective"]["name"]) == ("Dana Delegate", "Ada Admin")
    changed = document(SAMPLES[7])
    assert changed["user"]["target"]["name"] == "Robin Operator"
    assert changed["related"]["user"] == [
        *("4848", "Ada Admin", "ada@example.com"),
        *("7", "Robin Operator", "robin@example.com"),
    ]


def test_what_has_any_type_is_a_text_that_no_index_refuses() -> None:
    made = document(SAMPLES[2])["trailkeeper"]
    assert json.loads(made["changes"])[1]["new"] == {"operation": "upsert", "retries": 3}
    assert json.loads(made["details"]) == {"version": 7}


@pytest.mark.parametrize("address", ["hash:0f", "fe80::1%eth0", "1.2.3", "", "x" * 200])
def test_an_address_that_an_index_would_refuse_is_no_ip(address: str) -> None:
    made = document(activity(1, "a.b", context=Context(ip_address=address)))
    assert made["source"] == {"address": address}
    assert "ip" not in made["related"]
