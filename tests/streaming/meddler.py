"""A forwarder between a destination and its server that meddles with a delivery, once it sees
one: what comes before, such as a log-in, it lets through."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
from collections.abc import Callable

from tests.streaming.receiver import Fate

_AT_ONCE = struct.pack("ii", 1, 0)


class Meddler:
    """Forwards to a port of this machine. The next deliveries have the `fates` in order; `sent` has
    what the clients sent, one item a connection."""

    def __init__(self, port: int, is_delivery: Callable[[bytes], bool]) -> None:
        self.fates: list[Fate] = []
        self.sent: list[bytearray] = []
        self._to = port
        self._is_delivery = is_delivery
        self.closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        self.closing.set()
        self._listener.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with (
            contextlib.suppress(OSError, _Broken),
            client,
            socket.create_connection(("127.0.0.1", self._to)) as server,
            selectors.DefaultSelector() as both,
        ):
            call = _Call(self, client, server)
            both.register(client, selectors.EVENT_READ, server)
            both.register(server, selectors.EVENT_READ, client)
            while both.get_map() and not self.closing.is_set():
                for key, _ in both.select(0.2):
                    source: socket.socket = key.fileobj  # type: ignore[assignment]
                    data = call.passed(source, source.recv(65_536))
                    if data is None:
                        both.unregister(source)
                        key.data.shutdown(socket.SHUT_WR)
                    else:
                        key.data.sendall(data)

    def fate_of(self, data: bytes) -> Fate | None:
        """The fate of a connection, when that is a delivery."""
        return self.fates.pop(0) if self.fates and self._is_delivery(data) else None


class _Broken(Exception):
    """A connection that came to the end it was meant to have."""


class _Call:
    """One connection."""

    def __init__(self, meddler: Meddler, client: socket.socket, server: socket.socket) -> None:
        self._meddler = meddler
        self._client = client
        self._server = server
        self._fate: Fate | None = None
        self._sent = bytearray()
        meddler.sent.append(self._sent)

    def passed(self, source: socket.socket, data: bytes) -> bytes | None:
        """What goes on of what came; None at its end."""
        if source is self._server:
            if self._fate == "lose the answer":
                self._break()
        elif data:
            self._fate = self._fate or self._meddler.fate_of(data)
            if self._fate == "cut":
                self._server.sendall(data[: len(data) // 2])
                self._break()
            if self._fate == "hang":
                self._meddler.closing.wait(30)
                raise _Broken
            self._sent += data
        return data or None

    def _break(self) -> None:
        """Not a good end, but a reset."""
        for line in (self._client, self._server):
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            line.close()
        raise _Broken
