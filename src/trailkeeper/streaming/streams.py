"""What people do with streams: each is one function that changes the state and records that.

Secrets of a destination are sealed with the installation's key and never shown again.
"""

from __future__ import annotations

import secrets as random
from typing import Any

import msgspec
from sqlalchemy import delete, insert, update

from trailkeeper.activity import Change, Target, now_us, uuid7
from trailkeeper.errors import Conflict, FieldError, InvalidInput
from trailkeeper.followers import places
from trailkeeper.followers.follower import Log, Place
from trailkeeper.identity.acting import By
from trailkeeper.identity.names import checked_name
from trailkeeper.identity.seal import Seal
from trailkeeper.identity.store import Store
from trailkeeper.ledger.schema import stream as table
from trailkeeper.ledger.writer import Transaction
from trailkeeper.streaming import parts
from trailkeeper.streaming.destination import Answer, Opening, shortened
from trailkeeper.streaming.destinations import kind_of
from trailkeeper.streaming.field import KEPT, as_text, read_settings, secrets_of
from trailkeeper.streaming.guard import Guard
from trailkeeper.streaming.reading import StreamReading
from trailkeeper.streaming.shape import Shape, checked
from trailkeeper.streaming.stream import (
    FIRST_NAME,
    Stream,
    describe,
    listed,
    read,
    secrets_in,
    whole_settings,
)

FIRST = "first"
"""Instead of an id: the oldest stream, made where there is none."""

STREAMS_MAX = 50


class Streams(StreamReading):
    """The streams of all workspaces. Every change asks for `streams.manage`."""

    def __init__(self, store: Store, guard: Guard, secret: bytes) -> None:
        super().__init__(store, guard)
        self._seal = Seal(secret, "audit stream")

    def create(self, by: By, name: str, *, from_start: bool = False) -> Stream:
        """Make a stream that is off, leads nowhere yet, and has no jobs. It begins with what is
        recorded after now, or with the first activity there is. Raises Forbidden, InvalidInput,
        Conflict."""
        self._require(by)
        name = checked_name(name, "The stream's name", "/name")

        def work(transaction: Transaction) -> Stream:
            connection = transaction.connection
            there = listed(connection, by.workspace)
            if len(there) >= STREAMS_MAX:
                raise Conflict(f"There are {STREAMS_MAX} streams already")
            _require_free(there, name)
            made = self._make(transaction, by.workspace, name, from_start=from_start)
            self._record(transaction, by, made, "audit_stream.created")
            return made

        return self._store.change(work)

    def delete(self, by: By, id: str) -> None:
        """Raises Forbidden, NotFound."""
        self._require(by)

        def work(transaction: Transaction) -> None:
            connection = transaction.connection
            old = read(connection, by.workspace, id)
            for place in parts.both(connection, old):
                places.drop(transaction, place)
            connection.execute(delete(table).where(table.c.key == old.key))
            self._record(transaction, by, old, "audit_stream.deleted")

        self._store.change(work)

    def toggle(self, by: By, id: str, enabled: bool) -> Stream:
        """Turn a stream on or off. What was recorded while it was off is sent when it is on again:
        it goes on from where it stands. Raises Forbidden, NotFound, Conflict."""

        def change(transaction: Transaction, old: Stream) -> None:
            if old.enabled == enabled:
                return
            if enabled and old.destination is None:
                raise Conflict("Save a destination first: the stream would lead nowhere")
            self._keep(transaction, old, enabled=enabled)
            for place in parts.included(transaction.connection, old):
                if enabled:
                    places.resume(transaction, place)
                else:
                    places.pause(transaction, place, parts.OFF)
            self._record(
                transaction, by, old, "audit_stream.toggled",
                Change(field="enabled", old=old.enabled, new=enabled), enabled=enabled,
            )  # fmt: skip

        return self._change(by, id, change)

    def include(
        self,
        by: By,
        id: str,
        *,
        job_history: bool,
        recipe_step_details: bool,
        login_user_activity: bool,
    ) -> Stream:
        """Change what a stream includes. Jobs are those that finish from then on; steps come only
        with the jobs they belong to. Raises Forbidden, NotFound, InvalidInput."""
        if recipe_step_details and not job_history:
            detail = "needs job history, too"
            raise InvalidInput(
                f"Recipe step details {detail}", FieldError(detail, "/recipe_step_details")
            )

        def change(transaction: Transaction, old: Stream) -> None:
            self._keep(
                transaction,
                old,
                include_jobs=job_history,
                include_job_steps=recipe_step_details,
                include_login_activity=login_user_activity,
            )
            if job_history and not old.job_history:
                parts.include_jobs(transaction, old)
            elif old.job_history and not job_history:
                parts.leave_jobs_out(transaction, old)
            new = read(transaction.connection, by.workspace, old.id)
            if new.included != old.included:
                self._record(
                    transaction,
                    by,
                    old,
                    "audit_stream.data_inclusion_updated",
                    Change(field="included", old=old.included, new=new.included),
                    included=new.included,
                )

        return self._change(by, id, change)

    def set_destination(self, by: By, id: str, kind: str, given: dict[str, str]) -> Stream:
        """Change where a stream leads, and record that, without secrets. A secret that is left
        empty stays, as long as nothing else of the destination changes: otherwise it could be
        sent to another server. Raises Forbidden, NotFound, InvalidInput."""
        wanted = kind_of(kind)
        secret_names = secrets_of(wanted.settings)
        new_secrets = {
            name: given[name].strip() for name in secret_names if given.get(name, "").strip()
        }
        open_given = {name: value for name, value in given.items() if name not in secret_names}

        def change(transaction: Transaction, old: Stream) -> None:
            there: dict[str, str] = {}
            if old.destination == kind:
                there = secrets_in(transaction.connection, old, self._seal)
            settings = read_settings(wanted.settings, {**open_given, **there, **new_secrets})
            open_values = {
                name: value for name, value in as_text(settings).items() if name not in secret_names
            }
            old_open = {name: value for name, value in old.settings.items() if value != KEPT}
            same = old.destination == kind and old_open == open_values
            kept = {**there, **new_secrets} if same else new_secrets
            if there and not same:
                settings = read_settings(wanted.settings, {**open_values, **kept})
            wanted.open(settings, self._opening(old)).close()
            if same and not new_secrets:
                return
            sealed = self._seal.seal(
                msgspec.json.encode(kept).decode(), f"{old.workspace} {old.id}"
            )
            self._keep(
                transaction,
                old,
                destination=kind,
                settings=msgspec.json.encode(open_values).decode(),
                secrets_sealed=sealed if kept else None,
                secrets_kept=" ".join(kept),
            )
            new = read(transaction.connection, by.workspace, old.id)
            before, after = describe(old), describe(new)
            changes = [Change(field="destination", old=before, new=after)]
            if new_secrets:
                changes.append(Change(field="credentials", old=None, new="replaced"))
            self._record(
                transaction,
                by,
                old,
                "audit_stream.destination_updated",
                *(changes if before != after else changes[1:]),
                destination=after,
            )

        return self._change(by, id, change)

    def reshape(self, by: By, id: str, shape: Shape) -> Stream:
        """Change how a stream's messages look and which it has. Raises Forbidden, NotFound,
        InvalidInput."""
        values = checked(shape)

        def change(transaction: Transaction, old: Stream) -> None:
            changes = [
                Change(field=name, old=getattr(old, name), new=value)
                for name, value in values.items()
                if getattr(old, name) != value
            ]
            if not changes:
                return
            stored = {
                name: msgspec.json.encode(value).decode() if name == "masks" else value
                for name, value in values.items()
            }
            self._keep(transaction, old, **stored)
            self._record(transaction, by, old, "audit_stream.updated", *changes)

        return self._change(by, id, change)

    def rename(self, by: By, id: str, name: str) -> Stream:
        """Raises Forbidden, NotFound, InvalidInput, Conflict."""
        name = checked_name(name, "The stream's name", "/name")

        def change(transaction: Transaction, old: Stream) -> None:
            if name == old.name:
                return
            _require_free(listed(transaction.connection, by.workspace), name, old)
            self._keep(transaction, old, name=name)
            for place in parts.both(transaction.connection, old):
                places.rename(transaction, place, name)
            change = Change(field="name", old=old.name, new=name)
            self._record(transaction, by, old, "audit_stream.updated", change)

        return self._change(by, id, change)

    def pause(self, by: By, id: str) -> Stream:
        """Stop a stream where it stands, until it is resumed. Raises Forbidden, NotFound,
        Conflict."""

        def change(transaction: Transaction, old: Stream) -> None:
            there = self._places_that_run(transaction, old)
            running = [place for place in there if place.state == "running"]
            if not running:
                raise Conflict("The stream is paused already")
            for place in running:
                places.pause(transaction, place, f"paused by {by.actor.name or by.actor.id}")
            self._record(transaction, by, old, "audit_stream.paused", seq=there[0].cursor)

        return self._change(by, id, change)

    def resume(self, by: By, id: str) -> Stream:
        """Let it go on from where it stands. Raises Forbidden, NotFound, Conflict."""

        def change(transaction: Transaction, old: Stream) -> None:
            there = self._places_that_run(transaction, old)
            held = [place for place in there if place.state == "paused" or place.failures]
            if not held:
                raise Conflict("The stream is running already")
            for place in held:
                places.resume(transaction, place)
            self._record(transaction, by, old, "audit_stream.resumed", seq=there[0].cursor)

        return self._change(by, id, change)

    def replay(self, by: By, id: str, seq: int) -> Stream:
        """Send all activities from `seq` on again. Raises Forbidden, NotFound, InvalidInput."""

        def change(transaction: Transaction, old: Stream) -> None:
            previous = self._set_back(transaction, old, "activities", seq, "/from")
            self._record(
                transaction, by, old, "audit_stream.replayed", seq=seq, previous_seq=previous
            )

        return self._change(by, id, change)

    def replay_jobs(self, by: By, id: str, seq: int) -> Stream:
        """Send all jobs from their `seq` on again. Raises Forbidden, NotFound, InvalidInput, and
        Conflict where the stream has no jobs."""

        def change(transaction: Transaction, old: Stream) -> None:
            if not old.job_history:
                raise Conflict("The stream does not include job history")
            previous = self._set_back(transaction, old, "jobs", seq, "/jobs_from")
            self._record(
                transaction, by, old, "audit_stream.replayed",
                part="jobs", seq=seq, previous_seq=previous,
            )  # fmt: skip

        return self._change(by, id, change)

    def retry_dead_letters(
        self, by: By, id: str, seqs: list[int] | None = None, log: Log = "activities"
    ) -> int:
        """Send what the destination did not take of a log again: these, or all. Each goes alone, in
        the order of seq, before what comes next; until the destination has taken it, it stays among
        the dead letters. Returns how many there are. Raises Forbidden, NotFound, Conflict,
        InvalidInput."""
        there: list[int] = []

        def change(transaction: Transaction, old: Stream) -> None:
            place = parts.place_of(transaction.connection, old, log)
            there.extend(places.try_again(transaction, place, seqs))
            if missing := set(seqs or ()) - set(there):
                detail = f"has {min(missing)}, which is no dead letter"
                raise InvalidInput(f"The list of seqs {detail}", FieldError(detail, "/seqs"))
            if not there:
                raise Conflict("The stream has no dead letters")
            self._record(
                transaction, by, old, "audit_stream.dead_letters_retried",
                part=log, count=len(there), seqs=there[:100],
            )  # fmt: skip

        self._change(by, id, change)
        return len(there)

    def test(self, by: By, id: str) -> Answer:
        """Send a test to the destination; its own answer. Raises Forbidden, NotFound, Conflict."""
        self._require(by)
        with self._store.reading() as connection:
            one = read(connection, by.workspace, id)
            secrets = secrets_in(connection, one, self._seal)
        if one.destination is None:
            raise Conflict("Save a destination first")
        opened = kind_of(one.destination).open(whole_settings(one, secrets), self._opening(one))
        try:
            return opened.test()
        except OSError as error:
            return Answer(False, shortened(str(error)))
        finally:
            opened.close()

    # --- Inside

    def _require(self, by: By) -> None:
        self._store.require(by, "streams.manage", "Change the audit log streaming")

    def _change(self, by: By, id: str, change: Any) -> Stream:
        self._require(by)

        def work(transaction: Transaction) -> Stream:
            one = self._find_or_make(transaction, by, id)
            change(transaction, one)
            return read(transaction.connection, by.workspace, one.id)

        return self._store.change(work)

    def _find_or_make(self, transaction: Transaction, by: By, id: str) -> Stream:
        connection = transaction.connection
        if id != FIRST:
            return read(connection, by.workspace, id)
        if there := listed(connection, by.workspace):
            return there[0]
        made = self._make(transaction, by.workspace, FIRST_NAME, from_start=False)
        self._record(transaction, by, made, "audit_stream.created")
        return made

    def _places_that_run(self, transaction: Transaction, one: Stream) -> list[Place]:
        """Or would, were they not paused."""
        if not one.enabled:
            raise Conflict("The stream is turned off")
        return parts.included(transaction.connection, one)

    def _set_back(
        self, transaction: Transaction, one: Stream, log: Log, seq: int, pointer: str
    ) -> int:
        """Where it stood."""
        connection = transaction.connection
        place = parts.place_of(connection, one, log)
        newest = places.next_seq(connection, one.workspace, log)
        if not 0 <= seq <= newest:
            detail = f"must be from 0 to {newest}"
            raise InvalidInput(f"The seq {detail}", FieldError(detail, pointer))
        places.replay(transaction, place, seq)
        return place.cursor

    def _make(
        self, transaction: Transaction, workspace: int, name: str, *, from_start: bool
    ) -> Stream:
        connection = transaction.connection
        at = now_us()
        id = uuid7(at)
        connection.execute(
            insert(table).values(
                workspace=workspace,
                id=id,
                name=name,
                enabled=False,
                settings="{}",
                secrets_kept="",
                format="trailkeeper",
                template="",
                query="",
                masks="{}",
                packing="batch",
                compression="none",
                salt=random.token_bytes(16),
                include_jobs=False,
                include_job_steps=False,
                include_login_activity=True,
                created_at=at,
            )
        )
        cursor = 0 if from_start else places.next_seq(connection, workspace, "activities")
        parts.make(transaction, workspace, id, name, cursor=cursor)
        return read(connection, workspace, id)

    def _keep(self, transaction: Transaction, one: Stream, **values: Any) -> None:
        connection = transaction.connection
        connection.execute(update(table).where(table.c.key == one.key).values(values))
        for place in parts.both(connection, one):
            places.reopen(transaction, place)

    def _opening(self, one: Stream) -> Opening:
        return Opening(self._guard, one.id, str(one.workspace), one.packing, one.compression)

    def _record(
        self,
        transaction: Transaction,
        by: By,
        one: Stream,
        action: str,
        *changes: Change,
        **details: Any,
    ) -> None:
        sent = by.activity(
            action,
            Target(type="audit_stream", id=one.id, name=one.name),
            changes=list(changes),
            details=details,
        )
        self._store.record(transaction, by.workspace, sent)


def _require_free(there: list[Stream], name: str, own: Stream | None = None) -> None:
    taken = {one.name.casefold() for one in there if own is None or one.key != own.key}
    if name.casefold() in taken:
        raise Conflict(
            f"There is a stream named {name!r} already", FieldError("is taken already", "/name")
        )
