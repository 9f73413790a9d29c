"""uvicorn's HTTP protocol, with less work per request where there are very many.

uvicorn writes an answer's head and body one after the other, which costs two system calls and
wakes the client twice: here what is written in one turn of the event loop goes out at its end. And
a request that the application answers directly (its `direct` method says by whom) gets no task and
no ASGI conversation; all else, the order of pipelined requests among it, stays uvicorn's.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

AT_ONCE = 64 * 1024
"""From here on a write goes out at once, so that large answers keep their flow control."""


class Direct(Protocol):
    """Takes a whole request and replies later, once, in the event loop."""

    def take(self, headers: dict[bytes, bytes], body: bytes, reply: Any) -> None: ...


class OneWriteProtocol(HttpToolsProtocol):
    """For uvicorn's `http` setting; its application is an `app.Application`."""

    _direct: Direct | None = None
    _headers: dict[bytes, bytes]

    def connection_made(self, transport: Any) -> None:
        gathering: Any = _Gathering(transport, self.loop)
        super().connection_made(gathering)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        # An application of uvicorn's own, such as its "service unavailable", has no `direct`.
        find: Any = getattr(app, "direct", None)
        self._headers = dict(cycle.scope["headers"])
        self._direct = find(cycle.scope, self._headers) if find else None
        if self._direct is None:
            super()._start_asgi_task(cycle, app)
        elif not cycle.more_body:
            self._take(cycle)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        cycle: Any = self.cycle
        if self._direct is not None and not self.pipeline and not cycle.response_complete:
            self._take(cycle)

    def _take(self, cycle: Any) -> None:
        direct, self._direct = self._direct, None
        if direct is not None:
            direct.take(self._headers, bytes(cycle.body), partial(_reply, cycle))


def _reply(cycle: Any, answer: Any) -> None:
    """Write an answer and tell uvicorn that the request is done."""
    if not cycle.disconnected:
        parts = [STATUS_LINE[answer.status]]
        for name, value in (*cycle.default_headers, *answer.headers):
            parts += (name, b": ", value, b"\r\n")
        if not cycle.keep_alive:
            parts.append(b"connection: close\r\n")
        parts += (b"\r\n", answer.body)
        cycle.transport.write(b"".join(parts))
    cycle.response_started = cycle.response_complete = True
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()


class _Gathering:
    """A transport that gathers small writes; all else is the transport's."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        if len(data) >= AT_ONCE:
            self._flush()
            self._transport.write(data)
            return
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._parts:
            parts, self._parts = self._parts, []
            self._transport.write(b"".join(parts))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
