"""A forwarder between a stream and its destination that loses what it is told to lose."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable
from typing import Literal

Fate = Literal["pass", "lose the answer", "refuse"]


class Cutter:
    """Forwards connections to a port of this machine. `fate` decides on each, by its number from 0;
    `lose the answer` lets the request through and ends the connection when it is answered. `sent`
    has all that the clients sent, one item a connection."""

    def __init__(self, port: int) -> None:
        self.fate: Callable[[int], Fate] = lambda _number: "pass"
        self.sent: list[bytes] = []
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def bodies(self) -> dict[str, list[bytes]]:
        """The bodies of all PUTs, by path, in order."""
        found: dict[str, list[bytes]] = {}
        for whole in tuple(self.sent):
            head, _, body = whole.partition(b"\r\n\r\n")
            method, _, rest = head.partition(b" ")
            if method == b"PUT":
                found.setdefault(rest.partition(b" ")[0].decode(), []).append(body)
        return found

    def close(self) -> None:
        self._listener.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                number = len(self.sent)
                self.sent.append(b"")
                threading.Thread(target=self._serve, args=(client, number), daemon=True).start()

    def _serve(self, client: socket.socket, number: int) -> None:
        fate = self.fate(number)
        if fate == "refuse":
            return client.close()
        with contextlib.suppress(OSError), client, socket.socket() as server:
            server.connect(("127.0.0.1", self._to))
            with selectors.DefaultSelector() as both:
                both.register(client, selectors.EVENT_READ, server)
                both.register(server, selectors.EVENT_READ, client)
                while True:
                    for key, _ in both.select():
                        source: socket.socket = key.fileobj  # type: ignore[assignment]
                        data = source.recv(65_536)
                        if not data or (source is server and fate == "lose the answer"):
                            return None
                        if source is client:
                            self.sent[number] += data
                        key.data.sendall(data)
        return None
