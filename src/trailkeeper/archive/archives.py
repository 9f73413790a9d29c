"""What people do with archives: each is one function that changes the state and records that.

Secrets of a destination are sealed with the installation's key and never shown again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import delete, insert, update

from trailkeeper.activity import Change, Target, now_us, uuid7
from trailkeeper.archive import records
from trailkeeper.archive.archive import (
    KIND,
    NAME,
    PURPOSE,
    Archive,
    describe,
    find,
    open_settings,
    read,
    sealed_for,
    secrets_in,
)
from trailkeeper.archive.extra import require_extra
from trailkeeper.archive.kinds import kind_of, offered, opened
from trailkeeper.archive.owner import ArchiveOwner
from trailkeeper.archive.records import Day, Totals
from trailkeeper.errors import Conflict, FieldError, InvalidInput
from trailkeeper.followers import places
from trailkeeper.followers.follower import DeliveryFailed, Place
from trailkeeper.identity.acting import By
from trailkeeper.identity.seal import Seal
from trailkeeper.identity.store import Store
from trailkeeper.ledger.schema import archive as table
from trailkeeper.ledger.writer import Transaction
from trailkeeper.streaming.destination import Answer, Kind, shortened
from trailkeeper.streaming.field import as_text, read_settings, secrets_of
from trailkeeper.streaming.guard import Guard

KEEP_DAYS_MAX = 36_500
LOG = "closed_days"


class Standing(Struct, frozen=True, kw_only=True):
    """How an archive stands: `paused`, `failing` or `running`; its place among the closed days, how
    many activities of these are not written yet, and what is there."""

    state: str
    place: Place
    waiting: int
    totals: Totals


class Archives:
    """The archives of all workspaces, one each. Every change asks for `streams.manage`."""

    def __init__(self, store: Store, guard: Guard, secret: bytes, owner: ArchiveOwner) -> None:
        self._store = store
        self._guard = guard
        self._seal = Seal(secret, PURPOSE)
        self._owner = owner

    def kinds(self) -> list[Kind]:
        """The kinds of destination to offer."""
        return offered(self._guard)

    def find(self, workspace: int) -> Archive | None:
        with self._store.reading() as connection:
            return find(connection, workspace)

    def get(self, workspace: int) -> Archive:
        """Raises NotFound."""
        with self._store.reading() as connection:
            return read(connection, workspace)

    def standing(self, one: Archive) -> Standing:
        with self._store.reading() as connection:
            place = places.find(connection, one.workspace, KIND, one.id)
            totals = records.totals(connection, one.key)
        failing = "failing" if place.failures else "running"
        return Standing(
            state="paused" if place.state == "paused" else failing,
            place=place,
            waiting=max(0, one.closed_seq - place.cursor),
            totals=totals,
        )

    def days(self, one: Archive) -> list[Day]:
        """In the order of time."""
        with self._store.reading() as connection:
            return records.days(connection, one.key)

    def set(
        self, by: By, kind: str, given: dict[str, str], keep_days: int | None = None
    ) -> Archive:
        """Say where a workspace's archive is and for how many days what is in it is kept (None: for
        ever). It begins with all that the log still has; so it does again when the place changes,
        and what is in the former place stays there. A secret that is left empty stays as long as
        the place does. Raises Forbidden, InvalidInput."""
        self._require(by)
        require_extra()
        _check_keep_days(keep_days)
        wanted = kind_of(kind)
        secret_names = secrets_of(wanted.settings)
        new_secrets = {
            name: given[name].strip() for name in secret_names if given.get(name, "").strip()
        }
        open_given = {name: value for name, value in given.items() if name not in secret_names}

        def work(transaction: Transaction) -> Archive:
            connection = transaction.connection
            old = find(connection, by.workspace)
            there = secrets_in(connection, old, self._seal) if old else {}
            if old is None or old.destination != kind:
                there = {}
            settings = read_settings(wanted.settings, {**open_given, **there, **new_secrets})
            open_values = {
                name: value for name, value in as_text(settings).items() if name not in secret_names
            }
            same = old is not None and (old.destination, open_settings(old)) == (kind, open_values)
            secrets = {**there, **new_secrets} if same else new_secrets
            if not same:
                # A secret that was kept must not be sent to another server.
                settings = read_settings(wanted.settings, {**open_values, **secrets})
            opened(wanted, settings, self._guard, "", "").close()
            if old is None or not same:
                made = self._make(transaction, by.workspace, old, kind, open_values, keep_days)
            else:
                made = old
                _keep(transaction, old, keep_days=keep_days)
            self._keep_secrets(transaction, made, secrets)
            new = read(connection, by.workspace)
            self._record_set(transaction, by, old, new, bool(new_secrets))
            return new

        return self._store.change(work)

    def keep_for(self, by: By, keep_days: int | None) -> Archive:
        """Keep what is in the archive for so many days after it was received, or (None) for ever.
        Raises Forbidden, NotFound, InvalidInput."""
        _check_keep_days(keep_days)

        def change(transaction: Transaction, old: Archive) -> None:
            if old.keep_days == keep_days:
                return
            _keep(transaction, old, keep_days=keep_days)
            new = read(transaction.connection, by.workspace)
            self._record_set(transaction, by, old, new, False)

        return self._change(by, change)

    def delete(self, by: By) -> None:
        """Forget the archive; its files stay where they are. Raises Forbidden, NotFound."""

        def change(transaction: Transaction, old: Archive) -> None:
            _drop(transaction, old)
            self._record(transaction, by, old, "archive.deleted", destination=describe(old))

        self._require(by)
        self._store.change(
            lambda transaction: change(transaction, read(transaction.connection, by.workspace))
        )

    def pause(self, by: By) -> Archive:
        """Stop it where it stands; what it has not written stays in the log until it has. Raises
        Forbidden, NotFound, Conflict."""

        def change(transaction: Transaction, old: Archive) -> None:
            place = places.find(transaction.connection, old.workspace, KIND, old.id)
            if place.state == "paused":
                raise Conflict("The archive is paused already")
            places.pause(transaction, place, f"paused by {by.actor.name or by.actor.id}")
            self._record(transaction, by, old, "archive.paused", seq=place.cursor)

        return self._change(by, change)

    def resume(self, by: By) -> Archive:
        """Let it go on from where it stands. Raises Forbidden, NotFound, Conflict."""

        def change(transaction: Transaction, old: Archive) -> None:
            place = places.find(transaction.connection, old.workspace, KIND, old.id)
            if place.state == "running" and not place.failures:
                raise Conflict("The archive is running already")
            places.resume(transaction, place)
            self._record(transaction, by, old, "archive.resumed", seq=place.cursor)

        return self._change(by, change)

    def test(self, by: By) -> Answer:
        """Write something small to the place, read it and remove it; what came of it. Raises
        Forbidden, NotFound."""
        self._require(by)
        place = self._owner.opened(self.get(by.workspace))
        try:
            return place.test()
        except DeliveryFailed as error:
            return Answer(False, error.why)
        except OSError as error:
            return Answer(False, shortened(str(error)))
        finally:
            place.close()

    # --- Inside

    def _require(self, by: By) -> None:
        self._store.require(by, "streams.manage", "Change the archive")

    def _change(self, by: By, change: Callable[[Transaction, Archive], None]) -> Archive:
        self._require(by)

        def work(transaction: Transaction) -> Archive:
            change(transaction, read(transaction.connection, by.workspace))
            return read(transaction.connection, by.workspace)

        return self._store.change(work)

    def _make(
        self,
        transaction: Transaction,
        workspace: int,
        old: Archive | None,
        kind: str,
        settings: dict[str, str],
        keep_days: int | None,
    ) -> Archive:
        """In a new place everything begins again, but for what is closed already."""
        if old:
            _drop(transaction, old)
        at = now_us()
        id = uuid7(at)
        transaction.connection.execute(
            insert(table).values(
                workspace=workspace,
                id=id,
                destination=kind,
                settings=msgspec.json.encode(settings).decode(),
                secrets_kept="",
                keep_days=keep_days,
                closed_until=old.closed_until if old else 0,
                closed_seq=old.closed_seq if old else 0,
                swept_at=0,
                created_at=at,
            )
        )
        places.make(transaction, workspace, KIND, id, NAME, cursor=0, log=LOG)
        return read(transaction.connection, workspace)

    def _keep_secrets(
        self, transaction: Transaction, one: Archive, secrets: dict[str, str]
    ) -> None:
        sealed = self._seal.seal(msgspec.json.encode(secrets).decode(), sealed_for(one))
        _keep(
            transaction,
            one,
            secrets_sealed=sealed if secrets else None,
            secrets_kept=" ".join(secrets),
        )

    def _record_set(
        self, transaction: Transaction, by: By, old: Archive | None, new: Archive, secrets: bool
    ) -> None:
        if old is None:
            details: dict[str, Any] = {"destination": describe(new)}
            if new.keep_days is not None:
                details["keep_days"] = new.keep_days
            self._record(transaction, by, new, "archive.created", **details)
            return
        changes: list[Change] = []
        if (old.destination, open_settings(old)) != (new.destination, open_settings(new)):
            changes.append(Change(field="destination", old=describe(old), new=describe(new)))
        if old.keep_days != new.keep_days:
            changes.append(Change(field="keep_days", old=old.keep_days, new=new.keep_days))
        if secrets:
            changes.append(Change(field="credentials", old=None, new="replaced"))
        if changes:
            self._record(
                transaction, by, new, "archive.updated", *changes, destination=describe(new)
            )

    def _record(
        self,
        transaction: Transaction,
        by: By,
        one: Archive,
        action: str,
        *changes: Change,
        **details: Any,
    ) -> None:
        target = Target(type="archive", id=one.id, name=NAME)
        sent = by.activity(action, target, changes=list(changes), details=details)
        self._store.record(transaction, by.workspace, sent)


def _keep(transaction: Transaction, one: Archive, **values: Any) -> None:
    connection = transaction.connection
    connection.execute(update(table).where(table.c.key == one.key).values(values))
    places.reopen(transaction, places.find(connection, one.workspace, KIND, one.id))


def _drop(transaction: Transaction, one: Archive) -> None:
    connection = transaction.connection
    places.drop(transaction, places.find(connection, one.workspace, KIND, one.id))
    records.drop_all(connection, one.key)
    connection.execute(delete(table).where(table.c.key == one.key))


def _check_keep_days(days: int | None) -> None:
    if days is not None and not 1 <= days <= KEEP_DAYS_MAX:
        detail = f"must be from 1 to {KEEP_DAYS_MAX}, or nothing for ever"
        raise InvalidInput(f"The number of days {detail}", FieldError(detail, "/keep_days"))
