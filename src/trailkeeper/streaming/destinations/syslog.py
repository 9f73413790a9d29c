"""Syslog servers: RFC 5424 messages over TLS (RFC 5425), or over TCP without TLS where that is
asked for (RFC 6587), both with octet counting.

The message is the body on one line, in UTF-8 without a byte order mark, which parsers of JSON and
CEF do not expect. Control characters in it, and those that turn the direction of text, are written
as `\\uXXXX`, so that neither a frame nor a terminal breaks. Structured data have `seq`, `id` and
`workspace`; the enterprise number in their name is the one that RFC 5612 keeps for those without.

Syslog has no answers. So each parcel has a connection of its own, which we end first: that the
server then ends it, too, and does not break it, says that it has read all of it. Where `confirm` is
off the connection stays, and a parcel counts as taken when the server's system has it (on Linux; a
server that dies with what it has not read loses that). What a server loses after that nobody tells:
give it a queue on disk. RFC 5425 has servers take 2,048 bytes and advises 8,192; longer messages
need a setting there, such as rsyslog's maxMessageSize.
"""

from __future__ import annotations

import contextlib
import fcntl
import socket
import ssl
import struct
import sys
import termios
import time
from typing import Annotated, Literal

from msgspec import Struct

from trailkeeper.activity import now_us, rfc3339
from trailkeeper.errors import FieldError, InvalidInput
from trailkeeper.followers.follower import DeliveryFailed
from trailkeeper.streaming.destination import Answer, Kind, Message, Opening, Parcel, shortened
from trailkeeper.streaming.field import setting
from trailkeeper.streaming.messages import as_visible, is_json
from trailkeeper.streaming.plain import visible
from trailkeeper.streaming.tls import client_context

CONNECT_S = 10.0
SEND_S = 60.0
"""A parcel must be taken within so many seconds."""

CONFIRM_S = 10.0
"""So long we wait for the server to end a connection that we have ended."""

SD_ID = "trailkeeper@32473"
INFORMATIONAL = 6
FACILITIES = {
    "audit": 13,
    "auth": 4,
    "authpriv": 10,
    "user": 1,
    **{f"local{n}": 16 + n for n in range(8)},
}

Facility = Literal[
    "audit", "auth", "authpriv", "user", "local0", "local1", "local2", "local3",
    "local4", "local5", "local6", "local7",
]  # fmt: skip


class SyslogSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    host: Annotated[str, setting("Server", help="Its name or address.", max_length=255)]
    port: Annotated[int, setting("Port", "number", ge=1, le=65_535)] = 6514
    without_tls: Annotated[
        bool,
        setting(
            "Without TLS",
            "switch",
            "Over plain TCP: everybody on the way can read and change what is sent.",
        ),
    ] = False
    confirm: Annotated[
        bool,
        setting(
            "Let the server confirm",
            "switch",
            "By ending the connection after each batch; otherwise what a server has not read when"
            " it fails is lost. Turn it off for one that does not end connections.",
        ),
    ] = True
    facility: Annotated[
        Facility, setting("Facility", help="audit is 13, the log audit of RFC 5424.")
    ] = "audit"
    hostname: Annotated[
        str,
        setting("Sender's host name", help="As servers sort by it.", pattern=r"^[!-~]{1,255}$"),
    ] = "trailkeeper"
    ca_certificate: Annotated[
        str,
        setting("Certificate authority", "lines", "PEM, if the server's certificate has its own."),
    ] = ""
    client_certificate: Annotated[
        str, setting("Client certificate", "lines", "PEM, for servers that ask for one.")
    ] = ""
    client_key: Annotated[str, setting("Client key", "secret", "PEM.")] = ""


class SyslogDestination:
    """One connection, which is made again after any failure: what was not confirmed is sent again
    as a whole, and never the rest of a message on a new connection."""

    def __init__(self, settings: SyslogSettings, opening: Opening) -> None:
        if " " in settings.host:
            detail = "must be one name or address"
            raise InvalidInput(f"The server {detail}", FieldError(detail, "/host"))
        self._settings = settings
        self._guard = opening.guard
        self._workspace = opening.workspace
        self._priority = FACILITIES[settings.facility] * 8 + INFORMATIONAL
        self._tls = (
            None
            if settings.without_tls
            else client_context(
                ca_certificate=settings.ca_certificate,
                client_certificate=settings.client_certificate,
                client_key=settings.client_key,
            )
        )
        self._line: socket.socket | None = None

    def deliver(self, parcel: Parcel) -> None:
        json = is_json(parcel)
        frames = b"".join(
            self._frame(message, parcel.log, as_visible(message.body, json=json))
            for message in parcel.messages
        )
        self._send(frames)

    def test(self) -> Answer:
        message = Message(0, "test", now_us(), "", b"")
        try:
            self._send(self._frame(message, "test", "Trailkeeper can reach this server"))
        except DeliveryFailed as error:
            return Answer(False, error.why)
        how = "plain TCP" if self._tls is None else "TLS"
        said = "confirmed that it has read" if self._settings.confirm else "received"
        return Answer(True, f"The server has {said} a message, by {how}; it says no more in syslog")

    def close(self) -> None:
        if self._line is not None:
            with contextlib.suppress(OSError, ValueError):
                if isinstance(self._line, ssl.SSLSocket):
                    self._line.settimeout(1.0)
                    self._line.unwrap()
            self._line.close()
            self._line = None

    def _frame(self, message: Message, log: str, text: str) -> bytes:
        data = " ".join(
            f'{name}="{_parameter(value)}"'
            for name, value in (
                ("seq", str(message.seq)),
                ("id", message.id),
                ("workspace", self._workspace),
            )
        )
        sender = f"{self._settings.hostname} trailkeeper"
        line = (
            f"<{self._priority}>1 {rfc3339(message.at)} {sender} - {log} [{SD_ID} {data}] {text}"
        ).encode()
        return b"%d %b" % (len(line), line)

    def _send(self, frames: bytes) -> None:
        end = time.monotonic() + SEND_S
        try:
            line = self._line = self._line or self._connected()
            _require_open(line)
            rest = memoryview(frames)
            while rest:
                line.settimeout(_left(end))
                rest = rest[line.send(rest) :]
            if self._settings.confirm:
                _end(line)
                self._drop()
            else:
                _wait_until_received(line, end)
                _require_open(line)
        except (OSError, ssl.SSLError) as error:
            self._drop()
            raise DeliveryFailed(shortened(f"{type(error).__name__}: {error}")) from None

    def _connected(self) -> socket.socket:
        line = self._guard.connect(self._settings.host, self._settings.port, CONNECT_S)
        line.settimeout(CONNECT_S)
        if self._tls is None:
            return line
        try:
            return self._tls.wrap_socket(line, server_hostname=self._settings.host)
        except BaseException:
            line.close()
            raise

    def _drop(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


def _parameter(value: str) -> str:
    """A value of structured data (RFC 5424, 6.3.3)."""
    plain = visible(value)
    return plain.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("the server took too long to take what was sent")
    return left


def _require_open(line: socket.socket) -> None:
    """Raises ConnectionError if the other side has closed it. What it sends is read away: some
    parts of TLS come from the server, and nothing else does."""
    line.settimeout(0)
    try:
        while True:
            if not line.recv(4_096):
                raise ConnectionResetError("the server has closed the connection")
    except (BlockingIOError, ssl.SSLWantReadError):
        return


def _end(line: socket.socket) -> None:
    """End the connection, and return when the server has done so, too: it has read everything.
    A server that closes with something unread breaks the connection instead (ECONNRESET)."""
    line.settimeout(CONFIRM_S)
    try:
        if isinstance(line, ssl.SSLSocket):
            # Some close without a word of TLS, which is as good here.
            with contextlib.suppress(ssl.SSLEOFError, ssl.SSLZeroReturnError):
                line.unwrap()
        line.shutdown(socket.SHUT_WR)
        while line.recv(4_096):
            pass
    except TimeoutError:
        raise TimeoutError(
            f"the server did not end the connection within {CONFIRM_S:.0f} s and so did not confirm"
            " what was sent; if it never does, turn off Let the server confirm"
        ) from None


def _wait_until_received(line: socket.socket, end: float) -> None:
    """Returns when the other side's system has every byte that was sent."""
    if sys.platform != "linux":
        return
    pause = 0.0005
    while struct.unpack("i", fcntl.ioctl(line, termios.TIOCOUTQ, b"\0\0\0\0"))[0]:
        time.sleep(min(pause, _left(end)))
        pause = min(pause * 2, 0.1)


KIND = Kind(
    name="syslog",
    label="Syslog",
    settings=SyslogSettings,
    open=SyslogDestination,
    where=lambda settings: f"{settings.get('host', '')}:{settings.get('port', 6514)}",
    linger_s=0.5,
    parcel_bytes=1_000_000,
    message_bytes=256 * 1024,
)
