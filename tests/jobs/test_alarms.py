"""A job that fails sends a mail to the workspace's addresses, once an hour for each recipe."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
import pytest
from tests.conftest import Site, wait_for
from tests.jobs.support import JOBS, job, post

from trailkeeper.installation import opened
from trailkeeper.mail import Kept, Mailer

ADDRESS = "ops@example.com"


@dataclass
class Inbox:
    """The mails that a workspace gets."""

    site: Site
    http: httpx.Client

    def mails(self) -> list[Kept]:
        """The oldest first, of this workspace."""
        kept = Mailer("x@example.com", self.site.data / "mail").kept(500)
        mine = [one for one in kept if one.subject.startswith(f"[{self.site.workspace}]")]
        return mine[::-1]

    def subjects(self) -> list[str]:
        """Once the mails that are due have been sent: those for the last job too."""
        post(self.http, job("last", flow_id="last", status="failed"))
        last = f"[{self.site.workspace}] A job of recipe last failed"
        wait_for(lambda: last in [one.subject for one in self.mails()])
        start = f"[{self.site.workspace}] "
        return [one.subject.removeprefix(start) for one in self.mails() if one.subject != last]


@pytest.fixture
def inbox(team: Site, http: httpx.Client) -> Inbox:
    with opened(team.data) as installation:
        by = installation.workspaces.by_operator(team.workspace)
        installation.notifications.set_emails(by, [ADDRESS])
    return Inbox(team, http)


def test_a_failed_job_sends_a_mail_with_a_link(inbox: Inbox) -> None:
    post(inbox.http, job("a/1", flow_id=7, status="running", recipe_name="Sync orders"))
    failed = {"id": "a/1", "status": "failed", "error": "No such order\r\nBcc: x@example.com"}
    post(inbox.http, failed, 200)
    assert inbox.subjects() == ["A job of recipe Sync orders (7) failed"]
    mail = inbox.mails()[0]
    assert mail.to == ADDRESS
    for text in ("Recipe: Sync orders", "Job: New order", "No such order", "/jobs/a%2F1"):
        assert text in mail.text


def test_one_recipe_sends_one_mail_an_hour(inbox: Inbox) -> None:
    post(inbox.http, [job(n, flow_id=n % 2, status="failed") for n in range(10)], 200)
    post(inbox.http, [job(n, flow_id=n % 2, status="crashed") for n in range(10, 20)], 200)
    assert sorted(inbox.subjects()) == ["A job of recipe 0 failed", "A job of recipe 1 failed"]


def test_nothing_else_sends_a_mail(inbox: Inbox) -> None:
    post(inbox.http, job(1))
    post(inbox.http, job(2, status="canceled"))
    post(inbox.http, job(3, status="unknown"))
    post(inbox.http, job(4, status="failed", is_test=True))
    assert inbox.http.post(JOBS, json=job(1, status="failed")).status_code == 409
    assert inbox.subjects() == []


def test_a_failure_that_is_sent_again_is_no_new_one(inbox: Inbox, team: Site) -> None:
    with opened(team.data) as installation:
        by = installation.workspaces.by_operator(team.workspace)
        installation.notifications.set_throttling(by, False)
    post(inbox.http, job(1, status="failed"))
    post(inbox.http, job(1, status="failed"), 200)
    assert inbox.subjects() == ["A job of recipe 42 failed"]


def test_a_name_that_would_break_a_header_does_not(inbox: Inbox) -> None:
    name = "Evil\r\nBcc: x@example.com\x00\u202e"
    post(inbox.http, job(1, status="failed", recipe_name=name))
    assert inbox.subjects() == ["A job of recipe Evil Bcc: x@example.com (42) failed"]
