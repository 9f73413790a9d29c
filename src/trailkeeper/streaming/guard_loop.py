"""An event loop that connects only where a Guard permits, and a thread for it.

For libraries that speak asyncio and bring their own connections: whatever address they come to, by
name, by number or because a server told them of others, it is checked at the moment of connecting.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import weakref
from collections.abc import Coroutine
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, TypeVar

from trailkeeper.streaming.guard import Guard, Refused

T = TypeVar("T")

CLOSE_S = 5.0


class GuardLoop(asyncio.SelectorEventLoop):
    """Its sockets go to permitted addresses only; connecting elsewhere raises Refused."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self.refusal = ""
        self._made: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()
        super().__init__()

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> Any:
        try:
            found = await super().getaddrinfo(host, port, **options)
        except UnicodeError:
            raise OSError(f"{host[:100]!r} is no name that a host may have") from None
        for entry in found:
            self._check(str(host), str(entry[4][0]))
        return found

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        # Not every way here leads through getaddrinfo: an address in numbers does not.
        if sock.family not in (socket.AF_INET, socket.AF_INET6):
            raise Refused("streams connect by TCP only")
        self._check(str(address[0]), str(address[0]))
        await super().sock_connect(sock, address)

    async def create_connection(self, *what: Any, **options: Any) -> Any:
        made = await super().create_connection(*what, **options)
        self._made.add(made[0])
        return made

    def abort_connections(self) -> None:
        """Break off what is still open: what a library has lost, such as a connection that stands
        at the moment when it stops waiting for it, and what is closed politely, which with TLS
        lasts until the other side agrees."""
        for transport in list(self._made):
            transport.abort()

    def _check(self, host: str, address: str) -> None:
        try:
            self._guard.check(host, address)
        except Refused as error:
            self.refusal = str(error)
            raise


class LoopThread:
    """Runs a GuardLoop in a thread until `close`; its connections live on between calls."""

    def __init__(self, guard: Guard, name: str) -> None:
        self._loop = GuardLoop(guard)
        # What a library would log of its tasks may hold what it sent.
        self._loop.set_exception_handler(lambda _loop, _context: None)
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    @property
    def refusal(self) -> str:
        """Why the last address was refused; libraries keep that to themselves."""
        return self._loop.refusal

    def run(self, work: Coroutine[Any, Any, T], timeout_s: float) -> T:
        """The result of `work`. Raises what it raises, and TimeoutError; then it is cancelled."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout_s)
        except FutureTimeoutError:
            future.cancel()
            raise

    def close(self) -> None:
        """End everything in it, whatever it waits for."""
        self._loop.call_soon_threadsafe(self._end)
        self._thread.join(CLOSE_S)
        if not self._thread.is_alive():
            self._loop.close()

    def _end(self) -> None:
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        waiting = asyncio.gather(*tasks, return_exceptions=True)
        if tasks:
            waiting.add_done_callback(lambda _done: self._stop())
        else:
            self._stop()

    def _stop(self) -> None:
        self._loop.abort_connections()
        # Only after what that has to do: a transport is closed in the next round.
        self._loop.call_soon(self._loop.stop)
