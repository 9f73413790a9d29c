"""Who may see the audit log; a refused look at it is recorded."""

from __future__ import annotations

import contextlib

from trailkeeper.activity import ActivityInput, Actor, Context, Target
from trailkeeper.errors import Problem
from trailkeeper.identity.acting import By
from trailkeeper.identity.signed_in import SignedIn
from trailkeeper.ledger.append import Append
from trailkeeper.ledger.recorder import Recorder
from trailkeeper.ledger.writer import Writer
from trailkeeper.team.permissions import may_view_audit

FOR_WHOM = (
    "The audit log is for the workspace's owner, members with the Admin role, and roles with the"
    " privilege activity_audit.view"
)


class Access:
    """Asked by the pages and the API alike."""

    def __init__(self, writer: Writer, recorder: Recorder) -> None:
        self._writer = writer
        self._recorder = recorder

    def may_view_audit(self, session: SignedIn) -> bool:
        return may_view_audit(session)

    def record_denied(self, session: SignedIn, path: str, context: Context) -> None:
        """Record that a member asked for the log and was refused."""
        self.record_refusal(session.workspace, session.actor, path, FOR_WHOM, context)

    def record_page_denied(self, by: By, path: str, needed: str) -> None:
        """Record that somebody asked for a page, or for something to be done, that their role
        or token does not allow."""
        refused = self._denial(by, path, f"needs: {needed}")
        self._writer.append(by.workspace, [self._recorder.own(by.workspace, refused)])

    def record_missed(self, by: By, path: str) -> None:
        """Record that somebody wanted to change something that is not there for them, such as what
        belongs to another workspace. Does not wait; with a full queue it is left out."""
        missed = self._denial(by, path, "not in this workspace")
        with contextlib.suppress(Problem):
            self._writer.enqueue(
                Append(by.workspace, [self._recorder.own(by.workspace, missed)]),
                lambda _result, _error: None,
            )

    def _denial(self, by: By, path: str, why: str) -> ActivityInput:
        page = Target(type="page", id=path[:255], name=path)
        return by.activity("access.denied", page, outcome="failure", reason=why)

    def record_refusal(
        self, workspace: int, actor: Actor, path: str, reason: str, context: Context
    ) -> None:
        """Record that anyone asked for the log and was refused; waits until it is on disk."""
        refused = ActivityInput(
            action="audit_log.access_denied",
            actor=actor,
            targets=[Target(type="audit_log", id="activities", name="Activity audit log")],
            outcome="failure",
            reason=reason,
            context=context,
            details={"path": path},
        )
        self._writer.append(workspace, [self._recorder.own(workspace, refused)])
