"""How parcels become objects."""

from __future__ import annotations

import gzip
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet
import pytest
import zstandard

from trailkeeper.activity import Activity, Actor, Context, Target, to_us
from trailkeeper.errors import InvalidInput
from trailkeeper.streaming import packing
from trailkeeper.streaming.destination import Compression, Message, Packing, Parcel
from trailkeeper.streaming.format import Team
from trailkeeper.streaming.formats import own
from trailkeeper.streaming.packing import check_packing, pack, packed, safe_path, unpacked
from trailkeeper.streaming.parquet import COLUMNS

START = datetime(2026, 11, 24, 23, 59, 59, 999_999, tzinfo=UTC)
TEAM = Team("w1", "Acme", "7", "Robin", "robin@example.com")


def activity(seq: int) -> Activity:
    return Activity(
        id=f"id-{seq}",
        seq=seq,
        action="recipe.stopped",
        occurred_at=START + timedelta(seconds=seq),
        received_at=START + timedelta(seconds=seq, microseconds=1),
        actor=Actor(type="user", id="7", name="Robin", email="robin@example.com"),
        targets=[Target(type="recipe", id="42", name="ü"), Target(type="folder", id="1")],
        outcome="success",
        context=Context(ip_address="192.0.2.7"),
        environment="prod",
    )


def message(seq: int) -> Message:
    one = activity(seq)
    path = f"w1/activities/2026/{seq}.json"
    return Message(seq, one.id, to_us(one.occurred_at), path, own.encode(one, TEAM), activity=one)


def parcel(count: int, content_type: str = "application/json") -> Parcel:
    messages = [message(seq) for seq in range(count)]
    return Parcel("activities", f"{0:012d}-{count - 1:012d}", messages, content_type)


@pytest.mark.parametrize("how", ["batch", "each", "parquet"])
@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_the_same_parcel_gives_the_same_names_and_bytes(
    how: Packing, compression: Compression
) -> None:
    assert list(pack(parcel(50), how, compression)) == list(pack(parcel(50), how, compression))


def test_a_batch_is_a_file_of_the_first_activitys_day() -> None:
    (made,) = pack(parcel(3), "batch", "none")
    assert made.path == "activities/2026/11/24/000000000000-000000000002.jsonl"
    assert made.body == b"".join(message(seq).body + b"\n" for seq in range(3))
    assert made.content_type == "application/x-ndjson"
    assert made.seqs == [0, 1, 2]


def test_each_message_is_a_file_at_its_own_path() -> None:
    made = list(pack(parcel(2), "each", "gzip"))
    assert [one.path for one in made] == [f"w1/activities/2026/{seq}.json.gz" for seq in range(2)]
    assert [gzip.decompress(one.body) for one in made] == [message(0).body, message(1).body]
    assert [one.seqs for one in made] == [[0], [1]]


def test_compressed_files_say_what_they_are_and_no_time() -> None:
    (made,) = pack(parcel(3), "batch", "gzip")
    assert made.content_type == "application/gzip"
    assert made.body[4:8] == bytes(4)  # RFC 1952: the time of modification
    (made,) = pack(parcel(3), "batch", "zstd")
    assert made.content_type == "application/zstd"
    assert zstandard.decompress(made.body) == next(pack(parcel(3), "batch", "none")).body


def test_other_texts_than_json_keep_their_ending_and_one_line_each() -> None:
    texts = [Message(n, "", 0, f"a/{n}.cef", b"CEF:0|a\nb\r|") for n in range(2)]
    (made,) = pack(Parcel("activities", "0-1", texts, "text/plain"), "batch", "none")
    assert made.path == "activities/1970/01/01/0-1.cef"
    assert made.body == b"CEF:0|a\\nb\\r|\n" * 2
    assert made.content_type == "text/plain"


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_unpacking_gives_back_what_was_packed_and_no_more_than_asked_for(
    compression: Compression,
) -> None:
    body = b"x" * 100_000
    whole = packed(body, compression)
    assert unpacked(whole, compression) == body
    assert unpacked(whole, compression, 10) == b"x" * 10
    if compression != "none":
        assert unpacked(b"no such thing", compression) is None


def test_paths_have_no_steps_that_lead_elsewhere() -> None:
    assert safe_path("/a//../b/./c\n.json/") == "a/%2E%2E/b/%2E/c%0A.json"
    assert safe_path("a..b/.c") == "a..b/.c"


@pytest.mark.parametrize(("compression", "codec"), [("none", "UNCOMPRESSED"), ("zstd", "ZSTD")])
def test_parquet_has_a_row_for_each_activity(compression: Compression, codec: str) -> None:
    (made,) = pack(parcel(100), "parquet", compression)
    assert made.path == "activities/2026/11/24/000000000000-000000000099.parquet"
    file = pyarrow.parquet.ParquetFile(io.BytesIO(made.body))
    assert file.metadata.row_group(0).column(0).compression == codec
    rows = file.read().to_pylist()
    assert [row["seq"] for row in rows] == list(range(100))
    assert rows[7] == {
        "seq": 7,
        "id": "id-7",
        "action": "recipe.stopped",
        "occurred_at": START + timedelta(seconds=7),
        "received_at": START + timedelta(seconds=7, microseconds=1),
        "outcome": "success",
        "reason": None,
        "environment": "prod",
        "actor_type": "user",
        "actor_id": "7",
        "actor_name": "Robin",
        "actor_email": "robin@example.com",
        "target_type": "recipe",
        "target_id": "42",
        "target_name": "ü",
        "ip_address": "192.0.2.7",
        "user_agent": None,
        "session_id": None,
        "request_id": None,
        "message": message(7).body.decode(),
    }


def test_what_is_no_activity_has_its_message_in_parquet() -> None:
    job = Message(1, "job-1", to_us(START), "j.json", b'{"job": 1}')
    (made,) = pack(Parcel("jobs", "1-1", [job], "application/json"), "parquet", "zstd")
    (row,) = pyarrow.parquet.read_table(io.BytesIO(made.body)).to_pylist()
    assert {name: value for name, value in row.items() if value is not None} == {
        "seq": 1,
        "id": "job-1",
        "message": '{"job": 1}',
    }


def test_parquet_is_refused_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    check_packing("parquet")
    monkeypatch.setattr(packing, "find_spec", lambda _name: None)
    with pytest.raises(InvalidInput, match=r"trailkeeper\[parquet\]") as failed:
        check_packing("parquet")
    assert failed.value.errors[0].pointer == "/packing"
    check_packing("batch")


def test_the_reference_describes_every_column() -> None:
    text = (Path(__file__).parents[2] / "docs/reference/object-stores.md").read_text()
    for name in ("seq", "id", "message", *(name for name, _, _ in COLUMNS)):
        assert f"| `{name}` |" in text
