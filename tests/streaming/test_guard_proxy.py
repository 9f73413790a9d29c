"""The proxy that checks where a library connects: who gets through, and where to."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from tests.streaming.receiver import Received, Receiver

from trailkeeper.streaming import guard_proxy
from trailkeeper.streaming.guard import Guard
from trailkeeper.streaming.guard_proxy import Pass, admit

HERE = Guard(["127.0.0.0/8"])


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def allowed(receiver: Receiver) -> Iterator[Pass]:
    made = admit(HERE, receiver.url)
    yield made
    made.close()


def post(allowed: Pass, url: str, body: bytes = b"x") -> httpx.Response:
    with httpx.Client(proxy=allowed.url, timeout=10, verify=False) as http:
        return http.post(url, content=body)


def spoken(allowed: Pass, head: str) -> bytes:
    """What the proxy says to that, until it ends the connection."""
    port = urlsplit(allowed.url).port or 0
    with socket.create_connection(("127.0.0.1", port), 10) as line:
        line.sendall(head.encode())
        got = b""
        while data := line.recv(65_536):
            got += data
    return got


def header(allowed: Pass) -> str:
    return f"Proxy-Authorization: {allowed.header.decode()}\r\n"


def test_requests_come_through_as_they_were_sent(receiver: Receiver, allowed: Pass) -> None:
    big = bytes(range(256)) * 20_000
    receiver.reply = lambda request: (200, {}, request.body[::-1])
    answer = post(allowed, f"{receiver.url}/a%20b/c?d=%2F", big)
    assert answer.content == big[::-1]
    got = receiver.requests[0]
    assert got.path == "/a%20b/c?d=%2F"
    assert got.headers["host"] == urlsplit(receiver.url).netloc
    assert not [name for name in got.headers if name.startswith("proxy-")]


def test_many_requests_of_one_client_come_through(receiver: Receiver, allowed: Pass) -> None:
    with httpx.Client(proxy=allowed.url, timeout=10, verify=False) as http:
        for number in range(20):
            assert http.post(f"{receiver.url}/{number}").status_code == 200
    assert [one.path for one in receiver.requests] == [f"/{number}" for number in range(20)]


def test_a_tunnel_carries_both_directions(receiver: Receiver, allowed: Pass) -> None:
    netloc = urlsplit(receiver.url).netloc
    inside = "POST /inside HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi"
    said = spoken(allowed, f"CONNECT {netloc} HTTP/1.1\r\n{header(allowed)}\r\n{inside}")
    assert said.startswith(b"HTTP/1.1 200 ")
    assert said.endswith(b"ok")
    assert receiver.requests[0].body == b"hi"


def test_nobody_gets_through_without_a_pass(receiver: Receiver, allowed: Pass) -> None:
    netloc = urlsplit(receiver.url).netloc
    known = base64.b64encode(f"{allowed.id}:guessed".encode()).decode()
    for more in (
        "",
        f"Proxy-Authorization: Basic {known}\r\n",
        "Proxy-Authorization: Basic !\r\n",
        f"Authorization: {allowed.header.decode()}\r\n",
    ):
        for line in (f"CONNECT {netloc} HTTP/1.1", f"GET {receiver.url}/ HTTP/1.1"):
            assert spoken(allowed, f"{line}\r\n{more}\r\n").startswith(b"HTTP/1.1 407 ")
    assert receiver.bodies == []


def test_a_pass_is_good_for_one_server_and_until_it_is_closed(receiver: Receiver) -> None:
    other = Receiver()
    one = admit(HERE, receiver.url)
    assert post(one, receiver.url).status_code == 200
    assert post(one, other.url).status_code == 502
    assert "is not the destination's server" in one.trouble
    one.close()
    assert post(one, receiver.url).status_code == 407
    assert other.bodies == []
    other.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"])
def test_addresses_inside_are_refused_by_any_name(receiver: Receiver, host: str) -> None:
    netloc = f"{host}:{urlsplit(receiver.url).port}"
    strict = admit(Guard(), f"http://{netloc}")
    for line in (f"CONNECT {netloc} HTTP/1.1", f"POST http://{netloc}/ HTTP/1.1"):
        strict.trouble = ""
        said = spoken(strict, f"{line}\r\nHost: {netloc}\r\n{header(strict)}\r\n")
        assert said.startswith(b"HTTP/1.1 502 ")
        assert "may not reach" in strict.trouble
    assert receiver.bodies == []
    strict.close()


@pytest.mark.parametrize(
    "line",
    [
        "GET / HTTP/1.1",
        "GET https://127.0.0.1/ HTTP/1.1",
        "GET ftp://127.0.0.1/ HTTP/1.1",
        "CONNECT / HTTP/1.1",
        "CONNECT 127.0.0.1:99999 HTTP/1.1",
    ],
)
def test_other_ways_to_ask_are_refused(allowed: Pass, line: str) -> None:
    assert spoken(allowed, f"{line}\r\n{header(allowed)}\r\n").startswith(b"HTTP/1.1 502 ")


def test_what_is_no_request_ends_the_connection(
    allowed: Pass, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_proxy, "HEAD_S", 0.3)
    assert spoken(allowed, "what?\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert spoken(allowed, "GET http://127.0.0.1/ HTTP/1.1\r\nslow:") == b""
    assert spoken(allowed, "x" * 200_000 + "\r\n") == b""


def test_the_servers_last_word_is_kept_when_it_comes_before_the_requests_end(
    receiver: Receiver, allowed: Pass
) -> None:
    def reply(_request: Received) -> tuple[int, dict[str, str], bytes]:
        return 413, {"Connection": "close"}, b"too large"

    receiver.reply = reply
    assert post(allowed, receiver.url, b"x" * 1_000_000).text == "too large"
