"""What the mock cluster of Kafka lacks: TLS, and the log-in by user and password (SASL PLAIN), in
front of it. It says only as much of the protocol as a log-in needs."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from pathlib import Path

from tests.streaming.certificates import Authority

API_VERSIONS, SASL_HANDSHAKE, SASL_AUTHENTICATE = 18, 17, 36
WRONG = 58
"""SASL_AUTHENTICATION_FAILED."""


class KafkaDoor:
    """Leads to a port of this machine those who log in."""

    def __init__(self, folder: Path, port: int, user: str, password: str) -> None:
        authority = Authority()
        self.settings = {
            "without_tls": "false",
            "sasl": "PLAIN",
            "user": user,
            "password": password,
            "ca_certificate": authority.certificate,
        }
        self._to = port
        self._log_in = f"\0{user}\0{password}".encode()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*authority.files(folder, "kafka"))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.settings["servers"] = f"127.0.0.1:{self.port}"
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with (
            contextlib.suppress(OSError),
            contextlib.closing(line),
            self._context.wrap_socket(line, server_side=True) as client,
            socket.create_connection(("127.0.0.1", self._to)) as server,
        ):
            is_in = False
            while request := _frame(client):
                key, _version, number = struct.unpack(">hhi", request[:8])
                if key == SASL_HANDSHAKE:
                    answer = struct.pack(">hi", 0, 1) + _text(b"PLAIN")
                elif key == SASL_AUTHENTICATE:
                    is_in = request.endswith(self._log_in)
                    answer = struct.pack(">h", 0 if is_in else WRONG) + _text(b"no") + bytes(4)
                    answer += bytes(8)
                elif key == API_VERSIONS or is_in:
                    server.sendall(struct.pack(">i", len(request)) + request)
                    answer = _frame(server)[4:]
                    if key == API_VERSIONS:
                        answer = _with_log_in(answer)
                else:
                    return
                client.sendall(struct.pack(">ii", len(answer) + 4, number) + answer)


def _frame(line: socket.socket) -> bytes:
    head = _exactly(line, 4)
    return _exactly(line, struct.unpack(">i", head)[0]) if head else b""


def _exactly(line: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        some = line.recv(count - len(found))
        if not some:
            return b""
        found += some
    return found


def _text(value: bytes) -> bytes:
    return struct.pack(">h", len(value)) + value


def _with_log_in(answer: bytes) -> bytes:
    """The list of what a broker knows (ApiVersions, version 0), and the log-in besides."""
    error, count = struct.unpack(">hi", answer[:6])
    more = struct.pack(">hhh", SASL_HANDSHAKE, 1, 1) + struct.pack(">hhh", SASL_AUTHENTICATE, 0, 1)
    return struct.pack(">hi", error, count + 2) + answer[6:] + more
