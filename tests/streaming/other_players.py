"""Receivers that do not speak HTTP, for the same contract (players.py): a syslog server, a real
nats-server with JetStream, librdkafka's own mock cluster of Kafka, and a folder."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nats
import pytest
from tests.conftest import wait_for
from tests.streaming.certificates import Authority
from tests.streaming.kafka_cluster import KafkaCluster
from tests.streaming.meddler import Meddler
from tests.streaming.players import SECRET
from tests.streaming.receiver import Fate

from trailkeeper.streaming.destinations import file as file_destination


class SyslogServer:
    """Takes frames with octet counting, over TLS; keeps them, and the connections' bytes. A frame
    that is not whole when its connection ends is none."""

    kind = "syslog"
    keeps_one = False
    tls = True

    def __init__(self, folder: Path) -> None:
        self.frames: list[bytes] = []
        self.attempts: list[bytes] = []
        authority = Authority()
        self.certificate = authority.certificate
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*authority.files(folder, "syslog"))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._meddler = Meddler(self.port, self._is_delivery)
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def settings(self) -> dict[str, str]:
        how = {"ca_certificate": self.certificate} if self.tls else {"without_tls": "true"}
        return {"host": "127.0.0.1", "port": str(self._meddler.port), **how}

    @property
    def took(self) -> list[bytes]:
        return [parsed(frame)[1] for frame in self.frames]

    def meet(self, fate: Fate) -> None:
        self._meddler.fates.append(fate)

    def close(self) -> None:
        self._meddler.close()
        self._listener.close()

    def _is_delivery(self, data: bytes) -> bool:
        # Of TLS only the size tells; a handshake's parts are smaller.
        return len(data) > 3_000

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        whole = bytearray()
        with contextlib.suppress(OSError, ValueError):  # or what is no frame
            if self.tls:
                line = self._context.wrap_socket(line, server_side=True)
            self._read(line, whole)
        self.attempts.append(bytes(whole))
        line.close()

    def _read(self, line: socket.socket, whole: bytearray) -> None:
        at = 0
        while data := line.recv(65_536):
            whole += data
            while (frame := framed(whole, at)) is not None:
                self.frames.append(frame[0])
                at = frame[1]


class PlainSyslogServer(SyslogServer):
    tls = False


SYSLOG = re.compile(
    rb"<110>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z trailkeeper trailkeeper - [a-z]+ "
    rb'\[trailkeeper@32473((?: [a-z]+="(?:[^"\\\]]|\\["\\\]])*")*)\] ([^\x00-\x1f\x7f]*)'
)
_PARAMETER = re.compile(rb' ([a-z]+)="((?:[^"\\\]]|\\.)*)"')


def parsed(frame: bytes) -> tuple[dict[str, str], bytes]:
    """The structured data and the message of a frame, by RFC 5424."""
    found = SYSLOG.fullmatch(frame)
    assert found, frame
    data = {
        name.decode(): re.sub(rb'\\(["\\\]])', rb"\1", value).decode()
        for name, value in _PARAMETER.findall(found[1])
    }
    return data, found[2]


def framed(whole: bytearray, at: int) -> tuple[bytes, int] | None:
    """The frame at a place (RFC 5425, 4.3), and where it ends; None if it is not there yet."""
    blank = whole.find(b" ", at)
    if blank < 0:
        return None
    start, length = blank + 1, int(whole[at:blank])
    end = start + length
    return (bytes(whole[start:end]), end) if len(whole) >= end else None


class NatsServer:
    """A real server with a stream for audit.>"""

    kind = "nats"
    keeps_one = True

    def __init__(self, folder: Path, *, tls: bool = False, more: str = "") -> None:
        self._folder = folder
        self._tls = f"{more}\n"
        self._context: ssl.SSLContext | None = None
        self._more: dict[str, str] = {"without_tls": "true"}
        if tls:
            authority = Authority()
            certificate, key = authority.files(folder, "nats")
            self._tls += f'tls {{ cert_file: "{certificate}", key_file: "{key}" }}\n'
            self._context = ssl.create_default_context(cadata=authority.certificate)
            self._more = {"ca_certificate": authority.certificate}
        ports = folder / "ports"
        ports.mkdir()
        self._configure()
        self._process = subprocess.Popen(
            [Path(sys.executable).with_name("nats-server"), "-c", folder / "nats.conf"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        found = wait_for(lambda: list(ports.glob("*.ports")))
        text = wait_for(found[0].read_text)
        self.port = int(text.partition("://127.0.0.1:")[2].partition('"')[0])
        self._meddler = Meddler(self.port, lambda data: b"HPUB audit." in data)
        self._ask(lambda js: js.add_stream(name="AUDIT", subjects=["audit.>"]))

    def limit(self, bytes: int) -> None:
        """The stream takes no larger messages."""
        self._ask(
            lambda js: js.update_stream(name="AUDIT", subjects=["audit.>"], max_msg_size=bytes)
        )

    def _configure(self) -> None:
        (self._folder / "nats.conf").write_text(
            f'listen: "127.0.0.1:-1"\nports_file_dir: "{self._folder / "ports"}"\n'
            f'jetstream {{ store_dir: "{self._folder}" }}\n{self._tls}'
            f'authorization {{ user: audit, password: "{SECRET}" }}\n'
        )

    @property
    def settings(self) -> dict[str, str]:
        return {
            "servers": f"127.0.0.1:{self._meddler.port}",
            "subject": "audit.acme",
            "stream": "AUDIT",
            "user": "audit",
            "password": SECRET,
            **self._more,
        }

    @property
    def sent(self) -> list[bytes]:
        """What clients sent, one item a connection."""
        return [bytes(one) for one in self._meddler.sent]

    @property
    def took(self) -> list[bytes]:
        async def read(js: Any) -> list[bytes]:
            count = (await js.stream_info("AUDIT")).state.messages
            found = [await js.get_msg("AUDIT", seq + 1) for seq in range(count)]
            return [one.data for one in found]

        return self._ask(read)

    @property
    def attempts(self) -> list[bytes]:
        """What was published on each connection, without the inboxes of answers."""
        found = (sent.split(b"HPUB audit.")[1:] for sent in self.sent)
        return [b"".join(one.partition(b"\r\n")[2] for one in parts) for parts in found if parts]

    def meet(self, fate: Fate) -> None:
        self._meddler.fates.append(fate)

    def close(self) -> None:
        self._meddler.close()
        self._process.terminate()
        self._process.wait(10)

    def _ask(self, what: Any) -> Any:
        async def ask() -> Any:
            url = f"nats://127.0.0.1:{self.port}"
            client = await nats.connect(url, user="audit", password=SECRET, tls=self._context)
            try:
                return await what(client.jetstream())
            finally:
                await client.close()

        # In a thread of its own: a browser's tests leave a loop running in this one.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: asyncio.run(ask())).result()


class Crash(BaseException):
    """What a process does not survive."""


class Files:
    """A folder that the operator allows. It meets a crash while it is written to."""

    kind = "file"
    keeps_one = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "streams"
        self.folder.mkdir()
        self._patch = pytest.MonkeyPatch()

    @property
    def settings(self) -> dict[str, str]:
        return {"folder": str(self.folder)}

    @property
    def files(self) -> list[Path]:
        return sorted(self.folder.rglob("*.*"))

    @property
    def took(self) -> list[bytes]:
        return [line for file in self.files for line in file.read_bytes().splitlines()]

    @property
    def attempts(self) -> list[list[bytes]]:
        """The halves of what is there."""
        return [self.took[: len(self.took) // 2], self.took[len(self.took) // 2 :]]

    def meet(self, fate: Fate) -> None:
        def write(file: int, data: Any) -> int:
            done = os.write(file, data[: len(data) // 2] if fate == "cut" else data)
            self._patch.undo()
            raise Crash(f"after {done} bytes")

        self._patch.setattr(file_destination, "_write", write)

    def close(self) -> None:
        self._patch.undo()
        shutil.rmtree(self.folder)


OTHER_PLAYERS: dict[str, Any] = {
    "syslog": SyslogServer,
    "syslog without TLS": PlainSyslogServer,
    "nats": NatsServer,
    "kafka": KafkaCluster,
    "file": Files,
}
