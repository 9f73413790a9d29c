"""A list of 50 out of 100,000 jobs is one statement that does not read them all."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, insert
from tests.conftest import STORE
from tests.contract.stores import Store, open_store

from trailkeeper.jobs.listing import JobFilter
from trailkeeper.ledger.schema import job
from trailkeeper.ledger.writer import Transaction

COUNT = 100_000
DAY_US = 86_400_000_000
START = 1_780_000_000_000_000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(STORE, tmp_path_factory.mktemp("many") / "data") as made:
        fill(made)
        yield made


def fill(store: Store) -> None:
    rows = [
        {
            "workspace": store.acme,
            "id": str(number),
            "id_is_number": True,
            "recipe_id": str(number % 97),
            "recipe_name": f"Recipe {number % 97}",
            "status": "failed" if number % 1_000 == 0 else "succeeded",
            "state": "failed" if number % 1_000 == 0 else "succeeded",
            "is_test": False,
            "started_at": START + number * 1_000_000,
            "completed_at": START + number * 1_000_000 + 5_000,
            "received_at": START + number * 1_000_000 + 9_000,
            "seq": number,
            "title": f"Order {number}",
            "folded": f"order {number}",
            "body": b"{" + b'"report":"' + b"x" * 1_000 + b'"}',
        }
        for number in range(COUNT)
    ]

    def work(transaction: Transaction) -> None:
        transaction.connection.execute(insert(job), rows)
        if store.url:
            transaction.connection.exec_driver_sql("ANALYZE job")

    store.here.writer.run(work)


ASKED = {
    "all": JobFilter(),
    "failed": JobFilter(states=("failed",)),
    "none": JobFilter(states=("unknown",)),
    "of a recipe": JobFilter(recipe_id="13"),
    "failed of a recipe": JobFilter(recipe_id="13", states=("failed",)),
    "long ago": JobFilter(until=START + 60_000_000),
    "with a common word": JobFilter(words=("order",)),
}


SHOWN = {"none": 0, "failed of a recipe": 1}


@contextmanager
def noted(store: Store) -> Iterator[list[tuple[str, Any]]]:
    """The statements that are sent meanwhile, with their parameters."""
    statements: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, values: Any, *_: object) -> None:
        statements.append((statement, values))

    event.listen(store.here.engine, "before_cursor_execute", note)
    yield statements
    event.remove(store.here.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("name", ASKED)
def test_ten_pages_of_many_jobs_are_quick_and_ten_statements(store: Store, name: str) -> None:
    jobs, cursor = store.here.jobs, None
    with noted(store) as statements:
        started = time.monotonic()
        for number in range(10):
            page = jobs.page(store.acme, ASKED[name], limit=50, cursor=cursor)
            if number == 0:
                assert len(page.jobs) == SHOWN.get(name, 50)
            cursor = page.next_cursor
        took = time.monotonic() - started
    assert len(statements) == 10
    assert took < 2, f"ten pages took {took:.2f} s"


@pytest.mark.parametrize("name", ASKED)
def test_each_walk_follows_an_index_in_order(store: Store, name: str) -> None:
    """Nothing is sorted but the few rows that the walks end with."""
    with noted(store) as statements:
        store.here.jobs.page(store.acme, ASKED[name], limit=50)
    ((statement, values),) = statements
    with store.here.engine.connect() as connection:
        if store.url:
            plan = connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars().all()
            scans = [line for line in plan if re.search(r"Scan.* on job\b", line)]
            assert scans, plan
            by_index = re.compile(r"Index Scan (Backward )?using ix_job_workspace_").search
            assert all(map(by_index, scans)), plan
            return
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    walks = {row[0] for row in plan if row[3].startswith("CO-ROUTINE")}
    steps = [row[3] for row in plan if row[1] in walks]
    assert len(steps) == len(walks), steps
    assert all(one.startswith("SEARCH job USING INDEX ix_job_workspace_") for one in steps), steps


def test_even_words_that_no_job_has_are_looked_for_quickly(store: Store) -> None:
    started = time.monotonic()
    assert store.here.jobs.page(store.acme, JobFilter(words=("nowhere",))).jobs == []
    assert time.monotonic() - started < 2


def test_the_recipes_of_many_jobs_are_found_quickly(store: Store) -> None:
    started = time.monotonic()
    found = store.here.jobs.recipes(store.acme)
    assert len(found) == 97
    assert found[0].name == "Recipe 0"
    assert time.monotonic() - started < 1
