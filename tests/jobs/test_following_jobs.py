"""Finished jobs in their order, in Workato's form, for those who follow them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import STORE
from tests.contract.stores import Store, open_store
from tests.jobs.support import SAMPLES, job, step

from trailkeeper.jobs.keep import Kept
from trailkeeper.jobs.source import JobSource
from trailkeeper.jobs.workato import workato_job, workato_job_path

STEPS = "recipe_step_details_failure_2019"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(STORE, tmp_path / "data") as made:
        yield made


def take(store: Store, *sent: dict[str, Any], workspace: int = 0) -> list[int | None]:
    """Take jobs in; their seqs."""
    jobs = store.here.jobs
    ready = [jobs.prepare(json.dumps(one).encode()) for one in sent]
    outcomes = jobs.take(workspace or store.acme, ready)
    assert all(isinstance(one, Kept) for one in outcomes), outcomes
    return [one.seq for one in outcomes if isinstance(one, Kept)]


def test_jobs_come_in_the_order_in_which_they_ended(store: Store) -> None:
    source = JobSource(store.here.engine)
    assert source.next_seq(store.acme) == 0
    assert take(store, job(1, status="running"), job(2), job(3, status="started")) == [
        None,
        0,
        None,
    ]
    assert take(store, job(3), job(1)) == [1, 2]
    take(store, job(1), workspace=store.other)
    assert (source.next_seq(store.acme), source.next_seq(store.other)) == (3, 1)
    assert [one.id for one in source.between(store.acme, 0, 9, False)] == ["2", "3", "1"]
    assert [one.id for one in source.between(store.acme, 1, 2, False)] == ["3"]
    assert [one.id for one in source.between(store.other, 0, 9, False)] == ["1"]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_streamed_body_is_the_one_that_was_sent(store: Store, name: str) -> None:
    sent = SAMPLES[name]
    take(store, sent)
    (whole,) = JobSource(store.here.engine).between(store.acme, 0, 1, True)
    body = workato_job(whole, steps=True)
    assert in_order(json.loads(body)) == in_order(sent)
    assert workato_job(whole, steps=True) == body

    (brief,) = JobSource(store.here.engine).between(store.acme, 0, 1, False)
    without = {key: value for key, value in sent.items() if key != "lines"}
    for one in (brief, whole):
        assert in_order(json.loads(workato_job(one, steps=False))) == in_order(without)


def in_order(value: Any) -> Any:
    """JSON in which the order of keys counts."""
    if isinstance(value, dict):
        return [(key, in_order(inner)) for key, inner in value.items()]
    return [in_order(inner) for inner in value] if isinstance(value, list) else value


def test_fields_that_nobody_sent_are_null_in_the_order_of_workato(store: Store) -> None:
    take(store, {"title": "x", "action_count": 1, "status": "failed", "flow_id": "f", "id": "i"})
    (one,) = JobSource(store.here.engine).between(store.acme, 0, 1, True)
    body = json.loads(workato_job(one, steps=True))
    assert list(body) == [key for key in SAMPLES[STEPS] if key != "lines"]
    assert (body["parent_id"], body["error"], body["is_poll_error"]) == (None, None, False)
    assert body["started_at"] == body["completed_at"]


def test_a_file_is_named_for_the_user_the_recipe_the_job_and_its_end(store: Store) -> None:
    take(store, SAMPLES["job_history_success_2019"])
    (one,) = JobSource(store.here.engine).between(store.acme, 0, 1, False)
    assert workato_job_path(one, "4848") == (
        "4848/jobs/1002398/20190913/994216821/4848-1002398-994216821-20190913192218-succeeded.json"
    )


def test_no_id_leads_out_of_its_folder(store: Store) -> None:
    take(store, job("up/../..", flow_id=".."), job("Zoë 1", flow_id="."))
    paths = [
        workato_job_path(one, "a/b")
        for one in JobSource(store.here.engine).between(store.acme, 0, 2, False)
    ]
    assert paths == [
        "a%2Fb/jobs/%2E%2E/20260521/up%2F..%2F../a%2Fb-%2E%2E-up%2F..%2F..-20260521100010-succeeded.json",
        "a%2Fb/jobs/%2E/20260521/Zo%C3%AB%201/a%2Fb-%2E-Zo%C3%AB%201-20260521100010-succeeded.json",
    ]


def test_jobs_come_with_their_steps_only_when_asked_for(store: Store) -> None:
    take(store, job(1, lines=[step()]), job(2), job(3, lines=[]))
    with_steps = JobSource(store.here.engine).between(store.acme, 0, 3, True)
    lines = [one.lines for one in with_steps]
    assert [None if one is None else json.loads(one) for one in lines] == [[step()], None, []]
    assert json.loads(workato_job(with_steps[2], steps=True))["lines"] == []
    assert [one.lines for one in JobSource(store.here.engine).between(store.acme, 0, 3, False)] == [
        None
    ] * 3
