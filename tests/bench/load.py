"""A small HTTP load generator: keep-alive connections, one request under way on each.

It parses no more of an answer than it must, so that the machine is left to the server.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

Request = Callable[[], bytes | None]
"""The next request's bytes; None ends the connection."""


class Client(asyncio.Protocol):
    """Sends the next request when an answer is complete; collects latencies and statuses."""

    def __init__(self, take: Request, latencies: list[float], statuses: dict[int, int]) -> None:
        self._take = take
        self._latencies = latencies
        self._statuses = statuses
        self._buffer = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        request = self._take()
        if request is None:
            self._transport.close()
            return
        self._start = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0])
        if len(self._buffer) < end + 4 + length:
            return
        self._latencies.append(time.perf_counter() - self._start)
        status = int(head[9:12])
        self._statuses[status] = self._statuses.get(status, 0) + 1
        self._buffer = b""
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


class Result:
    """What a run gave. Latencies are in seconds."""

    def __init__(self, seconds: float, latencies: list[float], statuses: dict[int, int]) -> None:
        self.seconds = seconds
        self.latencies = sorted(latencies)
        self.statuses = statuses

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.latencies) / self.seconds

    def percentile(self, part: float) -> float:
        """In milliseconds."""
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * part))] * 1e3


def run(port: int, requests: Iterator[bytes], connections: int) -> Result:
    """Send all requests over this many connections, as fast as they are answered."""
    import uvloop

    latencies: list[float] = []
    statuses: dict[int, int] = {}

    async def go() -> float:
        loop = asyncio.get_running_loop()
        take = lambda: next(requests, None)  # noqa: E731
        start = time.perf_counter()
        clients = [
            (await loop.create_connection(lambda: Client(take, latencies, statuses), "127.0.0.1", port))[1]
            for _ in range(connections)
        ]
        await asyncio.gather(*(client.done for client in clients))
        return time.perf_counter() - start

    seconds = uvloop.run(go())
    return Result(seconds, latencies, statuses)


def post(path: str, token: str, body: bytes, kind: str = "application/json") -> bytes:
    """The bytes of a POST."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def get(path: str, token: str) -> bytes:
    """The bytes of a GET."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
