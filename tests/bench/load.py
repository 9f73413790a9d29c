"""A small HTTP load generator: keep-alive connections, one request under way on each.

It parses no more of an answer than it must, so that the machine is left to the server.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle, islice

import uvloop

LIMIT_S = 60.0
"""A run that takes longer has failed."""


class Result:
    """What a run gave. Latencies are in seconds."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.latencies: list[float] = []
        self.statuses: dict[int, int] = {}
        self.body = b""
        """The body of the last answer."""

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.latencies) / self.seconds

    def percentile(self, part: float) -> float:
        """In milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1e3

    def expect(self, status: int) -> Result:
        """Raises RuntimeError unless there were answers, and all of them had this status."""
        if set(self.statuses) != {status}:
            raise RuntimeError(
                f"Not all answers were {status}: {self.statuses}; the last was {self.body[:500]!r}"
            )
        return self


class Client(asyncio.Protocol):
    """One connection: sends the next request when an answer is complete."""

    def __init__(self, requests: Iterator[bytes], result: Result) -> None:
        self._requests = requests
        self._result = result
        self._answer = bytearray()
        self._body_at = self._end = 0
        self._busy = False
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def send(self) -> None:
        """Send the next request; when there is none, close."""
        request = next(self._requests, None)
        self._busy = request is not None
        if request is None:
            self._transport.close()
            return
        self._start = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not self._end and not self._read_head():
            return
        if len(self._answer) < self._end:
            return
        self._result.latencies.append(time.perf_counter() - self._start)
        status = int(self._answer[9:12])
        self._result.statuses[status] = self._result.statuses.get(status, 0) + 1
        self._result.body = bytes(self._answer[self._body_at :])
        self._answer.clear()
        self._end = 0
        self.send()

    def _read_head(self) -> bool:
        """Whether the head is complete; then it is known where the answer ends."""
        end = self._answer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = self._answer[:end].lower()
        at = head.find(b"\r\ncontent-length:")
        length = int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        self._body_at = end + 4
        self._end = self._body_at + length
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        if self.done.done():
            return
        if self._busy:
            self.done.set_exception(ConnectionError("The server closed a connection in use"))
        else:
            self.done.set_result(None)


def run(ports: int | Sequence[int], requests: Iterable[bytes], connections: int) -> Result:
    """Send all requests over this many connections, shared out over the ports, as fast as they are
    answered.

    Raises ConnectionError when the server hangs up, and TimeoutError after LIMIT_S.
    """
    result = Result()
    source = iter(requests)
    ports = (ports,) if isinstance(ports, int) else ports

    async def go() -> None:
        loop = asyncio.get_running_loop()
        clients = [
            (await loop.create_connection(lambda: Client(source, result), "127.0.0.1", port))[1]
            for port in islice(cycle(ports), connections)
        ]
        start = time.perf_counter()
        for client in clients:
            client.send()
        async with asyncio.timeout(LIMIT_S):
            await asyncio.gather(*(client.done for client in clients))
        result.seconds = time.perf_counter() - start

    gc.collect()
    gc.disable()
    try:
        uvloop.run(go())
    finally:
        gc.enable()
    return result


def until(seconds: float, requests: Iterable[bytes]) -> Iterator[bytes]:
    """The requests as long as the time lasts, from the first one on."""
    end: float | None = None
    for request in requests:
        now = time.perf_counter()
        end = end or now + seconds
        if now > end:
            return
        yield request


def post(path: str, token: str, body: bytes, kind: str = "application/json") -> bytes:
    """The bytes of a POST."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def get(path: str, token: str = "", cookie: str = "") -> bytes:
    """The bytes of a GET: with a token as a program sends it, or a cookie as a browser does."""
    who = f"Authorization: Bearer {token}" if token else f"Cookie: {cookie}"
    more = "Accept-Encoding: gzip\r\n" if cookie else ""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{who}\r\n{more}\r\n".encode()
