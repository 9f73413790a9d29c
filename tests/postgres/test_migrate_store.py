"""A SQLite installation with everything in it is moved to PostgreSQL, with interruptions."""

from __future__ import annotations

import fcntl
import hashlib
import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, select
from tests.conftest import PASSWORD, TRAILKEEPER, activity, cli
from tests.postgresql import SHARED, database, name_in

from trailkeeper.activity import ActivityInput, now_us
from trailkeeper.errors import IdConflict
from trailkeeper.installation import (
    FOLLOWERS_LOCK,
    InstallationError,
    create,
    give_up_moving,
    move_to_postgresql,
    opened,
)
from trailkeeper.ledger.marker import read_marker
from trailkeeper.ledger.moving import activities as moving_activities
from trailkeeper.ledger.moving.source import MOVING_FILE
from trailkeeper.ledger.schema import moved, removed_activity, workspace
from trailkeeper.ledger.sqlite import DATABASE_FILE
from trailkeeper.query.filters import Filter, Match, Words

GONE = "0f9d9a4c-8d4c-4a39-9d5c-3a0e2f0a6b11"
"""The id of an activity that was removed before; a sender's, which is a UUID."""

ASKED = (
    Filter(),
    Filter(matches=(Match(field="outcome", values=("failure",)),)),
    Filter(matches=(Match(field="type", values=("folder",)),)),
    Filter(matches=(Match(field="target", values=("folder:9",)),)),
    Filter(matches=(Match(field="ip", values=("192.0.2.0/28",)),)),
    Filter(words=(Words(text="word17"),)),
    Filter(words=(Words(text="große 3"),)),
    Filter(words=(Words(text="m4", prefix=True),)),
    Filter(words=(Words(text="ord17", suffix=True),)),
)


@pytest.fixture
def url() -> Iterator[str]:
    with database() as made:
        yield made


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two workspaces with people, assets, a stream, jobs, actions of their own and a log."""
    folder = tmp_path / "data"
    create(folder)
    with opened(folder) as here:
        here.workspaces.create("Acme", "ada@example.com", "Ada", PASSWORD)
        here.workspaces.create("Other", "olga@example.com", "Olga", PASSWORD)
        fill(folder, here)
    return folder


def fill(folder: Path, here: Any) -> None:
    by = here.workspaces.by_operator("Acme")
    here.workspaces.add_member(by, "bob@example.com", "Bob", PASSWORD, "Operator")
    here.tokens.create(by, "sender", ["activities:write"], None)
    inner = here.registry.create(by, "folder", "Inner", content={}).asset
    outer = here.registry.create(by, "folder", "Outer", content={}).asset
    # A folder whose key is lower than that of the one it is in.
    here.registry.move(by, "folder", inner.id, outer.id)
    here.registry.create(by, "recipe", "Sync", folder_id=inner.id, content={})
    for name in ("Acme", "Other"):
        key = here.workspaces.find(name)
        sent = [
            activity(
                id=f"{name}-{n}",
                targets=[
                    {"type": "recipe", "id": str(n % 7), "name": f"Größe {n % 7} a\0b"},
                    {"type": "folder", "id": "9", "name": "Aside", "metadata": {"note": f"m{n}"}},
                ],
                details={"note": f"word{n}", "n": n},
                outcome="failure" if n % 3 == 0 else "success",
                context={"ip_address": f"192.0.2.{n % 200}", "source": "tests"},
            )
            for n in range(230)
        ]
        prepared = [
            here.recorder.prepare(key, one) for one in msgspec.convert(sent, list[ActivityInput])
        ]
        here.writer.append(key, prepared)

        def remove(
            transaction: Any, key: int = key, hash: bytes = prepared[0].content_hash
        ) -> None:
            transaction.connection.execute(
                insert(removed_activity).values(
                    workspace=key,
                    fingerprint=hashlib.sha256(GONE.encode()).digest()[:16],
                    seq=0,
                    received_at=now_us(),
                    content_hash=hash,
                )
            )

        here.writer.run(remove)


def found(data: Path, url: str | None = None) -> dict[str, Any]:
    """What people see of an installation."""
    seen: dict[str, Any] = {}
    with opened(data, database_url=url) as here:
        for name in ("Acme", "Other"):
            key = here.workspaces.find(name)
            for asked in ASKED:
                page = here.reader.page(key, asked, limit=1_000)
                assert page.activities, asked
                seen[f"{name} {asked}"] = [one.id for one in page.activities]
            seen[f"{name} hours"] = here.reader.facets(key, Filter(), ("action", "outcome"))
        by = here.workspaces.by_operator("Acme")
        seen["members"] = [one.email for one in here.members.listed(by.workspace)]
    return seen


def test_all_is_there_afterwards_and_the_folder_is_switched(data: Path, url: str) -> None:
    before = found(data)
    verified = move_to_postgresql(data, url, lambda _said: None)
    logs = {log.workspace: log.activities for log in verified.logs}
    assert logs["Acme"] > 230
    assert logs["Other"] > 230
    assert verified.tables["asset"] == 3
    assert verified.tables["user"] == 3
    assert found(data, url) == before
    assert not (data / DATABASE_FILE).exists()
    assert (data / f"{DATABASE_FILE}.moved").exists()
    assert not (data / MOVING_FILE).exists()
    assert read_marker(data) is not None
    with pytest.raises(InstallationError, match="TRAILKEEPER_DATABASE_URL"), opened(data):
        pass
    with pytest.raises(InstallationError, match="already"):
        move_to_postgresql(data, url, lambda _said: None)


def test_it_goes_on_as_an_installation(data: Path, url: str) -> None:
    move_to_postgresql(data, url, lambda _said: None)
    with opened(data, database_url=url) as here:
        by = here.workspaces.by_operator("Acme")
        key = by.workspace
        first = here.reader.next_seq(key)
        made = here.registry.create(by, "folder", "New", content={}).asset
        assert made.id not in (None, "")
        assert here.reader.next_seq(key) == first + 1
        here.workspaces.create("Third", "tom@example.com", "Tom", PASSWORD)
        with here.engine.connect() as connection:
            keys = connection.execute(select(workspace.c.key)).scalars().all()
        assert len(set(keys)) == 3


def test_killed_in_the_middle_it_goes_on_where_it_was(
    data: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = found(data)
    monkeypatch.setattr(moving_activities, "BATCH_ROWS", 50)

    class Killed(BaseException):
        pass

    for stop_at in (1, 6, 8):
        said: list[str] = []

        def tell(one: str, stop_at: int = stop_at, said: list[str] = said) -> None:
            said.append(one)
            if len(said) == stop_at:
                raise Killed

        with pytest.raises(Killed):
            move_to_postgresql(data, url, tell)
        with pytest.raises(InstallationError, match="is being moved"), opened(data):
            pass
        with (
            pytest.raises(InstallationError, match="is being moved"),
            opened(data, database_url=url),
        ):
            pass
    move_to_postgresql(data, url, lambda _said: None)
    assert found(data, url) == before


@pytest.mark.slow
def test_by_kill_9_of_the_command(data: Path, url: str) -> None:
    before = found(data)
    command = [*TRAILKEEPER, "migrate-store", "--data", str(data), "--to", url]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert process.stderr is not None
    with process.stderr as said:
        for line in iter(said.readline, b""):
            if b"activities up to" in line:
                break
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    assert (data / MOVING_FILE).exists()
    done = cli("migrate-store", "--data", data, "--json", TRAILKEEPER_DATABASE_URL=url)
    assert json.loads(done.stdout)["logs"][0]["activities"] > 230
    assert found(data, url) == before


def test_a_moving_can_be_given_up(data: Path, url: str) -> None:
    before = found(data)

    def fail(_said: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move_to_postgresql(data, url, fail)
    with database() as other, pytest.raises(InstallationError, match="already; finish that"):
        move_to_postgresql(data, other, lambda _said: None)
    give_up_moving(data)
    assert found(data) == before
    with pytest.raises(InstallationError, match="beginning of another moving"):
        move_to_postgresql(data, url, lambda _said: None)
    give_up_moving(data)
    with database() as other:
        move_to_postgresql(data, other, lambda _said: None)
        with pytest.raises(InstallationError, match="is not being moved"):
            give_up_moving(data)


def test_a_row_that_is_not_the_same_is_found(
    data: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = moving_activities.recorded

    def damaged(row: Any, label: Any) -> Any:
        one = real(row, label)
        if row.id != "Acme-99":
            return one
        return msgspec.structs.replace(one, public=one.public.replace(b"42", b"43") + b" ")

    monkeypatch.setattr(moving_activities, "recorded", damaged)
    with pytest.raises(InstallationError, match="log of Acme is not the same"):
        move_to_postgresql(data, url, lambda _said: None)
    assert (data / DATABASE_FILE).exists()
    assert SHARED.server().admin("SELECT count(*) FROM installation", database=name_in(url)) == [
        (0,)
    ]


def test_while_a_server_runs_or_into_a_full_database_it_is_refused(
    data: Path, url: str, tmp_path: Path
) -> None:
    with (data / FOLLOWERS_LOCK).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        with pytest.raises(InstallationError, match="A server runs"):
            move_to_postgresql(data, url, lambda _said: None)
    assert not (data / MOVING_FILE).exists()
    create(tmp_path / "there", url)
    with opened(tmp_path / "there", database_url=url) as there:
        there.workspaces.create("Full", "f@example.com", "F", PASSWORD)
    with pytest.raises(InstallationError, match="not empty"):
        move_to_postgresql(data, url, lambda _said: None)


def test_the_id_of_an_activity_that_was_removed_before_is_still_taken(data: Path, url: str) -> None:
    move_to_postgresql(data, url, lambda _said: None)
    with opened(data, database_url=url) as here:
        key = here.workspaces.find("Acme")
        sent = msgspec.convert(activity(id=GONE), ActivityInput)
        (outcome,) = here.writer.append(key, [here.recorder.prepare(key, sent)])
        assert isinstance(outcome, IdConflict)


def test_what_stands_in_clickhouse_cannot_be_moved(data: Path, url: str) -> None:
    with opened(data) as here:
        key = here.workspaces.find("Acme")
        seam = insert(moved).values(workspace=key, before_key=1, before_seq=1)
        here.writer.run(lambda transaction: transaction.connection.execute(seam).rowcount)
    with pytest.raises(InstallationError, match="ClickHouse only"):
        move_to_postgresql(data, url, lambda _said: None)
    give_up_moving(data)
