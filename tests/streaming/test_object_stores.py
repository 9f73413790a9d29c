"""What every object store must do as a destination of streams, on real servers: SeaweedFS, moto,
Azurite, and fake-gcs-server with a front for what it lacks (gcs_front.py)."""

from __future__ import annotations

import gzip
import io
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow.parquet
import pytest
import zstandard
from tests.api.support import PATH
from tests.conftest import Site, activity, make_site, wait_for
from tests.streaming.cutter import Cutter
from tests.streaming.object_stores import Place, Servers

STREAMS = "/api/v1/streams"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = make_site(tmp_path_factory.mktemp("site") / "data")
    made.environment["TRAILKEEPER_STREAM_ALLOWED_NETWORKS"] = "127.0.0.0/8"
    yield made.start()
    made.stop()


Stream = Callable[..., str]


@pytest.fixture
def stream(site: Site) -> Iterator[Stream]:
    """Makes streams that run, and gives their ids; they end with the test."""
    made: list[str] = []

    def make(place: Place, settings: dict[str, str] | None = None, **shape: Any) -> str:
        asked = {
            "name": uuid.uuid4().hex,
            "enabled": True,
            "destination": {"type": place.kind, "settings": settings or place.settings},
            "shape": {"query": "action:recipe.stopped", **shape},
        }
        with site.http() as http:
            answer = http.post(STREAMS, json=asked)
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["id"])
        return made[-1]

    yield make
    with site.http() as http:
        for id in made:
            http.delete(f"{STREAMS}/{id}").raise_for_status()


@pytest.fixture
def cutter(place: Place) -> Iterator[Cutter]:
    made = Cutter(place.port)
    yield made
    made.close()


def record(site: Site, count: int) -> list[str]:
    """So many activities; their ids."""
    ids = [f"{uuid.uuid4()}" for _ in range(count)]
    with site.http() as http:
        answer = http.post(PATH, json=[activity(id=id) for id in ids])
        answer.raise_for_status()
    return ids


def state(site: Site, id: str) -> dict[str, Any]:
    with site.http() as http:
        return http.get(f"{STREAMS}/{id}").json()


def until_done(site: Site, id: str, seconds: float = 20) -> None:
    """Wait until everything is delivered."""
    wait_for(lambda: state(site, id)["lag"]["count"] == 0, seconds, lambda: str(state(site, id)))


def lines(body: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in body.splitlines()]


def ids_in(objects: dict[str, bytes], read: Callable[[bytes], bytes] = bytes) -> list[str]:
    """What the objects hold, by the order of their names."""
    return [one["id"] for body in objects.values() for one in lines(read(body))]


def test_what_is_recorded_is_there_once_in_order_as_the_api_gives_it(
    site: Site, place: Place, stream: Stream
) -> None:
    id = stream(place)
    ids = record(site, 120) + record(site, 1) + record(site, 30)
    until_done(site, id)
    objects = place.objects()
    assert ids_in(objects) == ids
    with site.http() as http:
        first = http.get(f"{PATH}/{ids[0]}").json()
        last = http.get(f"{PATH}/{ids[-1]}").json()
    assert lines(next(iter(objects.values())))[0] == first
    day = first["occurred_at"][:10].replace("-", "/")
    names = list(objects)
    assert names[0].startswith(f"activities/{day}/{first['seq']:012d}-")
    assert names[-1].endswith(f"-{last['seq']:012d}.jsonl")


@pytest.mark.parametrize(
    ("compression", "ending", "read"),
    [
        ("gzip", ".jsonl.gz", gzip.decompress),
        ("zstd", ".jsonl.zst", zstandard.decompress),
    ],
)
def test_batches_may_be_compressed(
    site: Site,
    place: Place,
    stream: Stream,
    compression: str,
    ending: str,
    read: Callable[[bytes], bytes],
) -> None:
    id = stream(place, compression=compression)
    ids = record(site, 50)
    until_done(site, id)
    objects = place.objects()
    assert ids_in(objects, read) == ids
    assert all(name.endswith(ending) for name in objects)


def test_batches_may_be_parquet(site: Site, place: Place, stream: Stream) -> None:
    id = stream(place, packing="parquet", compression="zstd", masks={"/actor/email": "drop"})
    ids = record(site, 50)
    until_done(site, id)
    rows = [
        row
        for body in place.objects().values()
        for row in pyarrow.parquet.read_table(io.BytesIO(body)).to_pylist()
    ]
    assert [row["id"] for row in rows] == ids
    assert {row["actor_name"] for row in rows} == {"Robin Operator"}
    assert {row["actor_email"] for row in rows} == {None}
    assert json.loads(rows[0]["message"])["id"] == ids[0]


def test_each_activity_may_be_an_object_of_its_own(
    site: Site, place: Place, stream: Stream
) -> None:
    id = stream(place, packing="each", compression="gzip")
    ids = record(site, 25)
    until_done(site, id)
    objects = place.objects()
    assert [json.loads(gzip.decompress(body))["id"] for body in objects.values()] == ids
    assert all(name.endswith(".json.gz") for name in objects)


@pytest.mark.parametrize("packing", ["batch", "each"])
def test_what_was_taken_without_an_answer_is_sent_again_in_the_same_bytes_and_is_there_once(
    site: Site, place: Place, stream: Stream, cutter: Cutter, packing: str
) -> None:
    cutter.fate = lambda number: "lose the answer" if number < 3 else "pass"
    id = stream(place, place.through(cutter.port), packing=packing)
    ids = record(site, 12)
    until_done(site, id, 30)
    assert ids_in(place.objects()) == ids
    tries = cutter.bodies
    assert any(len(bodies) > 1 for bodies in tries.values())
    assert all(len(set(bodies)) == 1 for bodies in tries.values())
    assert state(site, id)["state"] == "running"


def test_nothing_is_lost_while_the_store_is_away(
    site: Site, place: Place, stream: Stream, cutter: Cutter
) -> None:
    cutter.fate = lambda _number: "refuse"
    id = stream(place, place.through(cutter.port))
    ids = record(site, 10)
    wait_for(lambda: state(site, id)["failures"], 20)
    ids += record(site, 10)
    assert place.objects() == {}
    cutter.fate = lambda _number: "pass"
    until_done(site, id, 30)
    assert ids_in(place.objects()) == ids


def test_a_key_that_the_store_refuses_pauses_the_stream_with_the_stores_words(
    site: Site, place: Place, stream: Stream
) -> None:
    id = stream(place, {**place.settings, **place.wrong})
    record(site, 1)
    wait_for(lambda: state(site, id)["state"] == "paused", 20)
    assert place.refusal in state(site, id)["pause_reason"]
    with site.http() as http:
        tested = http.post(f"{STREAMS}/{id}/test").json()
    assert tested["ok"] is False
    assert place.refusal in tested["text"]


def test_the_test_button_writes_and_removes_an_object(
    site: Site, place: Place, stream: Stream
) -> None:
    id = stream(place)
    with site.http() as http:
        tested = http.post(f"{STREAMS}/{id}/test").json()
    assert tested["ok"] is True
    assert tested["text"].endswith("was written, read and removed")
    assert place.objects() == {}


def test_a_store_that_is_killed_and_comes_back_has_everything_once(
    site: Site, servers: Servers, stream: Stream
) -> None:
    # The one of them that keeps what it has answered for.
    place = servers.place("seaweedfs")
    id = stream(place, compression="zstd")
    ids = record(site, 40)
    until_done(site, id)
    servers.processes["seaweedfs"].kill()
    ids += record(site, 40)
    wait_for(lambda: state(site, id)["failures"], 20)
    servers.processes["seaweedfs"].start()
    with site.http() as http:
        http.post(f"{STREAMS}/{id}/resume").raise_for_status()
    until_done(site, id, 60)
    assert ids_in(place.objects(), zstandard.decompress) == ids
