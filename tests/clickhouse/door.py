"""ClickHouse's HTTP interface in front of chdb, as much of it as the client uses: a server is not
at hand, and what goes over HTTP is not what goes to an engine in the process."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import chdb
import lz4.frame
import zstandard

UNPACK = {
    "lz4": lz4.frame.decompress,
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
}
NO_SETTINGS = {"query", "database", "session_id", "query_id", "compress", "decompress"}
OF_HTTP = {
    "client_protocol_version", "enable_http_compression", "send_progress_in_http_headers",
    "http_headers_progress_interval_ms", "wait_end_of_query", "buffer_size",
}  # fmt: skip


class Door(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[str] = []
        """The queries, and after each what it was given in its URL."""
        self.engine = chdb.connect(":memory:")
        self.lock = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Door

    def log_message(self, *_: Any) -> None:
        """Not on the tests' output."""

    def do_GET(self) -> None:  # its name in http.server
        self._answer(b"Ok.\n")

    def do_POST(self) -> None:
        given = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        body = self._body()
        body = UNPACK.get(self.headers.get("Content-Encoding", ""), bytes)(body)
        if "multipart" in self.headers.get("Content-Type", ""):
            head = b"Content-Type: " + self.headers["Content-Type"].encode() + b"\r\n\r\n"
            for part in message_from_bytes(head + body).get_payload():  # type: ignore[union-attr]
                name = part.get_param("name", header="content-disposition")  # type: ignore[union-attr]
                given[name] = part.get_payload(decode=True).decode()  # type: ignore[union-attr,index]
            body = b""
        # What is inserted follows its query in the body.
        start, form, data = body.partition(b"FORMAT Native\n")
        if not start.startswith(b"INSERT"):
            start, form, data = body, b"", b""
        query = given.get("query") or (start + form).decode()
        self.server.seen.append(f"{query.strip()}\n{urlsplit(self.path).query}")
        try:
            self._answer(self._run(query, given, data))
        except RuntimeError as error:
            self._answer(str(error).encode(), 500)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _run(self, query: str, given: dict[str, str], data: bytes) -> bytes:
        values = {n[6:]: v for n, v in given.items() if n.startswith("param_")}
        settings = {
            n: v for n, v in given.items() if n not in NO_SETTINGS | OF_HTTP and n[:6] != "param_"
        }
        with self.server.lock, tempfile.NamedTemporaryFile() as file:
            if database := given.get("database"):
                self.server.engine.query(f"USE `{database}`")
            for name, value in settings.items():
                self.server.engine.query(f"SET {name} = '{value}'")
            if data:
                file.write(data)
                file.flush()
                query = query.replace("FORMAT Native", f"FROM INFILE '{file.name}' FORMAT Native")
            form = "Native" if query.rstrip().endswith("FORMAT Native") else "TabSeparated"
            return self.server.engine.query(query, form, params=values).bytes()

    def _answer(self, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-ClickHouse-Timezone", "UTC")
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def a_door() -> Iterator[Door]:
    door = Door()
    thread = threading.Thread(target=door.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield door
    finally:
        door.shutdown()
        door.server_close()
        thread.join()
        door.engine.close()
