"""Lets a library that resolves names itself connect only where a Guard permits.

A proxy on the loopback interface, inside this process: the library is told to use it, and it
resolves, checks and connects by the Guard. https comes as CONNECT (RFC 9110, section 9.3.6) and
stays closed to the proxy; http comes in absolute form (RFC 9112, section 3.2.2), one request a
connection. Nobody gets through without a Pass, whose secret is made for each opened destination
and is good for that destination's server only.
"""

from __future__ import annotations

import base64
import contextlib
import hmac
import secrets
import socket
import socketserver
import threading
from urllib.parse import urlsplit

from trailkeeper.streaming.guard import Guard

HEAD_MAX = 64 * 1024
HEAD_S = 10.0
"""A client must have said where it wants to go within this time."""

CONNECT_S = 10.0
IDLE_S = 120.0
"""A connection on which nothing moves for so long is ended."""

CHUNK = 256 * 1024
PORTS = {"https": 443, "http": 80}


class Pass:
    """A right to reach one server through the proxy, until it is closed. `url` holds the secret;
    `trouble` says why the last connection was not made, in words for people."""

    def __init__(self, proxy: GuardProxy, guard: Guard, server: str) -> None:
        parts = urlsplit(server)
        self.guard = guard
        self.host = (parts.hostname or "").lower()
        self.port = parts.port or PORTS[parts.scheme]
        self.id = secrets.token_hex(8)
        self.trouble = ""
        self._proxy = proxy
        secret = secrets.token_urlsafe(32)
        self.header = b"Basic " + base64.b64encode(f"{self.id}:{secret}".encode())
        self.url = f"http://{self.id}:{secret}@127.0.0.1:{proxy.port}"

    def connect(self, host: str, port: int) -> socket.socket:
        """Raises OSError, also for any server but the one that it is good for."""
        try:
            if (host.lower(), port) != (self.host, self.port):
                raise ConnectionRefusedError(f"{host}:{port} is not the destination's server")
            made = self.guard.connect(host, port, CONNECT_S)
        except (OSError, UnicodeError) as error:
            self.trouble = f"{host}:{port} cannot be reached: {error}"
            raise OSError(self.trouble) from error
        self.trouble = ""
        return made

    def close(self) -> None:
        self._proxy.passes.pop(self.id, None)


class GuardProxy:
    """Listens on a free port of 127.0.0.1 until the process ends."""

    def __init__(self) -> None:
        self.passes: dict[str, Pass] = {}
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                # A client or server that goes away in the middle is none of our business.
                with contextlib.suppress(OSError):
                    outer.serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 128

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, name="guard proxy", daemon=True).start()

    def serve(self, client: socket.socket) -> None:
        """One connection, from its first byte to its end."""
        client.settimeout(HEAD_S)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head, rest = _read_head(client)
        line, *fields = head.split(b"\r\n")
        words = line.decode("latin-1").split(" ")
        allowed = self._pass_of(fields)
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            return client.sendall(_answer("400 Bad Request", "this is no request"))
        if allowed is None:
            return client.sendall(_answer("407 Proxy Authentication Required", "not for you"))
        method, target, _version = words
        try:
            host, port, path = _where(method, target)
            server = allowed.connect(host, port)
        except (OSError, ValueError) as error:
            return client.sendall(_answer("502 Bad Gateway", str(error)))
        with server:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.settimeout(IDLE_S)
            server.settimeout(IDLE_S)
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                server.sendall(rest)
                _relay(client, server)
            else:
                server.sendall(_head(f"{method} {path} HTTP/1.1".encode("latin-1"), fields) + rest)
                _relay(client, server, in_the_open=True)
        return None

    def _pass_of(self, fields: list[bytes]) -> Pass | None:
        for field in fields:
            name, _, value = field.partition(b":")
            if name.strip().lower() == b"proxy-authorization":
                try:
                    id = base64.b64decode(value.strip()[6:]).decode().partition(":")[0]
                except ValueError:
                    return None
                known = self.passes.get(id)
                if known is not None and hmac.compare_digest(known.header, value.strip()):
                    return known
        return None


_lock = threading.Lock()
_proxies: list[GuardProxy] = []


def admit(guard: Guard, server: str) -> Pass:
    """A pass for the server of this URL, through the process's one proxy, which is started when it
    is first needed."""
    with _lock:
        if not _proxies:
            _proxies.append(GuardProxy())
        proxy = _proxies[0]
    made = Pass(proxy, guard, server)
    proxy.passes[made.id] = made
    return made


def _where(method: str, target: str) -> tuple[str, int, str]:
    """Host, port and path that a request asks for. Raises ValueError."""
    parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
    if not parts.hostname or (method != "CONNECT" and parts.scheme != "http"):
        raise ValueError("only CONNECT, and http in absolute form")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.hostname, parts.port or PORTS["http"], path


def _read_head(source: socket.socket, read: bytes = b"") -> tuple[bytes, bytes]:
    """A message's first line and header fields, and what was read beyond them; `read` was read
    already. Raises OSError."""
    while b"\r\n\r\n" not in read:
        more = source.recv(CHUNK)
        if not more or len(read) > HEAD_MAX:
            raise ConnectionAbortedError("no whole head")
        read += more
    head, _, rest = read.partition(b"\r\n\r\n")
    return head, rest


def _head(line: bytes, fields: list[bytes]) -> bytes:
    """A head that ends its connection after this message, without what is between client and
    proxy only."""
    hidden = (b"connection", b"keep-alive", b"proxy-")
    kept = [one for one in fields if not one.lower().startswith(hidden)]
    return b"\r\n".join((line, *kept, b"Connection: close", b"", b""))


def _answer(status: str, text: str) -> bytes:
    body = text.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def _relay(client: socket.socket, server: socket.socket, *, in_the_open: bool = False) -> None:
    """Both directions, until the server ends or one of them fails."""
    up = threading.Thread(target=_pump, args=(client, server), daemon=True)
    up.start()
    try:
        if in_the_open:
            _pass_heads(server, client)
        _pump(server, client)
    finally:
        for one in (client, server):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        up.join()


def _pass_heads(server: socket.socket, client: socket.socket) -> None:
    """The answer's head, said to be the connection's last, and interim ones (1xx) before it."""
    rest = b""
    while True:
        head, rest = _read_head(server, rest)
        line, *fields = head.split(b"\r\n")
        if line.partition(b" ")[2].startswith(b"1"):
            client.sendall(head + b"\r\n\r\n")
            continue
        client.sendall(_head(line, fields) + rest)
        return


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        try:
            while data := source.recv(CHUNK):
                sink.sendall(data)
        finally:
            sink.shutdown(socket.SHUT_WR)
