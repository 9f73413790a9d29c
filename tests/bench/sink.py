"""A destination that costs little: `python -m tests.bench.sink` prints its port and serves.

The path says how it behaves: `/well` answers 200, `/fail` 500, `/hang` nothing, `/drip` a byte a
second. `GET` of a path gives what came there as JSON, `DELETE` forgets it. Lines with a `sent_us`
in them are timed from then to their arrival.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection

import msgspec
import uvloop
from msgspec import Struct

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
FAILED = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
DRIP_S = 1.0

_SENT = re.compile(rb'"sent_us":(\d+)')


class Came(Struct):
    """What came to a path: requests, lines, and milliseconds from `sent_us` to the arrival."""

    requests: int = 0
    lines: int = 0
    bytes: int = 0
    delays_ms: list[float] = []


class Line(asyncio.Protocol):
    """A connection."""

    def __init__(self, came: dict[str, Came]) -> None:
        self._came = came
        self._got = bytearray()
        self._body_at = self._end = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        if not self._end:
            end = self._got.find(b"\r\n\r\n")
            if end < 0:
                return
            found = re.search(rb"\r\ncontent-length: *(\d+)", bytes(self._got[:end]), re.IGNORECASE)
            self._body_at = end + 4
            self._end = self._body_at + (int(found[1]) if found else 0)
        if len(self._got) < self._end:
            return
        method, path, _ = self._got.split(b" ", 2)
        body = bytes(self._got[self._body_at : self._end])
        self._got.clear()
        self._end = 0
        self._answer(method, path.decode(), body)

    def _answer(self, method: bytes, path: str, body: bytes) -> None:
        came = self._came.setdefault(path, Came(delays_ms=[]))
        if method == b"GET":
            text = msgspec.json.encode(came)
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text)
            self._transport.write(head + text)
        elif method == b"DELETE":
            self._came[path] = Came(delays_ms=[])
            self._transport.write(OK)
        else:
            now = time.time_ns() // 1_000
            came.requests += 1
            came.lines += body.count(b"\n")
            came.bytes += len(body)
            came.delays_ms += [(now - int(at)) / 1e3 for at in _SENT.findall(body)]
            if path == "/drip":
                self._transport.write(b"HTTP/1.1 200 OK\r\nX-Fill: ")
                self._drip()
            elif path != "/hang":
                self._transport.write(FAILED if path == "/fail" else OK)

    def _drip(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(b"x")
            asyncio.get_running_loop().call_later(DRIP_S, self._drip)


class Sink:
    """From the outside."""

    def __init__(self, port: int) -> None:
        self.port = port

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def came(self, path: str) -> Came:
        return msgspec.json.decode(self._ask("GET", path), type=Came)

    def forget(self, path: str) -> None:
        self._ask("DELETE", path)

    def _ask(self, method: str, path: str) -> bytes:
        line = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            line.request(method, path)
            return line.getresponse().read()
        finally:
            line.close()


@contextmanager
def running() -> Iterator[Sink]:
    """A sink in a process of its own; it is ended by its own process id."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.sink"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield Sink(int(process.stdout.readline()))
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


async def _serve() -> None:
    came: dict[str, Came] = {}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Line(came), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
