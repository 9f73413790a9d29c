"""An HTTP server that plays a destination: it keeps what it gets, and answers as it is told."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

Reply = tuple[int, dict[str, str], bytes]

Fate = Literal["cut", "lose the answer", "hang", "answer for ever", "a byte a second"]
"""What happens to a request: the connection breaks when half of it is there; it is taken, and the
connection breaks instead of the answer; nothing is answered; the answer does not end; its head does
not end, and comes slowly."""

_AT_ONCE = struct.pack("ii", 1, 0)


@dataclass
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """`reply` decides on the answer to a request; by default that is 200. `requests` are those that
    were answered so, `bodies` of all that came whole. The next requests have the `fates` in order.
    """

    requests: list[Received] = field(default_factory=list)
    reply: Callable[[Received], Reply] = lambda _request: (200, {}, b"ok")
    bodies: list[bytes] = field(default_factory=list)
    fates: list[Fate] = field(default_factory=list)

    def __post_init__(self) -> None:
        outer = self
        self._closing = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                fate = outer.fates.pop(0) if outer.fates else None
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length // 2 if fate == "cut" else length)
                if fate == "cut":
                    return self.break_off()
                headers = {name.lower(): value for name, value in self.headers.items()}
                got = Received(self.path, headers, body)
                outer.bodies.append(body)
                if fate == "hang":
                    outer._closing.wait(30)
                    return self.break_off()
                if fate == "answer for ever":
                    return self.answer_for_ever()
                if fate == "a byte a second":
                    return self.trickle()
                status, more, answer = outer.reply(got)
                if 200 <= status < 300:
                    outer.requests.append(got)
                if fate == "lose the answer":
                    return self.break_off()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(answer)), **more}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)
                return None

            def break_off(self) -> None:
                """Not a good end, but a reset."""
                self.close_connection = True
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                self.connection.close()

            def answer_for_ever(self) -> None:
                self.close_connection = True
                self.send_response(500)
                self.end_headers()
                with contextlib.suppress(OSError):
                    while not outer._closing.is_set():
                        self.wfile.write(b"x" * 65_536)

            def trickle(self) -> None:
                self.close_connection = True
                with contextlib.suppress(OSError):
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Fill: ")
                    while not outer._closing.wait(1):
                        self.wfile.write(b"x")

            do_PUT = do_POST  # noqa: N815 # the library looks for this name

            def log_message(self, *_: object) -> None:
                """Nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *_: object) -> None:
                """A client that went away is none of its business."""

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
