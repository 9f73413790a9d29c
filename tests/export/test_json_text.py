"""JSON put together of canonical bytes is the JSON that the API answers with, byte for byte."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import activity
from tests.contract.test_store_bytes import FULL

from trailkeeper.activity import ActivityInput
from trailkeeper.errors import InvalidActivity
from trailkeeper.exports.columns import COLUMNS, values
from trailkeeper.ledger.dump import Row
from trailkeeper.ledger.json_text import activity_json
from trailkeeper.ledger.prepare import prepare, public_bytes
from trailkeeper.ledger.record import decode_activity
from trailkeeper.redaction import Redactor

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
ID = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "C", "Z"]), min_size=1, max_size=20
)
SCALAR = st.none() | st.booleans() | st.integers(-(2**53), 2**64 - 1) | TEXT
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    SCALAR | NUMBER,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
METADATA = st.none() | st.dictionaries(TEXT, JSON, max_size=3)
EMAIL = st.none() | st.just("robin@example.com")
PARTY = {"id": ID, "name": st.none() | TEXT, "email": EMAIL, "metadata": METADATA}
ACTOR = st.fixed_dictionaries({"type": st.sampled_from(["user", "system"]), **PARTY})
TARGET = st.fixed_dictionaries({"type": st.sampled_from(["recipe", "folder"]), **PARTY})
CHANGE = st.fixed_dictionaries({"field": ID}, optional={"old": JSON, "new": JSON})
SENT = st.fixed_dictionaries(
    {
        "action": st.just("recipe.stopped"),
        "actor": ACTOR,
        "targets": st.lists(TARGET, min_size=1, max_size=4),
    },
    optional={
        "id": ID,
        "on_behalf_of": ACTOR,
        "credential": st.fixed_dictionaries({"type": st.just("api_token"), "id": ID}),
        "outcome": st.sampled_from(["success", "failure"]),
        "reason": TEXT,
        "context": st.fixed_dictionaries({}, optional={"user_agent": TEXT, "source": TEXT}),
        "changes": st.lists(CHANGE, max_size=3),
        "details": st.dictionaries(TEXT, JSON, max_size=3),
        "environment": st.sampled_from(["prod", "test"]),
    },
)
TIMES = st.integers(0, 4_102_444_800_000_000)
SECONDS = TIMES.map(lambda at: at - at % 1_000_000)

encode = msgspec.json.encode


def bytes_of(sent: dict[str, Any], occurred_at: int, received_at: int) -> tuple[bytes, bytes]:
    made = prepare(msgspec.convert(sent, ActivityInput), redactor=Redactor(), label="Stopped")
    id = made.id or "019a0000-0000-7000-8000-000000000000"
    return public_bytes(made, id, 7, received_at, occurred_at), made.personal


@settings(deadline=None, max_examples=300)
@given(sent=SENT, occurred_at=TIMES | SECONDS, received_at=TIMES)
def test_it_is_the_json_of_the_decoded_activity(
    sent: dict[str, Any], occurred_at: int, received_at: int
) -> None:
    try:
        public, personal = bytes_of(sent, occurred_at, received_at)
    except InvalidActivity:  # an id that is too long in UTF-8, or nothing to be seen
        return
    assert activity_json(public, personal) == encode(decode_activity(public, personal))
    assert activity_json(public, None) == encode(decode_activity(public, None))


def test_it_is_so_for_an_activity_that_has_everything_and_for_one_that_was_cut() -> None:
    for changed in (FULL, {"details": {"long": "x" * 100_000}}, {"details": {"a": 1e16}}):
        public, personal = bytes_of(activity(**changed), 1, 2_000_000)
        assert activity_json(public, personal) == encode(decode_activity(public, personal))


@settings(deadline=None, max_examples=200)
@given(sent=SENT, at=TIMES)
def test_the_columns_of_a_table_say_the_same(sent: dict[str, Any], at: int) -> None:
    try:
        public, personal = bytes_of(sent, at, at)
    except InvalidActivity:
        return
    for hidden in (personal, None):
        whole = msgspec.to_builtins(decode_activity(public, hidden))
        names = [name for name, _ in COLUMNS]
        row = dict(zip(names, values(Row(1, 7, public, hidden)), strict=True))
        for name in ("seq", "id", "action", "outcome", "reason", "environment"):
            assert row[name] == whole[name]
        for name in ("occurred_at", "received_at"):
            instant = datetime.fromtimestamp(0, UTC).fromisoformat(whole[name])
            assert row[name] == round(instant.timestamp() * 1_000_000)
        for start, party in (
            ("actor", whole["actor"]),
            ("on_behalf_of", whole["on_behalf_of"] or {}),
            ("credential", whole["credential"] or {}),
            ("target", whole["targets"][0]),
        ):
            for field in ("type", "id", "name", "email"):
                if f"{start}_{field}" in row:
                    assert row[f"{start}_{field}"] == party.get(field)
        for field in ("ip_address", "user_agent", "session_id", "request_id", "trace_id", "source"):
            assert row[field] == whole["context"].get(field)
        assert msgspec.json.decode(row["targets"]) == whole["targets"]
        assert msgspec.json.decode(row["changes"] or "[]") == whole["changes"]
        assert msgspec.json.decode(row["details"] or "{}") == whole["details"]
        assert msgspec.json.decode(row["actor_metadata"] or "null") == whole["actor"].get(
            "metadata"
        )
