"""Mails by a real mail server, and into the folder without one."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
import time_machine
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from tests.account.world import open_world
from tests.conftest import Site, free_port, make_site, wait_for

from trailkeeper.activity import now_us
from trailkeeper.installation import Installation, create, opened
from trailkeeper.mail import Mailer, SmtpServer


class Inbox:
    """Takes mails in; `failing` ones first."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.failing = 0

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.failing:
            self.failing -= 1
            return "451 try again"
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        return "250 OK"


@pytest.fixture
def server() -> Iterator[tuple[Inbox, int]]:
    inbox, port = Inbox(), free_port()
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield inbox, port
    controller.stop()


def test_an_invitation_is_handed_to_the_mail_server(
    tmp_path: Path, server: tuple[Inbox, int]
) -> None:
    inbox, port = server
    site = make_site(tmp_path / "data")
    site.environment = {
        "TRAILKEEPER_SMTP_HOST": "127.0.0.1",
        "TRAILKEEPER_SMTP_PORT": str(port),
        "TRAILKEEPER_SMTP_SECURITY": "none",
        "TRAILKEEPER_MAIL_FROM": "Trailkeeper <audit@example.com>",
        "TRAILKEEPER_PUBLIC_URL": "https://audit.example.com/",
    }
    site.start()
    world = open_world(site)
    try:
        world.owner.post("/team/invite", email="vera@example.com", role="Analyst")
        wait_for(lambda: inbox.mails)
        (mail,) = inbox.mails
        assert mail["To"] == "vera@example.com"
        assert mail["From"] == "Trailkeeper <audit@example.com>"
        assert "https://audit.example.com/invite/" in mail.get_content()
        assert not (site.data / "mail").exists()
    finally:
        world.close()
        site.stop()


def test_a_mail_is_tried_again_and_what_waits_is_sent_at_the_end(
    tmp_path: Path, server: tuple[Inbox, int]
) -> None:
    inbox, port = server
    inbox.failing = 2
    address = SmtpServer(host="127.0.0.1", port=port, security="none")
    mailer = Mailer("x@example.com", tmp_path, address)
    mailer.send("a@example.com", "First", "text")
    mailer.send("a@example.com", "Second", "text")
    mailer.close()
    assert [mail["Subject"] for mail in inbox.mails] == ["First", "Second"]


def test_a_server_that_is_not_there_keeps_nobody_waiting(tmp_path: Path) -> None:
    address = SmtpServer(host="127.0.0.1", port=free_port(), security="none")
    mailer = Mailer("x@example.com", tmp_path, address)
    mailer.send("a@example.com", "First", "text")
    mailer.close()


@pytest.mark.parametrize("bad", ["a@example.com\r\nBcc: b@example.com", "a\nb@example.com"])
def test_a_line_end_in_an_address_is_refused(tmp_path: Path, bad: str) -> None:
    with pytest.raises(ValueError, match=r"newline|linefeed|CR or LF"):
        Mailer("x@example.com", tmp_path).send(bad, "Subject", "text")


@pytest.fixture
def installation(tmp_path: Path, server: tuple[Inbox, int]) -> Iterator[Installation]:
    data = tmp_path / "data"
    create(data)
    (data / "trailkeeper.toml").write_text(
        f'smtp_host = "127.0.0.1"\nsmtp_port = {server[1]}\nsmtp_security = "none"\n'
    )
    with opened(data) as here:
        here.workspaces.create("Acme", "ada@example.com", "Ada", "correct horse battery staple")
        yield here


def test_failures_are_told_once_an_hour_and_subject_when_throttled(
    installation: Installation, server: tuple[Inbox, int]
) -> None:
    inbox, _ = server
    by = installation.workspaces.by_operator("Acme")
    notify = installation.notifications.notify
    assert notify(by.workspace, "Job failed", "x") == 0  # nobody is to be told
    installation.notifications.set_emails(by, ["ops@example.com", "it@example.com"])
    start = now_us() / 1e6 + 3_700
    with time_machine.travel(start, tick=False):
        assert notify(by.workspace, "Job failed", "The recipe stopped.\n") == 2
        assert notify(by.workspace, "Job failed", "again") == 0
        assert notify(by.workspace, "Stream failed\r\nBcc: x@example.com", "other") == 2
    with time_machine.travel(start + 3_599, tick=False):
        assert notify(by.workspace, "Job failed", "again") == 0
    with time_machine.travel(start + 3_601, tick=False):
        assert notify(by.workspace, "Job failed", "an hour later") == 2
    installation.notifications.set_throttling(by, False)
    assert notify(by.workspace, "Job failed", "at once") == 2
    wait_for(lambda: len(inbox.mails) == 8)
    subjects = [mail["Subject"] for mail in inbox.mails]
    assert subjects.count("[Acme] Job failed") == 6
    assert subjects.count("[Acme] Stream failed Bcc: x@example.com") == 2
    assert all(mail["Bcc"] is None for mail in inbox.mails)


def test_the_page_sends_a_test(site: Site) -> None:
    world = open_world(site)
    try:
        assert world.owner.post("/settings/jobs/test").status_code == 409
        world.owner.post("/settings/jobs/emails", emails="ops@example.com")
        assert world.owner.post("/settings/jobs/test").status_code == 303
        assert world.mails("ops@example.com")[0].subject == "[Acme] Test notification"
        assert world.owner.post("/settings/jobs/test").status_code == 409
    finally:
        world.close()
