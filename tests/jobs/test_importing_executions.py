"""n8n's executions become jobs when its event log is imported."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.conftest import STORE
from tests.contract.stores import Store, open_store
from tests.jobs.support import job

from trailkeeper.cli.imports import import_
from trailkeeper.jobs.job import Job
from trailkeeper.jobs.keep import Kept
from trailkeeper.jobs.listing import JobFilter
from trailkeeper.mail import Mailer
from trailkeeper.sources import SOURCES
from trailkeeper.sources.importer import Importer, JobSummary, Summary

DEMO = Path(str(files("trailkeeper.sources").joinpath("demo/n8nEventLog.jsonl")))


@dataclass
class Log:
    """Event logs that are imported into a workspace."""

    store: Store
    folder: Path
    ids: dict[str, int] = field(default_factory=dict)

    def run(self, *lines: bytes, file: Path | None = None) -> Summary:
        """Import these lines, or a file; what became of it."""
        here = self.store.here
        if file is None:
            file = self.folder / "n8nEventLog.log"
            file.write_bytes(b"".join(lines))
        importer = Importer(
            here.reader,
            here.recorder,
            here.writer,
            here.jobs,
            self.store.acme,
            "n8n",
            SOURCES["n8n"],
        )
        summary = Summary()
        importer.run(file, summary)
        return summary

    def event(self, name: str, execution: str = "1", second: int = 0, **payload: Any) -> bytes:
        """A line of an event log. The same event has the same id."""
        key = f"{name} {execution} {second}"
        number = self.ids.setdefault(key, len(self.ids))
        event = {
            "__type": "$$EventMessageWorkflow",
            "id": f"event-{number}",
            "ts": f"2026-11-22T20:{second // 60:02}:{second % 60:02}.000+00:00",
            "eventName": f"n8n.{name}",
            "message": name,
            "payload": {
                "executionId": execution,
                "workflowId": "w1",
                "workflowName": "Invoices",
                **payload,
            },
        }
        return json.dumps(event).encode() + b"\n"

    def node(self, node: str, second: int, *, until: int | None = None) -> list[bytes]:
        run = {"nodeName": node, "nodeType": "n8n-nodes-base.set"}
        started = self.event("node.started", second=second, **run)
        return [started] + ([self.event("node.finished", second=until, **run)] if until else [])

    def job(self, id: str = "1") -> dict[str, Any]:
        """The job as it is kept, with its lines."""
        found: Job = self.store.here.jobs.get(self.store.acme, id)
        lines = [] if found.lines is None else json.loads(found.lines)
        own = {name: getattr(found, name) for name in ("recipe_name", "is_test", "seq")}
        return {**json.loads(found.body), **own, "lines": lines}

    def all(self) -> list[str]:
        page = self.store.here.jobs.page(self.store.acme, JobFilter(), limit=1_000)
        return [one.id for one in page.jobs]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with open_store(STORE, tmp_path / "data") as store:
        yield Log(store, tmp_path)


def counted(imported: int = 0, updated: int = 0, there: int = 0, refused: int = 0) -> JobSummary:
    return JobSummary(imported, updated, there, refused)


def test_the_six_executions_of_a_real_log_are_six_jobs(log: Log) -> None:
    summary = log.run(file=DEMO)
    assert summary.jobs == counted(imported=6)
    assert (summary.imported, summary.skipped, summary.refused) == (44, 9, 0)
    assert log.all() == ["6", "5", "4", "3", "2", "1"]
    statuses = [log.job(id)["status"] for id in "123456"]
    assert statuses == ["succeeded", "succeeded", "succeeded", "failed", "failed", "canceled"]
    assert [log.job(id)["seq"] for id in "123456"] == list(range(6))


def test_a_failed_execution_says_why_and_at_which_step(log: Log) -> None:
    log.run(file=DEMO)
    failed = log.job("4")
    assert failed["flow_id"] == "Coh9XOyyShaxq3UO"
    assert (failed["recipe_name"], failed["title"], failed["is_test"]) == (
        "Failing webhook",
        "Webhook",
        False,
    )
    assert failed["error"] == "SKU table is locked"
    assert failed["error_type"] == "n8n-nodes-base.stopAndError"
    assert (failed["started_at"], failed["completed_at"]) == (
        "2026-11-22T20:25:07.346000Z",
        "2026-11-22T20:25:07.362000Z",
    )
    first, second = failed["lines"]
    assert (first["adapter_operation"], first["error"]) == ("Webhook", None)
    assert second == {
        "recipe_line_number": 1,
        "adapter_name": "n8n-nodes-base.stopAndError",
        "adapter_operation": "Boom",
        "input": None,
        "output": None,
        "error": "SKU table is locked",
        "mask_data": False,
        "line_stat": {"total": 0.014, "details": []},
    }


def test_a_second_import_gives_nothing_new(log: Log) -> None:
    log.run(file=DEMO)
    before = [log.job(id) for id in log.all()]
    again = log.run(file=DEMO)
    assert again.jobs == counted(there=6)
    assert (again.imported, again.already_there, again.skipped) == (0, 44, 9)
    assert [log.job(id) for id in log.all()] == before


def test_an_execution_without_an_end_is_unknown_until_it_is_told(log: Log) -> None:
    begun = [log.event("workflow.started", mode="webhook"), *log.node("A", 1, until=2)]
    assert log.run(*begun, *log.node("B", 3)).jobs == counted(imported=1)
    unknown = log.job()
    assert (unknown["status"], unknown["completed_at"], unknown["seq"]) == ("unknown", None, None)
    assert [one["adapter_operation"] for one in unknown["lines"]] == ["A", "B"]

    assert log.run(*begun, *log.node("B", 3)).jobs == counted(there=1)
    assert log.job() == unknown

    rest = [log.event("workflow.success", second=9)]
    assert log.run(*rest).jobs == counted(updated=1)
    ended = log.job()
    assert (ended["status"], ended["completed_at"], ended["seq"]) == (
        "succeeded",
        "2026-11-22T20:00:09.000000Z",
        0,
    )
    assert ended["lines"] == unknown["lines"]
    assert log.run(*begun).jobs == counted(there=1)
    assert log.job() == ended


def test_an_unknown_job_can_be_told_of_by_the_api(log: Log) -> None:
    log.run(log.event("workflow.started"))
    jobs = log.store.here.jobs
    told = jobs.prepare(b'{"id": 1, "status": "failed", "error": "killed by hand"}')
    (kept,) = jobs.take(log.store.acme, [told])
    assert isinstance(kept, Kept)
    assert log.job()["error"] == "killed by hand"
    end = log.event("workflow.success", second=9)
    assert log.run(log.event("workflow.started"), end).jobs == counted(there=1)
    assert log.job()["status"] == "failed"


def test_an_execution_that_crashed_says_so(log: Log) -> None:
    log.run(log.event("workflow.started"), log.event("workflow.crashed", second=5))
    crashed = log.job()
    assert (crashed["status"], crashed["error"]) == ("crashed", "The execution ended in a crash")
    failed = log.store.here.jobs.page(log.store.acme, JobFilter(states=("failed",)))
    assert [one.id for one in failed.jobs] == ["1"]


def test_a_canceled_execution_is_canceled_whatever_else_n8n_says(log: Log) -> None:
    log.run(
        log.event("workflow.started"),
        *log.node("Wait", 1),
        log.event("workflow.cancelled", second=2, reason="manual"),
        log.event("workflow.failed", second=3),
        *log.node("Wait", 1, until=4)[1:],
    )
    canceled = log.job()
    assert (canceled["status"], canceled["error"]) == ("canceled", None)
    assert canceled["completed_at"] == "2026-11-22T20:00:02.000000Z"
    assert canceled["lines"][0]["line_stat"] == {"total": 3.0, "details": []}


def test_an_end_alone_is_a_job_too(log: Log) -> None:
    log.run(log.event("workflow.success", second=7, mode="trigger"))
    ended = log.job()
    assert (ended["status"], ended["title"]) == ("succeeded", "Trigger")
    assert ended["started_at"] == ended["completed_at"] == "2026-11-22T20:00:07.000000Z"


def test_many_executions_across_batches_are_each_told_once(log: Log) -> None:
    lines: list[bytes] = []
    for number in range(700):
        id = str(number)
        lines += [
            log.event("workflow.started", id, number),
            log.event("node.started", id, number, nodeName="A"),
            log.event("node.finished", id, number, nodeName="A"),
            log.event("workflow.success", id, number),
        ]
    assert log.run(*lines).jobs == counted(imported=700)
    assert len(log.all()) == 700
    assert {len(log.job(id)["lines"]) for id in ("0", "249", "250", "699")} == {1}
    assert log.run(*lines).jobs == counted(there=700)


def test_an_execution_of_thousands_of_steps_keeps_the_first(log: Log) -> None:
    lines = [log.event("node.started", second=n, nodeName=f"N{n}") for n in range(1_500)]
    log.run(log.event("workflow.started"), *lines, log.event("workflow.success", second=1_600))
    assert len(log.job()["lines"]) == 1_000
    assert log.job()["status"] == "succeeded"


def test_an_id_that_belongs_to_another_recipes_job_is_refused(log: Log) -> None:
    jobs = log.store.here.jobs
    jobs.take(log.store.acme, [jobs.prepare(json.dumps(job(1, flow_id=7)).encode())])
    summary = log.run(log.event("workflow.started"), log.event("workflow.success", second=1))
    assert summary.jobs == counted(refused=1)
    assert "recipe" in summary.refusals[0].reason
    assert summary.refused == 0


def test_events_without_an_execution_are_skipped(log: Log) -> None:
    for wrong in (None, "", "x" * 300, {"a": 1}):
        summary = log.run(log.event("workflow.started", executionId=wrong))
        assert summary.skipped_reasons == {"about an execution without an id": 1}
    assert log.all() == []


def test_nobody_is_mailed_for_imported_failures(log: Log) -> None:
    here = log.store.here
    by = here.workspaces.by_operator("Acme")
    here.notifications.set_emails(by, ["ops@example.com"])
    log.run(file=DEMO)
    assert Mailer("x@example.com", here.data / "mail").kept() == []


def test_a_state_from_before_there_were_jobs_is_still_read(log: Log) -> None:
    source = SOURCES["n8n"]()
    state: dict[str, Any] = msgspec.json.decode(source.export_state())
    del state["executions"]
    source.load_state(msgspec.json.encode(state))
    assert source.jobs(at_end=True) == []


def test_the_command_counts_jobs_on_their_own(
    log: Log, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in log.store.environment.items():
        monkeypatch.setenv(name, value)

    def run(*, as_json: bool) -> str:
        done = import_(DEMO, data=log.store.data, workspace="Acme", format_="n8n", json_=as_json)
        assert done == 0
        return capsys.readouterr().out

    summary = json.loads(run(as_json=True))
    counts = {name: summary[name] for name in ("imported", "already_there", "skipped", "refused")}
    assert counts == {"imported": 44, "already_there": 0, "skipped": 9, "refused": 0}
    assert summary["jobs"] == {"imported": 6, "updated": 0, "already_there": 0, "refused": 0}
    assert "jobs: 0 imported, 0 updated, 6 already there, 0 refused" in run(as_json=False)
