"""Single posts at a fixed rate, each at its time whatever became of those before.

A latency is counted from the time at which its post was due: a server that stands still for a
moment shows in all that were due meanwhile.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections import deque
from itertools import repeat

import uvloop
from tests.bench import load

CONNECTIONS = 32
PATH = "/api/v1/activities"


class _Line(load.Client):
    """A connection that waits for what it is given."""

    def __init__(self, steady: _Steady, result: load.Result) -> None:
        super().__init__(iter(()), result)
        self._steady = steady

    def post(self, request: bytes, due: float) -> None:
        self._busy = True
        self._start = due
        self._transport.write(request)

    def send(self) -> None:
        """An answer is complete."""
        self._busy = False
        self._steady.is_free(self)

    def close(self) -> None:
        self._transport.close()


class _Steady:
    def __init__(self, token: str, bodies: list[bytes], rate: float, seconds: float) -> None:
        self._token = token
        self._bodies = bodies
        self._rate = rate
        self._count = int(rate * seconds)
        self._waiting: deque[tuple[bytes, float]] = deque()
        self._free: deque[_Line] = deque()
        # In turn, so that the server does not close one that was idle for long.
        self._stopped = False
        self.result = load.Result()

    def stop(self) -> None:
        """Send no more; `run` returns when all are answered."""
        self._stopped = True

    async def run(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        lines = [
            (await loop.create_connection(lambda: _Line(self, self.result), "127.0.0.1", port))[1]
            for _ in range(CONNECTIONS)
        ]
        self._free = deque(lines)
        start = time.perf_counter()
        async with asyncio.timeout(load.LIMIT_S):
            for number in range(self._count):
                due = start + number / self._rate
                if (ahead := due - time.perf_counter()) > 0:
                    await asyncio.sleep(ahead)
                if self._stopped:
                    break
                self._give(self._request(number), due)
            while len(self._free) < CONNECTIONS:
                await asyncio.sleep(0.005)
        self.result.seconds = time.perf_counter() - start
        for line in lines:
            line.close()
        await asyncio.gather(*(line.done for line in lines))

    def is_free(self, line: _Line) -> None:
        if self._waiting:
            line.post(*self._waiting.popleft())
        else:
            self._free.append(line)

    def _give(self, request: bytes, due: float) -> None:
        if self._free:
            self._free.popleft().post(request, due)
        else:
            self._waiting.append((request, due))

    def _request(self, number: int) -> bytes:
        """With the time in it, for whom it is delivered to."""
        body = self._bodies[number % len(self._bodies)]
        stamp = b'{"sent_us":%d,' % (time.time_ns() // 1_000)
        return load.post(PATH, self._token, body.replace(b'"details":{', b'"details":' + stamp, 1))


def run(port: int, token: str, bodies: list[bytes], rate: float, seconds: float) -> load.Result:
    """Raises RuntimeError when not all were recorded, and TimeoutError."""
    steady = _Steady(token, bodies, rate, seconds)
    gc.collect()
    gc.disable()
    try:
        uvloop.run(steady.run(port))
    finally:
        gc.enable()
    return steady.result.expect(201)


def beside(
    port: int, token: str, bodies: list[bytes], rate: float, reads: list[bytes], seconds: float
) -> tuple[load.Result, list[load.Result]]:
    """Ask each of these one after the other for so long, on one connection, while posts go on at a
    rate: what became of the posts, and of each read.

    Raises RuntimeError when not all posts were recorded, and TimeoutError.
    """
    posts = _Steady(token, bodies, rate, load.LIMIT_S)
    results: list[load.Result] = []

    async def go() -> None:
        loop = asyncio.get_running_loop()
        posting = asyncio.create_task(posts.run(port))
        for read in reads:
            result = load.Result()
            results.append(result)
            asked = load.until(seconds, repeat(read))
            _, client = await loop.create_connection(
                lambda asked=asked, result=result: load.Client(asked, result), "127.0.0.1", port
            )
            client.send()
            await client.done
        posts.stop()
        await posting

    gc.collect()
    gc.disable()
    try:
        uvloop.run(go())
    finally:
        gc.enable()
    return posts.result.expect(201), results
