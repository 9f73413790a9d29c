"""Two workspaces in one installation: neither sees, counts or disturbs the other's activities."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from tests.conftest import Site, activity

from .support import PATH, Run, expect_problem, fetched, listed, record, record_all


@pytest.fixture(scope="module")
def other(shared_site: Site) -> Iterator[httpx.Client]:
    """The client of a second workspace."""
    with shared_site.add_workspace("Other", "other@example.com").http() as client:
        yield client


def test_neither_sees_the_others_activities(own: httpx.Client, other: httpx.Client) -> None:
    mine = record(own, details={"note": "mine alone"}, context={"ip_address": "192.0.2.7"})
    theirs = record(other, details={"note": "theirs alone"}, context={"ip_address": "192.0.2.7"})
    for asked in (
        {},
        {"q": "alone"},
        {"action": "recipe.stopped"},
        {"actor": "user:7"},
        {"actor": "robin@example.com"},
        {"target": "recipe:42"},
        {"target_type": "recipe"},
        {"ip": "192.0.2.0/24"},
        {"outcome": "success"},
        {"environment": "prod"},
        {"order": "asc"},
    ):
        ids = {one["id"] for one in listed(own, **asked)}
        assert mine["id"] in ids
        assert theirs["id"] not in ids
    expect_problem(own.get(f"{PATH}/{theirs['id']}"), 404, "not-found")
    expect_problem(other.get(f"{PATH}/{mine['id']}"), 404, "not-found")


def test_a_filter_that_only_the_other_could_answer_finds_nothing(
    own: httpx.Client, other: httpx.Client
) -> None:
    record(other, action="theirs.only", actor={"type": "user", "id": "theirs", "name": "Xenia"})
    for asked in ({"action": "theirs.*"}, {"actor": "theirs"}, {"q": "Xenia"}, {"q": "-x theirs*"}):
        assert listed(own, **asked) == []


def test_one_id_may_be_used_in_both(own: httpx.Client, other: httpx.Client) -> None:
    assert record(own, id="both", reason="mine")["id"] == "both"
    assert record(other, id="both", reason="theirs")["id"] == "both"
    assert fetched(own, "both")["reason"] == "mine"
    assert fetched(other, "both")["reason"] == "theirs"


def test_each_counts_its_own_seq(own: httpx.Client, other: httpx.Client) -> None:
    def next_seq(http: httpx.Client) -> int:
        return record(http)["seq"] + 1

    mine, theirs = next_seq(own), next_seq(other)
    record_all(other, [activity() for _ in range(5)])
    assert next_seq(own) == mine + 1
    assert next_seq(other) == theirs + 6
    for http in (own, other):
        found = listed(http)
        assert sorted(one["seq"] for one in found) == list(range(len(found)))


def test_one_microsecond_shared_by_both_keeps_them_apart(
    own: httpx.Client, other: httpx.Client
) -> None:
    at = "2026-04-05T06:07:08Z"
    for http in (own, other, own):
        record_all(http, [activity(action="both.shared", occurred_at=at)] * 800)
    assert len(listed(own, action="both.shared")) == 1_600
    assert len(listed(other, action="both.shared", order="asc")) == 800


def test_declared_actions_are_the_workspaces_own(own: httpx.Client, other: httpx.Client) -> None:
    schema = {"required": ["x"]}
    own.put("/api/v1/actions/mine.declared", json={"label": "Mine", "schema": schema})
    assert own.post(PATH, json=activity(action="mine.declared")).status_code == 422
    assert other.post(PATH, json=activity(action="mine.declared")).status_code == 201
    assert other.get("/api/v1/actions").json()["data"] == []


def test_the_command_line_keeps_to_the_workspace_it_is_given(
    workspace: Site, own: httpx.Client, other: httpx.Client, run: Run
) -> None:
    record(own, details={"note": "shell mine"})
    record(other, details={"note": "shell theirs"}, targets=[{"type": "recipe", "id": "theirs"}])
    there = ("--data", workspace.data, "--workspace", workspace.workspace)
    found = run("search", "shell", *there, "--json").stdout
    assert "shell mine" in found
    assert "shell theirs" not in found
