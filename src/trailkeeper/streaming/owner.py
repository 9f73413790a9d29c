"""The followers of streams: what each does, and what is said when one is in trouble."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from trailkeeper.activity import ActivityInput, Actor, Target
from trailkeeper.followers import places
from trailkeeper.followers.follower import Place
from trailkeeper.identity.privileges import OWNER
from trailkeeper.identity.seal import Seal
from trailkeeper.identity.store import Store
from trailkeeper.ledger.recorder import system_actor
from trailkeeper.ledger.schema import member, user, workspace
from trailkeeper.ledger.writer import Transaction
from trailkeeper.streaming.destination import Opening
from trailkeeper.streaming.destinations import kind_of
from trailkeeper.streaming.format import Format, Team
from trailkeeper.streaming.formats import format_of
from trailkeeper.streaming.guard import Guard
from trailkeeper.streaming.stream import Stream, read, salt_of, secrets_in, whole_settings
from trailkeeper.streaming.template import TemplateError, templated
from trailkeeper.streaming.work import JobWork, StreamWork

ACTOR = system_actor("streaming", "Streaming")

Notify = Callable[[int, str, str], Any]
"""Tells a workspace's addresses for error notifications: workspace, subject, text."""


class StreamOwner:
    """For the runner."""

    def __init__(self, store: Store, guard: Guard, secret: bytes, notify: Notify) -> None:
        self._store = store
        self._guard = guard
        self._seal = Seal(secret, "audit stream")
        self._notify = notify

    def work_of(self, place: Place) -> StreamWork | JobWork:
        with self._store.reading() as connection:
            one = read(connection, place.workspace, place.id)
            secrets = secrets_in(connection, one, self._seal)
            salt = salt_of(connection, one)
            team = team_of(connection, place.workspace)
        format = self._format_of(one, place)
        kind = kind_of(one.destination or "")
        opening = Opening(self._guard, one.id, team.id, one.packing, one.compression)
        destination = kind.open(whole_settings(one, secrets), opening)
        made = JobWork if place.log == "jobs" else StreamWork
        return made(one, kind, destination, format, team, salt)

    def _format_of(self, one: Stream, place: Place) -> Format:
        """With the stream's template around each message, or without one that cannot be used. That
        is recorded: once for each such template, by an id that is made of it."""
        format = format_of(one.format)
        try:
            return templated(format, one.template)
        except TemplateError as error:
            digest = hashlib.sha256(one.template.encode()).hexdigest()[:16]
            sent = ActivityInput(
                id=f"{one.id}-template-{digest}",
                action="audit_stream.template_failed",
                actor=ACTOR,
                targets=[Target(type="audit_stream", id=one.id, name=one.name)],
                outcome="failure",
                reason=f"The template {error}"[:1_000],
            )
            self._store.change(
                lambda transaction: self._store.record(transaction, place.workspace, sent)
            )
            return format

    def pause(self, place: Place, reason: str) -> None:
        """Recorded, and told by mail. The stream's other follower goes on."""

        def work(transaction: Transaction) -> None:
            places.pause(transaction, place, reason)
            self._record(transaction, place, "audit_stream.paused", reason, {"seq": place.cursor})

        self._store.change(work)
        self._tell(
            place,
            f"Audit log stream {place.name} is paused",
            f"The stream {place.name} has failed so often with {place.log} that these were paused"
            f" at seq {place.cursor}. Nothing is lost: it goes on from there when it is resumed."
            f"\n\nThe last error: {reason}\n",
        )

    def bury(self, place: Place, seqs: list[int], reason: str) -> None:
        """Recorded, and told by mail."""

        def work(transaction: Transaction) -> None:
            places.bury(transaction, place, seqs, reason)
            details = {"seqs": seqs[:100], "count": len(seqs)}
            self._record(transaction, place, "audit_stream.dead_lettered", reason, details)

        self._store.change(work)
        self._tell(
            place,
            f"Audit log stream {place.name} left something out",
            f"The destination of the stream {place.name} does not take {len(seqs)} {place.log};"
            f" they are in its list of dead letters.\n\nWhy: {reason}\n",
        )

    def _record(
        self,
        transaction: Transaction,
        place: Place,
        action: str,
        reason: str,
        details: dict[str, Any],
    ) -> None:
        sent = ActivityInput(
            action=action,
            actor=ACTOR,
            targets=[Target(type="audit_stream", id=place.id, name=place.name)],
            outcome="failure",
            reason=reason[:1_000],
            details={"part": place.log, **details},
        )
        self._store.record(transaction, place.workspace, sent)

    def _tell(self, place: Place, subject: str, text: str) -> None:
        # A mail that cannot be sent must not stop the stream.
        with contextlib.suppress(Exception):
            self._notify(place.workspace, subject, text)


def team_of(connection: Any, key: int) -> Team:
    """A workspace, for formats."""
    row = connection.execute(
        select(workspace.c.id, workspace.c.name).where(workspace.c.key == key)
    ).one()
    owner = connection.execute(
        select(user.c.id, user.c.name, user.c.email)
        .join(member, member.c.user == user.c.key)
        .where(member.c.workspace == key, member.c.role == OWNER)
    ).first()
    who = Actor(type="user", id=owner.id, name=owner.name, email=owner.email) if owner else ACTOR
    return Team(row.id, row.name, who.id, who.name or "", who.email or "")
