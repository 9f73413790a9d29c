"""An import that was killed half-way and started again gives what an unbroken one gives."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pysqlite3.dbapi2 as driver
import pytest
from tests.conftest import TRAILKEEPER, Site, activity, make_site, wait_for

from trailkeeper.cli.imports import import_

from .support import check_ledger


def jsonl(count: int) -> list[Any]:
    """Lines with ids and without, some of them equal, some wrong."""
    lines: list[Any] = []
    for n in range(count):
        line = activity(
            occurred_at=f"2026-03-{n % 28 + 1:02}T00:00:{n % 60:02}Z", details={"n": n - n % 3}
        )
        if n % 2:
            line["id"] = f"own-{n}"
        if n % 97 == 0:
            line["outcome"] = "perhaps"
        lines.append(line)
    return lines


def n8n(count: int) -> list[Any]:
    """Events of which many can be told only with what earlier ones said."""

    def event(n: int, name: str, payload: dict[str, Any]) -> dict[str, Any]:
        return {
            "__type": "$$EventMessageAudit",
            "id": f"event-{n}",
            "ts": f"2026-03-01T{n // 3_600:02}:{n // 60 % 60:02}:{n % 60:02}.000+00:00",
            "eventName": f"n8n.audit.{name}",
            "message": name,
            "payload": payload,
        }

    user = {"userId": "u1", "_email": "anna@example.com", "_firstName": "Anna"}

    def flow(n: int) -> dict[str, Any]:
        return {**user, "workflowId": f"w{n // 4}", "workflowName": f"Flow {n // 4}"}

    names = ("workflow.created", "workflow.updated", "workflow.deleted", "user.login.success")
    return [event(n, names[n % 4], flow(n)) for n in range(count)]


FORMATS: dict[str, Callable[[int], list[Any]]] = {"jsonl": jsonl, "n8n": n8n}
LINES = 4_500


@pytest.mark.parametrize("form", FORMATS)
def test_a_killed_import_that_is_started_again_gives_the_same_as_an_unbroken_one(
    tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "events"
    file.write_text("".join(json.dumps(line) + "\n" for line in FORMATS[form](LINES)))
    unbroken, broken = make_site(tmp_path / "unbroken"), make_site(tmp_path / "broken")

    there = ("--data", str(broken.data), "--workspace", broken.workspace, "--format", form)

    def import_here(site: Site) -> dict[str, Any]:
        assert import_(file, data=site.data, workspace="Acme", format_=form, json_=True) == 0
        return json.loads(capsys.readouterr().out)

    whole = import_here(unbroken)
    first = subprocess.Popen([*TRAILKEEPER, "import", *there, str(file)], stdout=subprocess.DEVNULL)
    kept = wait_for(lambda: len(imported(broken)), 60)
    first.send_signal(signal.SIGKILL)
    assert first.wait(10) == -signal.SIGKILL
    assert 0 < kept < len(imported(unbroken))
    check_ledger(broken, {})
    survived = len(imported(broken))

    rest = import_here(broken)
    assert imported(broken) == imported(unbroken)
    assert rest["imported"] == whole["imported"] - survived
    assert rest["imported"] + rest["already_there"] == whole["imported"] + whole["already_there"]
    assert (rest["skipped"], rest["refused"]) == (whole["skipped"], whole["refused"])
    check_ledger(broken, {})


def imported(site: Site) -> list[tuple[str, bytes]]:
    """The imported activities in the order of recording: their ids and personal parts."""
    with closing(driver.connect(str(site.data / "trailkeeper.db"))) as database:
        return database.execute(
            "SELECT a.id, a.personal FROM activity AS a JOIN term AS t ON t.key = a.action"
            " WHERE t.value NOT IN ('workspace.created', 'api_token.created',"
            " 'activities.imported') ORDER BY a.seq"
        ).fetchall()
