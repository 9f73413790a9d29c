"""The process that reads large batches: it answers as the server itself would, and may die."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.conftest import Site, activity, make_site, wait_for

from trailkeeper.catalogue.details import CustomAction
from trailkeeper.ledger.batch import Batch, read_batch
from trailkeeper.ledger.helper import FAILURES_MAX, Helper
from trailkeeper.ledger.recorder import Preparing, Rules
from trailkeeper.redaction import Redactor

from .support import PATH

PLATE = CustomAction(
    name="car.parked", label="Car parked", schema={"properties": {"plate": {"type": "string"}}}
)
RULES = Rules(strict=True, custom={PLATE.name: PLATE})


@pytest.fixture
def helper() -> Iterator[Helper]:
    made = Helper(("plate_secret",))
    wait_for(lambda: made.read(b"[]", RULES, lines=False), 30)
    yield made
    made.close()


def here(body: bytes, *, lines: bool) -> Batch:
    return read_batch(body, Preparing(Redactor(("plate_secret",)), RULES), lines=lines)


def shown(batch: Batch) -> list[Any]:
    """A batch without what is random in it."""
    kept = [msgspec.structs.replace(one, salt=b"", public_rest=b"") for one in batch.prepared]
    return [msgspec.to_builtins(kept), batch.refused, batch.is_one]


GOOD = activity(id="a", details={"plate_secret": "x", "note": "tk_" + "a" * 30})
PARKED = activity(action="car.parked", details={"plate": "M-1"})
WRONG = (
    {"action": "recipe.stopped"},
    activity(action="nobody.declared"),
    activity(action="car.parked", details={"plate": 1}),
    activity(colour="red"),
)


@pytest.mark.parametrize("lines", [False, True])
@pytest.mark.parametrize("items", [[GOOD, PARKED], [GOOD, *WRONG, PARKED]])
def test_it_reads_what_the_server_would_read(
    helper: Helper, items: list[dict[str, Any]], lines: bool
) -> None:
    texts = [json.dumps(item) for item in items]
    body = ("\n".join(texts) if lines else f"[{','.join(texts)}]").encode()
    batch = helper.read(body, RULES, lines=lines)
    assert batch is not None
    assert shown(batch) == shown(here(body, lines=lines))
    assert len(batch.prepared) == 2
    assert b"plate_secret" in batch.prepared[0].personal
    assert b"aaaa" not in batch.prepared[0].personal


@pytest.mark.parametrize("body", [b"", b"[", b'{"a":1', b"[" + b"{}," * 10_000 + b"{}]"])
def test_it_leaves_a_body_that_is_wrong_as_a_whole_to_the_server(
    helper: Helper, body: bytes
) -> None:
    assert helper.read(body, RULES, lines=False) is None
    assert helper.read(b"[]", RULES, lines=False) is not None


def test_one_that_dies_is_replaced_and_after_many_deaths_the_server_does_without(
    helper: Helper,
) -> None:
    for _ in range(FAILURES_MAX):
        wait_for(lambda: helper.read(b"[]", RULES, lines=False), 30)
        assert helper._process is not None
        helper._process.kill()
        helper._process.wait()
        assert helper.read(b"[]", RULES, lines=False) is None
    assert helper._process is None
    assert helper.read(b"[]", RULES, lines=False) is None


def children(site: Site) -> list[int]:
    assert site.process is not None
    tasks = Path(f"/proc/{site.process.pid}/task")
    return [
        int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()
    ]


def test_killed_under_load_it_takes_nothing_with_it_and_it_ends_with_the_server(
    tmp_path: Path,
) -> None:
    site = make_site(tmp_path / "data").start()
    sent = 0

    def post() -> None:
        nonlocal sent
        items = [activity(id=f"one-{number}") for number in range(sent, sent + 200)]
        with site.http() as http:
            results = http.post(PATH, json=items).raise_for_status().json()
        assert [result["status"] for result in results] == [201] * 200
        sent += 200

    def has_helper() -> list[int]:
        post()
        return children(site)

    for _ in range(3):
        victim = wait_for(has_helper, 30)[0]
        os.kill(victim, signal.SIGKILL)
        post()
    last = wait_for(has_helper, 30)[0]
    with site.http() as http:
        found = http.get(PATH, params={"limit": 1}).json()["data"][0]
        assert found["id"] == f"one-{sent - 1}"
        assert http.get(f"{PATH}/one-0").status_code == 200
    assert site.stop() == 0
    with suppress(ProcessLookupError):
        os.kill(last, 0)
        pytest.fail("the helper outlived the server")
