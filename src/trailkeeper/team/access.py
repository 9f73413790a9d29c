"""Who may see the audit log; a refused look at it is recorded."""

from __future__ import annotations

from trailkeeper.activity import ActivityInput, Actor, Context, Target
from trailkeeper.identity.sessions import SignedIn
from trailkeeper.ledger.recorder import Recorder
from trailkeeper.ledger.writer import Writer
from trailkeeper.team.permissions import may_view_audit

FOR_WHOM = "The audit log is for the workspace's owner and members with the Admin role"


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
