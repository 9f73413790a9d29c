"""The followers of archives: what each does, and what is said when one is in trouble."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from trailkeeper.activity import ActivityInput, Target
from trailkeeper.archive.archive import NAME, PURPOSE, Archive, read, secrets_in, whole_settings
from trailkeeper.archive.days import ClosedDays
from trailkeeper.archive.kinds import KINDS, opened
from trailkeeper.archive.place import Place as ArchivePlace
from trailkeeper.archive.work import ArchiveWork
from trailkeeper.catalogue.vocabulary import Vocabulary
from trailkeeper.followers import places
from trailkeeper.followers.follower import Place
from trailkeeper.identity.seal import Seal
from trailkeeper.identity.store import Store
from trailkeeper.ledger.recorder import system_actor
from trailkeeper.ledger.writer import Transaction
from trailkeeper.streaming.guard import Guard

ACTOR = system_actor("archive", "Archive")

Notify = Callable[[int, str, str], Any]


class ArchiveOwner:
    """For the runner."""

    def __init__(
        self,
        store: Store,
        guard: Guard,
        secret: bytes,
        days: ClosedDays,
        words: Callable[[int], Vocabulary],
        notify: Notify,
    ) -> None:
        self._store = store
        self._guard = guard
        self._seal = Seal(secret, PURPOSE)
        self._days = days
        self._words = words
        self._notify = notify

    def work_of(self, place: Place) -> ArchiveWork:
        with self._store.reading() as connection:
            one = read(connection, place.workspace)
        return ArchiveWork(self._store, self._days, one, self.opened(one), self._words)

    def opened(self, one: Archive) -> ArchivePlace:
        """Where an archive is; to be closed. Raises InvalidInput."""
        settings = self.settings_of(one)
        return opened(KINDS[one.destination], settings, self._guard, one.id, one.workspace_id)

    def settings_of(self, one: Archive) -> Any:
        """The settings of its destination, secrets among them. Raises InvalidInput."""
        with self._store.reading() as connection:
            secrets = secrets_in(connection, one, self._seal)
        return whole_settings(one, secrets)

    def pause(self, place: Place, reason: str) -> None:
        """Recorded, and told by mail."""

        def work(transaction: Transaction) -> None:
            places.pause(transaction, place, reason)
            sent = ActivityInput(
                action="archive.paused",
                actor=ACTOR,
                targets=[Target(type="archive", id=place.id, name=NAME)],
                outcome="failure",
                reason=reason[:1_000],
                details={"seq": place.cursor},
            )
            self._store.record(transaction, place.workspace, sent)

        self._store.change(work)
        # A mail that cannot be sent must not stop anything.
        with contextlib.suppress(Exception):
            self._notify(
                place.workspace,
                "The archive is paused",
                f"The archive has failed so often that it was paused at seq {place.cursor}. Nothing"
                " is lost: it goes on from there when it is resumed, and until then nothing that"
                f" it has not written is removed.\n\nThe last error: {reason}\n",
            )

    def bury(self, place: Place, seqs: list[int], reason: str) -> None:
        """An archive without some activities would be none: it is paused instead."""
        del seqs
        self.pause(place, reason)
