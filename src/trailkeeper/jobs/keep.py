"""Keeping a job, inside the writer's transaction: a new one, news of one, or one that is there."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select, update

from trailkeeper.activity import rfc3339
from trailkeeper.errors import FieldError, IdConflict, InvalidInput
from trailkeeper.jobs.job import ERROR_MAX, TITLE_MAX, beginning
from trailkeeper.jobs.prepare import NewJob, time_us
from trailkeeper.jobs.status import FINAL, WORDS, State
from trailkeeper.jobs.workato import in_form
from trailkeeper.ledger.append import fold
from trailkeeper.ledger.schema import entity, job, job_lines, workspace

Became = Literal["created", "updated", "unchanged"]


class JobEnded(IdConflict):
    """The job has ended, and what was sent now says something else."""


class Kept(Struct, frozen=True, kw_only=True):
    """What became of a job that was sent, and how it stands now. `ended` says that it has ended
    just now; a job that has ended has a seq. `title` and `error` are cut."""

    id: int | str
    seq: int | None
    became: Became
    ended: bool
    state: State
    recipe_id: str
    recipe_name: str | None
    is_test: bool
    title: str | None
    error: str | None
    error_type: str | None


def keep(connection: Connection, workspace_key: int, new: NewJob, at: int) -> Kept:
    """Keep a job that was received at this time.

    A job that has not ended takes over the fields that were sent. One that has ended stays as it
    is: what says nothing new is `unchanged`. A job that ends gets the workspace's next seq, so the
    order of seqs is that of commits. Raises InvalidInput, IdConflict, JobEnded; then nothing was
    changed.
    """
    there = connection.execute(
        select(job).where(job.c.workspace == workspace_key, job.c.id == new.id)
    ).first()
    if there is None:
        return _insert(connection, workspace_key, new, at)
    return _update(connection, there, new, at)


def _insert(connection: Connection, workspace_key: int, new: NewJob, at: int) -> Kept:
    if new.recipe_id is None:
        raise InvalidInput("/flow_id is missing", FieldError("is missing", "/flow_id"))
    values: dict[str, Any] = {
        "workspace": workspace_key,
        "id": new.id,
        "id_is_number": isinstance(new.fields["id"], int),
        "recipe_id": new.recipe_id,
        "recipe_name": new.recipe_name or _name_of(connection, workspace_key, new.recipe_id),
        "is_test": bool(new.is_test),
        **_columns(new.fields, new, at),
        "seq": _next_seq(connection, workspace_key) if new.is_final else None,
    }
    key = connection.execute(insert(job).values(values).returning(job.c.key)).scalar_one()
    _keep_lines(connection, key, new)
    return _kept(new.fields["id"], values, "created", ended=new.is_final)


def _update(connection: Connection, there: Any, new: NewJob, at: int) -> Kept:
    if new.recipe_id not in (None, there.recipe_id):
        raise IdConflict(
            f"The job `{new.id}` is one of the recipe `{there.recipe_id}`, not of the recipe sent"
        )
    old: dict[str, Any] = msgspec.json.decode(there.body)
    sent_id: int | str = old["id"]
    # Both ids stay as they came first: 100 and "100" are the same.
    fields = {**old, **new.fields, "id": sent_id, "flow_id": old["flow_id"]}
    values: dict[str, Any] = {
        "recipe_name": new.recipe_name or there.recipe_name,
        "is_test": there.is_test if new.is_test is None else new.is_test,
    }
    says_nothing_new = (
        fields == old
        and values["recipe_name"] == there.recipe_name
        and values["is_test"] == bool(there.is_test)
        and not _has_new_lines(connection, there.key, new)
    )
    whole = {**there._mapping, **values}  # noqa: SLF001 # SQLAlchemy's documented name
    if says_nothing_new:
        return _kept(sent_id, whole, "unchanged", ended=False)
    if there.state in FINAL:
        raise JobEnded(f"The job `{new.id}` has ended, and what was sent differs from it")
    values |= _columns(fields, new, at)
    if new.is_final:
        values["seq"] = _next_seq(connection, there.workspace)
    connection.execute(update(job).where(job.c.key == there.key).values(values))
    _keep_lines(connection, there.key, new)
    return _kept(sent_id, {**whole, **values}, "updated", ended=new.is_final)


def _columns(fields: dict[str, Any], new: NewJob, at: int) -> dict[str, Any]:
    """The columns that follow from a job's body, in which its times are filled in."""
    started = fields.get("started_at") or rfc3339(at)
    completed = fields.get("completed_at") or (rfc3339(at) if new.is_final else None)
    body = in_form({**fields, "started_at": started, "completed_at": completed})
    title, error = beginning(body["title"], TITLE_MAX), beginning(body["error"], ERROR_MAX)
    return {
        "status": new.status,
        "state": WORDS[new.status],
        "started_at": time_us(started),
        "completed_at": time_us(completed) if completed else None,
        "received_at": at,
        "error_type": beginning(body["error_type"], TITLE_MAX),
        "title": title,
        "error": error,
        "folded": fold(f"{title or ''}\n{error or ''}"),
        "body": msgspec.json.encode(body),
    }


def _name_of(connection: Connection, workspace_key: int, recipe_id: str) -> str | None:
    """What the recipe is called now, as far as the log tells."""
    return connection.execute(
        select(entity.c.name).where(
            entity.c.workspace == workspace_key,
            entity.c.type == "recipe",
            entity.c.id == recipe_id,
        )
    ).scalar()


def _next_seq(connection: Connection, workspace_key: int) -> int:
    """Takes the workspace's next seq of finished jobs; the row's lock makes seqs dense and in the
    order of commits."""
    following = connection.execute(
        update(workspace)
        .where(workspace.c.key == workspace_key)
        .values(next_job_seq=workspace.c.next_job_seq + 1)
        .returning(workspace.c.next_job_seq)
    ).scalar_one()
    return following - 1


def _has_new_lines(connection: Connection, key: int, new: NewJob) -> bool:
    if new.lines is None:
        return False
    digest = connection.execute(select(job_lines.c.digest).where(job_lines.c.job == key)).scalar()
    return digest != new.lines.digest


def _keep_lines(connection: Connection, key: int, new: NewJob) -> None:
    if new.lines is None:
        return
    connection.execute(delete(job_lines).where(job_lines.c.job == key))
    connection.execute(
        insert(job_lines).values(
            job=key,
            count=new.lines.count,
            raw_bytes=new.lines.raw_bytes,
            digest=new.lines.digest,
            packed=new.lines.packed,
        )
    )


def _kept(sent_id: int | str, values: Any, became: Became, *, ended: bool) -> Kept:
    return Kept(
        id=sent_id,
        seq=values["seq"],
        became=became,
        ended=ended,
        state=values["state"],
        recipe_id=values["recipe_id"],
        recipe_name=values["recipe_name"],
        is_test=bool(values["is_test"]),
        title=values["title"],
        error=values["error"],
        error_type=values["error_type"],
    )
