"""How a body may arrive: packed or not, of which type, and how large; what it may not be."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
import zstandard
from tests.conftest import Site, activity

from .support import NDJSON, PATH, expect_problem, fetched, ndjson, rows

JSON = {"Content-Type": "application/json"}
MIB = 1024 * 1024
QUICKLY_S = 10

zstd = zstandard.ZstdCompressor().compress
packings = pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstd)])


@pytest.fixture(autouse=True)
def _refused_bodies_leave_nothing(
    request: pytest.FixtureRequest, workspace: Site
) -> Iterator[None]:
    before = rows(workspace)
    yield
    if "refused" in request.function.__name__:
        assert rows(workspace) == before


def send(
    http: httpx.Client, body: bytes, encoding: str = "", headers: dict[str, str] = JSON
) -> httpx.Response:
    packed = {"Content-Encoding": encoding} if encoding else {}
    return http.post(PATH, content=body, headers={**headers, **packed})


@packings
def test_a_packed_activity_is_recorded(
    own: httpx.Client, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    body = json.dumps(activity(id=f"packed-{encoding}")).encode()
    assert send(own, pack(body), encoding).status_code == 201
    assert fetched(own, f"packed-{encoding}")["action"] == "recipe.stopped"


@packings
def test_a_packed_batch_is_recorded_whole(
    own: httpx.Client, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    answer = send(own, pack(ndjson(*[activity()] * 700)), encoding, NDJSON)
    assert [result["status"] for result in answer.json()] == [201] * 700


@packings
def test_a_body_packed_in_several_members_is_one_body(
    own: httpx.Client, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    body = pack(ndjson(activity())) + pack(b"") + pack(ndjson(activity(), activity()))
    answer = send(own, body, encoding, NDJSON)
    assert [result["status"] for result in answer.json()] == [201] * 3


@packings
def test_a_packed_body_that_is_cut_off_is_refused_whole(
    own: httpx.Client, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    lines = [activity(id=f"cut-{encoding}-{n}", details={"n": n}) for n in range(2_000)]
    body = pack(ndjson(*lines))
    for size in (3, len(body) // 2, len(body) - 1):
        expect_problem(send(own, body[:size], encoding, NDJSON), 400, "malformed-body")
    flushed = _flushed(encoding, ndjson(*lines[:3]))
    expect_problem(send(own, flushed, encoding, NDJSON), 400, "malformed-body")


def _flushed(encoding: str, content: bytes) -> bytes:
    """All content, which can be unpacked, but not the end of the stream."""
    import zlib

    if encoding == "gzip":
        stream = zlib.compressobj(wbits=31)
        return stream.compress(content) + stream.flush(zlib.Z_SYNC_FLUSH)
    frame = zstandard.ZstdCompressor().compressobj()
    return frame.compress(content) + frame.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)


@packings
def test_a_body_that_is_packed_wrongly_is_refused(
    own: httpx.Client, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    good = pack(json.dumps(activity()).encode())
    broken = [good[:20] + b"\xff\xff\xff" + good[23:], b"not packed", good + b"garbage"]
    if encoding == "gzip":
        broken.append(good[:-8] + b"\0\0\0\0" + good[-4:])
    for body in broken:
        expect_problem(send(own, body, encoding), 400, "malformed-body")


@pytest.mark.parametrize(
    ("encoding", "bomb"),
    [
        ("gzip", lambda: gzip.compress(b" " * 100 * MIB)),
        ("gzip", lambda: gzip.compress(b" " * MIB) * 100),
        ("zstd", lambda: zstd(b" " * 100 * MIB)),
        ("zstd", lambda: zstd(b" " * MIB) * 100),
        ("zstd", lambda: zstandard.ZstdCompressor(level=19).compress(b"{}\n" * 40 * MIB)),
    ],
    ids=["gzip", "gzip of many members", "zstd", "zstd of many frames", "zstd of lines"],
)
def test_a_bomb_is_refused_quickly(
    own: httpx.Client, encoding: str, bomb: Callable[[], bytes]
) -> None:
    body = bomb()
    assert len(body) < MIB
    start = time.monotonic()
    answer = send(own, body, encoding, NDJSON)
    assert time.monotonic() - start < QUICKLY_S
    expect_problem(answer, 413, "too-large")


@packings
def test_a_body_of_very_many_empty_members_is_refused_quickly(
    own: httpx.Client, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    body = pack(b"") * (8 * MIB // len(pack(b"")))
    start = time.monotonic()
    answer = send(own, body, encoding)
    assert time.monotonic() - start < QUICKLY_S
    expect_problem(answer, 400, "malformed-body")


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "compress", "x" * 500])
def test_an_encoding_that_is_not_known_is_refused(own: httpx.Client, encoding: str) -> None:
    answer = send(own, json.dumps(activity()).encode(), encoding)
    expect_problem(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "application/json; charset=utf-16",
        "",
    ],
)
def test_a_content_type_that_is_not_taken_is_refused(own: httpx.Client, kind: str) -> None:
    answer = send(own, json.dumps(activity()).encode(), headers={"Content-Type": kind})
    problem = expect_problem(answer, 415, "unsupported-media-type")
    assert "application/json" in problem["detail"] or "UTF-8" in problem["detail"]


def test_a_body_without_a_content_type_is_refused(own: httpx.Client) -> None:
    answer = send(own, json.dumps(activity()).encode(), headers={})
    expect_problem(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize(
    "kind",
    ["Application/JSON", "application/json; charset=UTF-8", 'application/json;charset="utf-8"'],
)
def test_a_content_type_may_be_written_in_other_ways(own: httpx.Client, kind: str) -> None:
    answer = send(own, json.dumps(activity()).encode(), headers={"Content-Type": kind})
    assert answer.status_code == 201


def test_a_body_over_the_limit_is_refused(own: httpx.Client) -> None:
    problem = expect_problem(send(own, b" " * (33 * MIB)), 413, "too-large")
    assert "32 MiB" in problem["detail"]


def test_a_body_over_the_limit_is_refused_although_no_length_was_declared(
    own: httpx.Client,
) -> None:
    answer = own.post(PATH, content=(b" " * MIB for _ in range(40)), headers=JSON)
    expect_problem(answer, 413, "too-large")


def test_the_server_goes_on_after_a_client_that_left_in_the_middle(
    workspace: Site, own: httpx.Client
) -> None:
    import socket

    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {workspace.token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    )
    before = rows(workspace)
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", workspace.port)) as half:
            half.sendall(head.encode())
    assert send(own, json.dumps(activity(id="after")).encode()).status_code == 201
    assert rows(workspace)["activity"] == before["activity"] + 1
