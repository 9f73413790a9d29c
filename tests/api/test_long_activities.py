"""Activities over 64 KiB: their longest details and changes are cut, and what was cut is marked."""

from __future__ import annotations

import json
from typing import Any

import httpx
from tests.conftest import Site, activity

from .support import PATH, expect_problem, fetched, record, rows

LIMIT = 64 * 1024


def test_a_long_detail_is_cut_and_marked_and_the_others_are_kept(own: httpx.Client) -> None:
    long = "".join(f"{n}," for n in range(20_000))
    others = {"note": "kept", "list": [1, {"a": "b"}], "middle": "m" * 5_000}
    receipt = record(own, details={**others, "body": long})
    details = fetched(own, receipt["id"])["details"]
    cut = details.pop("body")
    assert details == others
    assert cut["$cut"]["original_bytes"] == len(json.dumps(long))
    assert long.startswith(cut["$cut"]["start"])
    assert len(cut["$cut"]["start"]) > 100


def test_only_as_many_values_are_cut_as_must_be(own: httpx.Client) -> None:
    details = {f"part{n}": "x" * 15_000 for n in range(5)}
    receipt = record(own, details=details)
    read = fetched(own, receipt["id"])["details"]
    assert sum("$cut" in value for value in read.values()) == 1


def test_a_long_change_is_cut_on_the_side_that_is_long(own: httpx.Client) -> None:
    new = ["y" * 50] * 2_000
    changes = [
        {"field": "code", "old": "short", "new": new},
        {"field": "name", "old": "a", "new": "b"},
    ]
    receipt = record(own, changes=changes)
    read = fetched(own, receipt["id"])["changes"]
    assert read[1] == changes[1]
    assert (read[0]["field"], read[0]["old"]) == ("code", "short")
    assert read[0]["new"]["$cut"]["original_bytes"] == len(
        json.dumps(["y" * 50] * 2_000, separators=(",", ":"))
    )


def test_what_is_recorded_is_never_longer_than_the_limit(own: httpx.Client) -> None:
    details: dict[str, Any]
    for details in (
        {"a": "x" * 100_000},
        {f"key{n}": "y" * 400 for n in range(500)},
        {f"k{n}": n for n in range(20_000)},
        {"k" * 70_000: 1},
        {"quotes": '"' * 60_000},
        {"emoji": "\U0001f600" * 30_000},
        {"lists": [[[n]] for n in range(20_000)]},
    ):
        receipt = record(own, details=details)
        read = own.get(f"{PATH}/{receipt['id']}")
        assert len(read.content) < LIMIT
        assert "$cut" in read.text


def test_what_fits_is_not_cut(own: httpx.Client) -> None:
    details = {"text": "x" * 63_000}
    receipt = record(own, details=details)
    assert fetched(own, receipt["id"])["details"] == details


def test_the_same_long_activity_again_is_already_there(own: httpx.Client) -> None:
    sent = activity(id="long", details={"a": "x" * 100_000})
    assert own.post(PATH, json=sent).status_code == 201
    assert own.post(PATH, json=sent).status_code == 200


def test_another_long_activity_with_the_same_start_is_a_conflict(own: httpx.Client) -> None:
    one, other = "x" * 100_000, "x" * 99_999 + "y"
    assert own.post(PATH, json=activity(id="start", details={"a": one})).status_code == 201
    answer = own.post(PATH, json=activity(id="start", details={"a": other}))
    expect_problem(answer, 409, "id-conflict", pointer="/id")


def test_what_may_not_be_cut_is_refused_when_it_is_too_long(
    workspace: Site, own: httpx.Client
) -> None:
    before = rows(workspace)
    metadata = {"note": "z" * 70_000}
    sent = activity(actor={"type": "user", "id": "1", "metadata": metadata})
    expect_problem(own.post(PATH, json=sent), 422, "invalid-activity", pointer="")
    targets = [{"type": "recipe", "id": f"{n}" * 80, "name": "n" * 700} for n in range(10, 99)]
    expect_problem(own.post(PATH, json=activity(targets=targets)), 422, "invalid-activity")
    assert rows(workspace) == before


def test_the_longest_ids_and_the_most_targets_fit(own: httpx.Client) -> None:
    targets = [{"type": "t" * 64, "id": f"{n:03}" + "i" * 252} for n in range(100)]
    receipt = record(own, targets=targets, id="l" * 255, action="a." + "b" * 126)
    assert fetched(own, receipt["id"])["targets"] == targets
