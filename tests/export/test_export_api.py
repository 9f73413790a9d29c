"""/api/v1/exports: asked for, made in the background, downloaded, deleted; and who may."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from tests.api.support import expect_problem, listed, record_all
from tests.conftest import Site, activity, make_site, wait_for
from tests.export.filling import fill

from trailkeeper.installation import opened
from trailkeeper.ledger.schema import audit_export

from .support import EXPORTS, asked, csv_rows, ended, exported, lines, parquet_rows, unpacked


@pytest.fixture(scope="module")
def recorded(own: httpx.Client) -> list[dict[str, Any]]:
    record_all(
        own,
        [
            activity(
                actor={"type": "user", "id": str(n % 3)}, details={"n": n, "w": f"word{n % 2}"}
            )
            for n in range(50)
        ],
    )
    return listed(own)


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Site]:
    """An installation with a log that takes a while to export, not served yet."""
    made = make_site(tmp_path / "data")
    fill(made, 60_000)
    yield made
    made.stop()


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_an_export_holds_what_the_list_has(
    own: httpx.Client, recorded: Any, compression: str
) -> None:
    before = listed(own, q="word1")
    raw = exported(own, format="jsonl", compression=compression, q="word1")
    assert lines(unpacked(raw, compression)) == before


def test_an_export_ends_where_the_log_was_when_it_was_asked_for(
    own: httpx.Client, recorded: Any
) -> None:
    before = listed(own, order="asc")
    one = asked(own, format="jsonl", order="asc")
    record_all(own, [activity(details={"later": True})])
    assert one["end_seq"] == len(before)
    assert ended(own, one["id"])["count"] == len(before)
    assert lines(own.get(f"{EXPORTS}/{one['id']}/download").content) == before


def test_all_parameters_of_the_filter_are_fields_and_lists_are_alternatives(
    own: httpx.Client, recorded: Any
) -> None:
    wish = {
        "actor": ["user:0", "user:1"],
        "target_type": "recipe",
        "outcome": "success",
        "range": "24h",
        "q": "word0",
    }
    assert lines(exported(own, format="jsonl", **wish)) == listed(own, **wish)
    one = own.get(EXPORTS).json()["data"][0]
    assert one["filter"] == {k: v if isinstance(v, list) else [v] for k, v in wish.items()}
    assert lines(exported(own, format="jsonl", **{"from": "2999-01-01"})) == []


def test_tables_are_whole(own: httpx.Client, recorded: Any) -> None:
    expected = [one["id"] for one in listed(own, actor="user:2")]
    wish = {"actor": "user:2"}
    assert [r["id"] for r in csv_rows(exported(own, format="csv", **wish))] == expected
    assert [r["id"] for r in parquet_rows(exported(own, format="parquet", **wish))] == expected


def test_a_file_is_called_by_its_workspace_and_says_what_it_is(
    own: httpx.Client, recorded: Any
) -> None:
    one = ended(own, asked(own, format="csv", compression="gzip", actor="user:1")["id"])
    answer = own.get(one["download"])
    assert answer.headers["content-type"] == "application/gzip"
    assert one["file_name"] in answer.headers["content-disposition"]
    assert one["file_name"].startswith("workspace-")
    assert one["file_name"].endswith(".csv.gz")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert hashlib.sha256(answer.content).hexdigest() == one["sha256"]
    assert len(answer.content) == one["bytes"]


def test_what_is_done_with_an_export_is_recorded(own: httpx.Client, recorded: Any) -> None:
    one = ended(own, asked(own, format="jsonl", actor="user:1")["id"])
    own.get(one["download"])
    assert own.delete(f"{EXPORTS}/{one['id']}").status_code == 204
    done = [a for a in listed(own, action="audit_log.*") if a["details"]["export_id"] == one["id"]]
    assert [a["action"].partition(".")[2] for a in done] == [
        "export_deleted",
        "export_downloaded",
        "exported",
        "export_requested",
    ]
    assert {a["actor"]["type"] for a in done} == {"api_client"}
    assert {a["details"]["filter"] for a in done} == {"actor=user%3A1"}
    assert done[2]["details"]["sha256"] == one["sha256"]
    expect_problem(own.get(f"{EXPORTS}/{one['id']}"), 404, "not-found")
    expect_problem(own.get(one["download"]), 404, "not-found")


@pytest.mark.parametrize(
    ("wish", "pointer"),
    [
        ({"format": "xml"}, "/format"),
        ({"format": "csv", "compression": "lzma"}, "/compression"),
        ({"format": "parquet", "compression": "zstd"}, "/compression"),
        ({"format": "csv", "order": "up"}, "/order"),
        ({"format": "csv", "ip": "nonsense"}, "/ip"),
        ({"format": "csv", "from": "yesterday"}, "/from"),
        ({"format": "csv", "q": "nonsense:1"}, "/q"),
        ({"format": "csv", "q": "x" * 20_000}, None),
        ({"format": "csv", "actor": ["x"] * 101}, "/actor"),
        ({"format": "csv", "who": "x"}, None),
        ({}, None),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused_at_its_field(
    own: httpx.Client, wish: dict[str, Any], pointer: str | None
) -> None:
    expect_problem(own.post(EXPORTS, json=wish), 422, "invalid-input", pointer=pointer)


def test_exports_are_their_workspaces_own(
    http: httpx.Client, own: httpx.Client, recorded: Any
) -> None:
    one = ended(own, asked(own, format="jsonl", actor="user:1")["id"])
    assert one["id"] not in [other["id"] for other in http.get(EXPORTS).json()["data"]]
    for answer in (
        http.get(f"{EXPORTS}/{one['id']}"),
        http.get(one["download"]),
        http.delete(f"{EXPORTS}/{one['id']}"),
    ):
        expect_problem(answer, 404, "not-found")
    assert own.get(one["download"]).status_code == 200


def test_whoever_may_not_read_the_log_may_not_export_it(
    workspace: Site, own: httpx.Client, recorded: Any
) -> None:
    one = ended(own, asked(own, format="jsonl", actor="user:1")["id"])
    writer = workspace.new_token("activities:write", name="writer")
    with workspace.http(writer) as http:
        expect_problem(http.post(EXPORTS, json={"format": "csv"}), 403, "forbidden")
        expect_problem(http.get(EXPORTS), 403, "forbidden")
        expect_problem(http.get(one["download"]), 403, "forbidden")
        expect_problem(http.delete(f"{EXPORTS}/{one['id']}"), 403, "forbidden")
    reader = workspace.new_token("activities:read", name="reader")
    with workspace.http(reader) as http:
        assert exported(http, format="jsonl", actor="user:1") == own.get(one["download"]).content


def test_only_so_many_are_under_way_and_one_can_be_given_up(full: Site) -> None:
    full.environment["TRAILKEEPER_EXPORTS_AT_ONCE"] = "1"
    with full.start().http() as http:
        one = asked(http, format="csv")
        refused = http.post(EXPORTS, json={"format": "csv"})
        expect_problem(refused, 429, "too-many-requests")
        assert int(refused.headers["retry-after"]) > 0
        expect_problem(http.get(f"{EXPORTS}/{one['id']}/download"), 409, "conflict")
        assert http.delete(f"{EXPORTS}/{one['id']}").status_code == 204
        assert exported(http, format="jsonl", q="nothing") == b""
        folder = full.data / "exports"
        wait_for(lambda: not list(folder.glob(f"{one['id']}*")), 20, full.log)
        assert http.get(EXPORTS).json()["data"][0]["state"] == "done"


def test_files_are_their_owners_alone_and_the_oldest_make_room(full: Site) -> None:
    full.environment["TRAILKEEPER_EXPORTS_MAX_BYTES"] = "20000000"
    with full.start().http() as http:
        first, second = (
            ended(http, asked(http, format="jsonl", order="asc", actor=f"user:{n}")["id"])
            for n in (1, 2)
        )
        folder = full.data / "exports"
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
        assert first["bytes"] + second["bytes"] > 20_000_000, "else there is room for both"
        wait_for(lambda: [e["id"] for e in http.get(EXPORTS).json()["data"]] == [second["id"]])
        assert [file.stem for file in folder.iterdir()] == [second["id"]]
        (gone,) = listed(http, action="audit_log.export_deleted")
        assert (gone["actor"]["id"], gone["reason"]) == ("exports", "to make room for a new one")
        long = ended(http, asked(http, format="jsonl")["id"])
        assert long["state"] == "failed"
        assert "longer than 20,000,000 bytes; ask for less" in long["error"]
        expect_problem(http.get(f"{EXPORTS}/{long['id']}/download"), 409, "conflict")
        (failed,) = listed(http, action="audit_log.export_failed")
        assert failed["outcome"] == "failure"
        assert failed["reason"] == long["error"]


def test_an_export_that_is_old_is_deleted_with_its_file(site: Site) -> None:
    with site.http() as http:
        one = ended(http, asked(http, format="jsonl")["id"])
    site.stop()
    file = site.data / "exports" / f"{one['id']}.jsonl"
    assert file.is_file()
    stray = site.data / "exports" / "nobody.jsonl"
    stray.write_text("x")
    with opened(site.data) as installation:
        old = update(audit_export).values(ended_at=audit_export.c.ended_at - 8 * 86_400_000_000)
        installation.writer.run(lambda transaction: transaction.connection.execute(old))
    with site.start().http() as http:
        wait_for(lambda: http.get(EXPORTS).json()["data"] == [], 20, site.log)
        wait_for(lambda: not file.exists() and not stray.exists(), 20, site.log)
        (gone,) = listed(http, action="audit_log.export_deleted")
        assert gone["reason"] == "after 7 days"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_an_export_goes_on_after_the_end_of_the_server(full: Site, how: signal.Signals) -> None:
    with full.start().http() as http:
        one = asked(http, format="csv")
        wait_for(lambda: http.get(f"{EXPORTS}/{one['id']}").json()["state"] == "running", 20)
        wait_for(lambda: list((full.data / "exports").glob("*.part")), 20, full.log)
    full.stop(how)
    with full.start().http() as http:
        done = ended(http, one["id"], full.log)
        assert done["state"] == "done", done
        assert done["count"] == one["end_seq"]
        assert len(csv_rows(http.get(done["download"]).content)) == one["end_seq"]
        wait_for(lambda: len(list((full.data / "exports").iterdir())) == 1, 20)


def test_a_process_that_dies_is_told_of(full: Site) -> None:
    with full.start().http() as http:
        one = asked(http, format="csv")
        assert full.process is not None
        server = full.process.pid
        pid = wait_for(lambda: child_of(server, "trailkeeper.exports.process"), 20, full.log)
        os.kill(pid, signal.SIGKILL)
        done = ended(http, one["id"])
        assert done["state"] == "failed"
        assert "ended early (code -9)" in done["error"]


def child_of(parent: int, module: str) -> int | None:
    """The process id of a child that runs a module."""
    for task in Path(f"/proc/{parent}/task").iterdir():
        for child in (task / "children").read_text().split():
            if module in Path(f"/proc/{child}/cmdline").read_text():
                return int(child)
    return None
