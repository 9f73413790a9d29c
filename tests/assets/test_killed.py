"""kill -9 between any two steps of an operation leaves both state and record, or neither."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.assets.desk import open_desk
from tests.assets.test_random_operations import facts_of
from tests.conftest import new_installation

from trailkeeper.assets.replay import replay
from trailkeeper.installation import opened

KILLED = """
import os, signal, sys
from pathlib import Path
from trailkeeper.assets.rows import Rows
from trailkeeper.identity.store import Store
from trailkeeper.installation import opened
from trailkeeper.ledger.sqlite.append import Appender
from trailkeeper.ledger.writer import Writer

data, where, step, is_after, workspace, recipe = sys.argv[1:]
where = {"Rows": Rows, "Store": Store, "Appender": Appender, "Writer": Writer}[where]
real = getattr(where, step)

def killed(*arguments, **named):
    if is_after == "after":
        real(*arguments, **named)
    os.kill(os.getpid(), signal.SIGKILL)

with opened(Path(data)) as here:
    by = here.workspaces.by_operator(workspace)
    setattr(where, step, killed)
    here.registry.update(by, "recipe", recipe, name="New", content={"description": "new"})
"""

STEPS = [
    ("Rows", "update", "before", False),
    ("Rows", "update", "after", False),
    ("Rows", "keep_version", "after", False),
    ("Store", "record", "before", False),
    ("Appender", "append", "after", False),
    ("Writer", "_answer", "before", True),
]
"""Where it is killed, and whether that was after the commit."""


@pytest.mark.parametrize(("where", "step", "when", "is_kept"), STEPS)
def test_killed_half_way_state_and_record_stand_or_fall_together(
    tmp_path: Path, where: str, step: str, when: str, is_kept: bool
) -> None:
    data = tmp_path / "data"
    new_installation(data)
    with opened(data) as here:
        desk = open_desk(here)
        recipe = desk.make("recipe", "Old")
        ((_, name),) = here.workspaces.listed()
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(data), where, step, when, name, recipe.id],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    with opened(data) as here:
        found = here.registry.get(desk.workspace, "recipe", recipe.id)
        log = here.reader.after(desk.workspace, 0, 100)
        versions = here.registry.versions(desk.workspace, "recipe", recipe.id)
        assert found.name == ("New" if is_kept else "Old")
        assert len(versions) == found.version == (3 if is_kept else 1)
        assert [one.action for one in log[2:]] == (
            ["recipe.renamed", "recipe.updated"] if is_kept else []
        )
        assert facts_of(replay(log)[recipe.id]) == facts_of(found)
