"""`record`, `search`, `tail` and `import`, beside a running server."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conftest import TRAILKEEPER, Site, activity, wait_for

from .support import PATH, Run, fetched, listed, record, record_all, rows


@pytest.fixture
def there(workspace: Site) -> tuple[str, ...]:
    """The options that name the module's workspace."""
    return ("--data", str(workspace.data), "--workspace", workspace.workspace)


def test_record_from_options_is_in_the_servers_next_answer(
    own: httpx.Client, there: tuple[str, ...], run: Run
) -> None:
    done = run(
        "record", *there, "--action", "recipe.started", "--actor", "user:7:Robin: the first",
        "--target", "recipe:42:Sync", "--outcome", "failure", "--json",
    )  # fmt: skip
    receipt = json.loads(done.stdout)
    read = fetched(own, receipt["id"])
    assert (read["seq"], read["action"], read["outcome"]) == (
        receipt["seq"], "recipe.started", "failure",
    )  # fmt: skip
    assert read["actor"] == {"type": "user", "id": "7", "name": "Robin: the first"}
    assert read["context"] == {"source": "cli"}


def test_record_from_standard_input_is_as_strict_as_the_api(
    workspace: Site, own: httpx.Client, there: tuple[str, ...], run: Run
) -> None:
    sent = activity(id="by stdin", details={"n": 1})
    assert "recorded: seq" in run("record", *there, stdin=json.dumps(sent)).stdout
    assert fetched(own, "by%20stdin")["details"] == {"n": 1}
    assert "already there" in run("record", *there, stdin=json.dumps(sent)).stdout
    before = rows(workspace)
    for wrong, told in (
        ({**sent, "outcome": "failure"}, "other content"),
        ({**sent, "id": None, "targets": []}, "/targets"),
        ("not json", "must be"),
    ):
        refused = run("record", *there, stdin=json.dumps(wrong), check=False)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert told in refused.stderr
    assert rows(workspace) == before


def test_search_prints_what_the_api_lists(
    own: httpx.Client, there: tuple[str, ...], run: Run
) -> None:
    receipts = record_all(
        own,
        [
            activity(details={"note": "findme"}, occurred_at=f"2026-03-0{day}T12:00:00Z")
            for day in range(1, 7)
        ],
    )
    ids = [receipt["id"] for receipt in receipts]
    lines = run("search", "findme", *there, "--json").stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ids[::-1]
    assert {key: value for key, value in json.loads(lines[0]).items() if key != "sentence"} == (
        fetched(own, ids[-1])
    )
    some = run(
        "search", "findme", *there, "--json", "--from", "2026-03-02", "--to", "2026-03-05",
        "--order", "asc", "--limit", "3",
    ).stdout  # fmt: skip
    assert [json.loads(line)["id"] for line in some.splitlines()] == ids[1:4]
    text = run("search", "findme", *there, "--limit", "1").stdout
    assert "2026-03-06 12:00:00Z" in text
    assert "Robin Operator" in text
    assert run("search", "nothing-like-it", *there).stdout == ""


def test_a_query_that_makes_no_sense_is_an_error(there: tuple[str, ...], run: Run) -> None:
    refused = run("search", "nothing:x", *there, check=False)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "no qualifier" in refused.stderr


def test_tail_prints_the_latest_in_the_order_of_recording(
    own: httpx.Client, there: tuple[str, ...], run: Run
) -> None:
    receipts = record_all(
        own, [activity(occurred_at=f"2020-01-0{9 - n}T00:00:00Z") for n in range(5)]
    )
    lines = run("tail", *there, "-n", "3", "--json").stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [one["id"] for one in receipts[-3:]]


def test_tail_follows_what_the_running_server_records(
    own: httpx.Client, there: tuple[str, ...], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with out.open("wb") as stream:
        process = subprocess.Popen(
            [*TRAILKEEPER, "tail", *there, "-f", "-n", "1", "--json"],
            stdout=stream,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        wait_for(lambda: out.read_bytes().endswith(b"\n"), 30)
        receipts = [record(own, reason=f"followed {n}") for n in range(3)]
        wait_for(lambda: b"followed 2" in out.read_bytes(), 10)
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait(10)
    ids = [json.loads(line)["id"] for line in out.read_text().splitlines()]
    assert ids[1:] == [receipt["id"] for receipt in receipts]


def test_import_beside_a_running_server_loses_and_doubles_nothing(
    own: httpx.Client, there: tuple[str, ...], tmp_path: Path, run: Run
) -> None:
    lines: list[Any] = [activity(id=f"line-{n}", action="imported.line") for n in range(2_500)]
    lines[7] = {"action": "wrong"}
    lines[9] = lines[8]
    file = tmp_path / "lines.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines) + "\n")
    with (tmp_path / "summary").open("w+") as out:
        process = subprocess.Popen(
            [*TRAILKEEPER, "import", *there, "--format", "jsonl", "--json", str(file)], stdout=out
        )
        receipts = []
        while process.poll() is None:
            receipts.append(record(own, action="beside.import"))
        out.seek(0)
        summary = json.load(out)
    assert process.returncode == 0
    counts = {name: summary[name] for name in ("imported", "already_there", "skipped", "refused")}
    assert counts == {"imported": 2_498, "already_there": 1, "skipped": 0, "refused": 1}
    assert [refusal["line"] for refusal in summary["refusals"]] == [8]
    assert {one["id"] for one in listed(own, action="imported.line")} == {
        line["id"] for line in lines if "id" in line
    }
    assert {one["id"] for one in listed(own, action="beside.import")} == {
        receipt["id"] for receipt in receipts
    }
    found = listed(own)
    assert sorted(one["seq"] for one in found) == list(range(len(found)))
    again = run("import", *there, "--format", "jsonl", "--json", file).stdout
    assert json.loads(again)["imported"] == 0


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_imported(
    own: httpx.Client, there: tuple[str, ...], tmp_path: Path, run: Run
) -> None:
    good = tmp_path / "good.jsonl"
    good.write_text(json.dumps(activity(id="from the good file")))
    done = run("import", *there, "--format", "jsonl", tmp_path / "none.jsonl", good, check=False)
    assert done.returncode == 2
    assert "none.jsonl" in done.stderr
    assert "1 imported" in done.stdout
    assert own.get(f"{PATH}/from%20the%20good%20file").status_code == 200
