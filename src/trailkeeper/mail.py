"""Mail that Trailkeeper sends: by SMTP, or into a folder where none is set up.

Sending never fails for the caller: mail goes out in a thread of its own, is tried a few times, and
what cannot be sent is logged by its subject. Nothing secret but one-time links stands in a mail.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import formatdate, make_msgid
from functools import partial
from pathlib import Path

import aiosmtplib
import structlog
from msgspec import Struct

from trailkeeper.activity import now_us, uuid7

TRIES = 3
QUEUE_MAX = 1_000
TIMEOUT_S = 20

log = structlog.get_logger()


class SmtpServer(Struct, frozen=True, kw_only=True):
    """Where mail is handed in. `security` is `none`, `starttls` or `tls`."""

    host: str
    port: int
    security: str
    user: str | None = None
    password: str | None = None


class Kept(Struct, frozen=True):
    """A mail in the folder."""

    name: str
    to: str
    subject: str
    date: str
    text: str


class Mailer:
    """Sends mail from `sender`; with no `server` it is written to `folder`, a file each."""

    def __init__(self, sender: str, folder: Path, server: SmtpServer | None = None) -> None:
        self._sender = sender
        self._folder = folder
        self._server = server
        self._queue: queue.Queue[EmailMessage | None] = queue.Queue(QUEUE_MAX)
        self._thread: threading.Thread | None = None

    @property
    def keeps(self) -> bool:
        """Whether mail is written to the folder instead of being sent."""
        return self._server is None

    def send(self, to: str, subject: str, text: str) -> None:
        """Send a mail. Line ends in address or subject are refused with ValueError; everything
        else that goes wrong is logged."""
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = to
        message["Subject"] = subject
        message["Date"] = formatdate(usegmt=True)
        message["Message-ID"] = make_msgid(domain="trailkeeper.invalid")
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        if self._server is None:
            self._keep(message)
            return
        if self._thread is None:
            deliver = partial(self._loop, self._server)
            self._thread = threading.Thread(target=deliver, name="mail", daemon=True)
            self._thread.start()
        try:
            self._queue.put_nowait(message)
        except queue.Full:
            log.warning("too much mail waits; this one is not sent", subject=subject)

    def kept(self, limit: int = 50) -> list[Kept]:
        """The latest mails in the folder, newest first."""
        if not self._folder.is_dir():
            return []
        names = sorted((path.name for path in self._folder.glob("*.eml")), reverse=True)[:limit]
        return [_read(self._folder / name) for name in names]

    def close(self) -> None:
        """Send what waits, then stop."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(TIMEOUT_S)

    def _keep(self, message: EmailMessage) -> None:
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            path = self._folder / f"{uuid7(now_us())}.eml"
            # Under another name until it is whole: who looks at the folder never sees half a mail.
            part = path.with_suffix(".part")
            part.touch(mode=0o600)
            part.write_bytes(message.as_bytes())
            part.rename(path)
        except OSError as error:
            log.warning("a mail could not be written", subject=message["Subject"], error=str(error))

    def _loop(self, server: SmtpServer) -> None:
        while (message := self._queue.get()) is not None:
            for number in range(1, TRIES + 1):
                try:
                    asyncio.run(_deliver(server, message))
                    break
                except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
                    if number == TRIES:
                        subject = message["Subject"]
                        log.warning("a mail could not be sent", subject=subject, error=str(error))


async def _deliver(server: SmtpServer, message: EmailMessage) -> None:
    await aiosmtplib.send(
        message,
        hostname=server.host,
        port=server.port,
        username=server.user,
        password=server.password,
        use_tls=server.security == "tls",
        start_tls=server.security == "starttls",
        timeout=TIMEOUT_S,
    )


def _read(path: Path) -> Kept:
    message = message_from_bytes(path.read_bytes(), policy=default)
    body = message.get_body(("plain",))
    text = body.get_content() if body else ""
    return Kept(path.name, message["To"], message["Subject"], message["Date"], text)
