"""Streams that were made before jobs were sent get a place for them."""

from __future__ import annotations

import json
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import text
from tests.contract.stores import open_store
from tests.jobs.support import job

from trailkeeper.followers.places import Places
from trailkeeper.identity.store import Store
from trailkeeper.installation import Installation
from trailkeeper.ledger.migrate import SCRIPTS
from trailkeeper.ledger.sqlite import DATABASE_FILE, writer_engine

REVISION = "0012"
UNDONE = (
    "DELETE FROM follower WHERE kind='stream_jobs'",
    "ALTER TABLE follower DROP COLUMN log",
    "ALTER TABLE follower DROP COLUMN revision",
)


def test_a_stream_that_asked_for_jobs_gets_those_that_finish_after_the_upgrade(
    tmp_path: Path,
) -> None:
    with open_store("sqlite", tmp_path / "data") as store:
        here, by = store.here, store.here.workspaces.by_operator("Acme")
        for name, with_jobs, is_on in (("a", True, True), ("b", True, False), ("c", False, True)):
            id = here.streams.create(by, name).id
            here.streams.set_destination(by, id, "http", {"url": "https://siem.example.com"})
            here.streams.include(
                by,
                id,
                job_history=with_jobs,
                recipe_step_details=False,
                login_user_activity=True,
            )
            here.streams.toggle(by, id, is_on)
        jobs = [here.jobs.prepare(json.dumps(job(number)).encode()) for number in range(3)]
        here.jobs.take(by.workspace, jobs)
        expected = standings(here, by.workspace)
        _take_back(tmp_path / "data")
        after = standings(here, by.workspace)
    assert after == {"a": ("running", 3), "b": ("paused", 3), "c": ("paused", 3)}
    assert {name: state for name, (state, _) in after.items()} == {
        name: state for name, (state, _) in expected.items()
    }


def standings(here: Installation, workspace: int) -> dict[str, tuple[str, int]]:
    """How the streams' places for jobs stand, by the streams' names."""
    places = Places(Store(here.engine, here.writer, here.recorder))
    return {one.name: (one.state, one.cursor) for one in places.of(workspace, "stream_jobs")}


def _take_back(data: Path) -> None:
    """What the revision made is undone, and made by it again; later revisions are left alone."""
    engine = writer_engine(data / DATABASE_FILE)
    with engine.begin() as connection:
        for statement in UNDONE:
            connection.execute(text(statement))
        with Operations.context(MigrationContext.configure(connection)):
            ScriptDirectory(str(SCRIPTS)).get_revision(REVISION).module.upgrade()
    engine.dispose()
