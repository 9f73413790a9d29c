"""The canonical bytes: kept verbatim, bound together by the hash, bounded in size."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from sqlalchemy import update
from tests.contract.stores import Store, sent

from trailkeeper.activity import ACTIVITY_MAX_BYTES, Activity, to_us
from trailkeeper.errors import InvalidActivity
from trailkeeper.ledger import schema
from trailkeeper.ledger.cut import CUT

ENTRY_MAX = 65_535
"""A transparency log's longest entry, in bytes."""

FULL: dict[str, Any] = {
    "id": "full",
    "occurred_at": "2026-11-01T12:00:00.123456+01:00",
    "on_behalf_of": {"type": "user", "id": "8", "name": "Ada", "metadata": {"team": "x"}},
    "credential": {"type": "api_token", "id": "t-1"},
    "targets": [
        {"type": "recipe", "id": "42", "name": "Sync"},
        {"type": "folder", "id": "f", "email": "folder@example.com", "metadata": {"path": "/a"}},
    ],
    "outcome": "failure",
    "reason": "no reason",
    "context": {
        "ip_address": "2001:db8::1",
        "user_agent": "curl",
        "session_id": "s",
        "request_id": "r",
        "trace_id": "t",
        "source": "test",
    },
    "changes": [{"field": "name", "old": None, "new": "x"}, {"field": "y", "new": [1, 2.5]}],
    "details": {"a": {"b": [True, None, "é😀\u2028"]}, "n": 12345678901234567890},
    "environment": "test",
}


def test_the_personal_part_is_bound_to_the_public_one_by_its_salted_hash(store: Store) -> None:
    for changed in ({}, FULL, {"details": {"long": "x" * 100_000}}):
        store.record(**changed)
    for row in store.rows():
        public = json.loads(row.public)
        assert len(row.salt) == 16
        digest = hashlib.sha256(row.salt + row.personal).hexdigest()
        assert public["personal_sha256"] == digest
    assert len({row.salt for row in store.rows()}) == 3


def test_the_public_part_names_nobody(store: Store) -> None:
    store.record(**FULL)
    (row,) = store.rows()
    assert json.loads(row.public) == {
        "id": "full",
        "seq": 0,
        "occurred_at": to_us(datetime(2026, 11, 1, 11, 0, 0, 123_456, UTC)),
        "received_at": row.received_at,
        "action": "recipe.stopped",
        "outcome": "failure",
        "environment": "test",
        "actor": {"type": "user", "id": "7"},
        "on_behalf_of": {"type": "user", "id": "8"},
        "targets": [{"type": "recipe", "id": "42"}, {"type": "folder", "id": "f"}],
        "personal_sha256": hashlib.sha256(row.salt + row.personal).hexdigest(),
    }


def test_what_was_sent_is_read_back_whole(store: Store) -> None:
    got = store.record(**FULL)
    read = store.reader.get(store.acme, "full")
    assert read is not None
    asked = sent(**FULL)
    for name in asked.__struct_fields__:
        assert getattr(read, name) == getattr(asked, name), name
    assert read.seq == got.seq


def test_what_was_left_out_is_read_back_as_its_default(store: Store) -> None:
    got = store.record()
    read = store.reader.get(store.acme, got.id)
    asked = sent()
    assert read == Activity(
        id=got.id,
        seq=0,
        action="recipe.stopped",
        occurred_at=datetime.fromisoformat(got.received_at),
        received_at=datetime.fromisoformat(got.received_at),
        actor=asked.actor,
        targets=asked.targets,
        outcome="success",
        environment="prod",
    )


def test_the_bytes_stay_what_they_were_whatever_comes_later(store: Store) -> None:
    store.record(**FULL)
    before = store.rows()[0]
    for number in range(5):
        store.record(actor={"type": "user", "id": "7", "name": f"Renamed {number}"})
    store.record(**FULL)
    assert store.rows()[0] == before
    read = store.reader.get(store.acme, "full")
    assert read is not None
    assert read.actor.name == "Robin Operator"


def test_erasing_salt_and_personal_part_leaves_a_readable_activity(store: Store) -> None:
    store.record(**FULL)
    erase = update(schema.activity).values(salt=None, personal=None)
    store.writer.run(lambda transaction: transaction.connection.execute(erase).rowcount)
    read = store.reader.get(store.acme, "full")
    assert read is not None
    assert (read.actor.id, read.actor.name, read.details) == ("7", None, {})
    assert [target.id for target in read.targets] == ["42", "f"]


QUOTES = '"' * 255
LARGEST: dict[str, Any] = {
    "id": QUOTES,
    "action": "a." + "b" * 126,
    "occurred_at": "2026-11-01T12:00:00.123456Z",
    "actor": {"type": "delegated_admin", "id": QUOTES},
    "on_behalf_of": {"type": "delegated_admin", "id": QUOTES},
    "targets": [{"type": "t" * 64, "id": QUOTES}] * 100,
    "environment": "E" * 64,
}


def test_the_largest_public_part_fits_an_entry(store: Store) -> None:
    store.record(**LARGEST)
    (row,) = store.rows()
    assert len(json.loads(row.public)["targets"]) == 100
    assert 60_000 < len(row.public) <= ENTRY_MAX


@pytest.mark.parametrize(
    "changed",
    [
        {"details": {"text": "x" * 500_000}},
        {"details": {"text": "\x01" * 50_000, "more": ["é"] * 30_000}},
        {"details": {f"key-{number}": "x" * 90 for number in range(900)}},
        {"changes": [{"field": "f", "old": "x" * 70_000, "new": "y" * 70_000}]},
        {"changes": [{"field": f"f{n}", "old": "x" * 90, "new": "y" * 90} for n in range(1_000)]},
        {**LARGEST, "details": {"text": "x" * 50_000}},
    ],
)
def test_a_whole_activity_is_at_most_64_kib(store: Store, changed: dict[str, Any]) -> None:
    store.record(**changed)
    (row,) = store.rows()
    assert len(row.public) + len(row.personal) <= ACTIVITY_MAX_BYTES
    assert CUT.encode() in row.personal


def test_what_cannot_be_cut_is_refused(store: Store) -> None:
    long_names = [{"type": "t", "id": str(n), "name": "x" * 1_024} for n in range(100)]
    with pytest.raises(InvalidActivity, match="longer than 64 KiB"):
        store.prepare(targets=long_names)


def test_secrets_are_not_on_disk(store: Store) -> None:
    secret = "hunter2-of-ours"
    store.record(
        details={"password": secret, "inner": [{"api_key": secret}]},
        changes=[{"field": "token", "old": secret, "new": secret}],
        reason=f"https://robin:{secret}@example.com/",
        actor={"type": "user", "id": "7", "metadata": {"secret": secret}},
    )
    assert all(secret.encode() not in file.read_bytes() for file in store.data.iterdir())
    assert msgspec.json.encode(store.reader.after(store.acme, 0, 1)).count(b"[redacted]") == 6
