"""uvicorn's HTTP protocol with one write per answer.

uvicorn writes an answer's head and body one after the other, which costs two system calls and
wakes the client twice. Here what is written in one turn of the event loop goes out at its end.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

AT_ONCE = 64 * 1024
"""From here on a write goes out at once, so that large answers keep their flow control."""


class OneWriteProtocol(HttpToolsProtocol):
    """For uvicorn's `http` setting."""

    def connection_made(self, transport: Any) -> None:
        gathering: Any = _Gathering(transport, self.loop)
        super().connection_made(gathering)


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
