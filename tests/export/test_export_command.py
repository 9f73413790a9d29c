"""`trailkeeper export`: what is in the files, and what is said where one cannot be written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.api.support import Run, listed, record_all
from tests.conftest import TRAILKEEPER, Site, activity

from .support import csv_rows, lines, parquet_rows, unpacked

EVIL = ["=1+1", "+SUM(A1)", "-2+3", "@cmd", "|calc", "%x", "\t=1", "\r=1", "'=1", "＝1+1"]  # noqa: RUF001


@pytest.fixture(scope="module")
def recorded(own: httpx.Client) -> list[dict[str, Any]]:
    """A log with different actors, times and texts."""
    record_all(
        own,
        [
            activity(
                actor={"type": "user", "id": str(n % 3), "name": f"=User {n % 3}"},
                occurred_at=f"2026-05-{n % 28 + 1:02d}T12:00:00Z",
                outcome="failure" if n % 5 == 0 else "success",
                details={"note": f"word{n % 2} é😀", "n": n},
                changes=[{"field": "x", "old": n, "new": n + 1}],
            )
            for n in range(60)
        ],
    )
    return listed(own)


@pytest.fixture
def to(workspace: Site) -> list[str | Path]:
    return ["export", "--data", workspace.data, "--workspace", workspace.workspace]


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("order", ["desc", "asc"])
def test_json_lines_are_the_apis_json_in_its_order(
    run: Run, own: httpx.Client, to: list[Any], tmp_path: Path, recorded: Any, compression: str,
    order: str,
) -> None:  # fmt: skip
    expected = listed(own, order=order)
    file = tmp_path / "log"
    words = ["--order", order, "--compression", compression, "--output", file, "--json"]
    summary = json.loads(run(*to, *words).stdout)
    raw = unpacked(file.read_bytes(), compression)
    assert lines(raw) == expected
    assert summary["count"] == len(expected)
    assert summary["bytes"] == file.stat().st_size
    assert file.stat().st_mode & 0o077 == 0
    # Byte for byte, not only the same meaning.
    first = raw.split(b"\n")[0]
    assert first == own.get(f"/api/v1/activities/{expected[0]['id']}").content


@pytest.mark.parametrize(
    ("words", "params"),
    [
        (["--actor", "user:1"], {"actor": "user:1"}),
        (["--actor", "user:1", "--actor", "user:2"], {"actor": ["user:1", "user:2"]}),
        (["outcome:failure word1"], {"q": "outcome:failure word1"}),
        (
            ["--from", "2026-05-10", "--to", "2026-05-12"],
            {"q": "after:2026-05-10 before:2026-05-13"},
        ),
        (
            ["--action", "recipe.*", "--outcome", "failure"],
            {"q": "action:recipe.* outcome:failure"},
        ),
        (["--target-type", "none"], {"target_type": "none"}),
    ],
)  # fmt: skip
def test_the_filter_is_that_of_the_list(
    run: Run, own: httpx.Client, to: list[Any], tmp_path: Path, recorded: Any, words: list[str],
    params: dict[str, Any],
) -> None:  # fmt: skip
    expected = listed(own, **params)
    run(*to, *words, "--output", tmp_path / "log")
    assert lines((tmp_path / "log").read_bytes()) == expected


def test_tables_hold_the_same_as_the_list(
    run: Run, own: httpx.Client, to: list[Any], tmp_path: Path, recorded: Any
) -> None:
    expected = listed(own, actor="user:1")
    for kind in ("csv", "parquet"):
        run(*to, "--actor", "user:1", "--format", kind, "--output", tmp_path / kind)
    columns = csv_rows((tmp_path / "csv").read_bytes())
    table = parquet_rows((tmp_path / "parquet").read_bytes())
    assert len(columns) == len(table) == len(expected) > 0
    for one, text, row in zip(expected, columns, table, strict=True):
        assert (int(text["seq"]), text["id"]) == (row["seq"], row["id"]) == (one["seq"], one["id"])
        assert row["actor_name"] == one["actor"]["name"]
        assert text["actor_name"] == "'" + one["actor"]["name"]
        assert text["occurred_at"] == row["occurred_at"].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        assert json.loads(text["details"]) == json.loads(row["details"]) == one["details"]
        assert json.loads(row["changes"]) == one["changes"]
        assert row["on_behalf_of_id"] is None


def test_no_text_in_a_csv_is_a_formula(run: Run, shared_site: Site, tmp_path: Path) -> None:
    evil = shared_site.add_workspace("Evil", "evil@example.com")
    with evil.http() as http:
        named = [{"type": "user", "id": str(n), "name": name} for n, name in enumerate(EVIL)]
        record_all(http, [activity(actor=who, reason=who["name"]) for who in named])
    words = ["--data", evil.data, "--workspace", "Evil", "--format", "csv", "--action", "recipe.*"]
    run("export", *words, "--order", "asc", "--output", tmp_path / "evil.csv")
    rows = csv_rows((tmp_path / "evil.csv").read_bytes())
    assert len(rows) == len(EVIL)
    for row, text in zip(rows, EVIL, strict=True):
        assert row["actor_name"].startswith("'"), text
        assert row["reason"].startswith("'"), text
        assert row["actor_name"].lstrip("'").replace("\\|", "|") == text.lstrip("'")


def test_without_a_file_the_export_is_all_that_is_on_standard_output(
    workspace: Site, own: httpx.Client, recorded: Any
) -> None:
    expected = listed(own, actor="user:2")
    command = [*TRAILKEEPER, "export", "--data", workspace.data, "--workspace"]
    done = subprocess.run(
        [*command, workspace.workspace, "--actor", "user:2", "--json"],
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert lines(done.stdout) == expected
    assert json.loads(done.stderr)["count"] == len(expected)


def test_that_somebody_exports_is_recorded_before_and_after(
    run: Run, own: httpx.Client, to: list[Any], tmp_path: Path, recorded: Any
) -> None:
    summary = json.loads(run(*to, "--actor", "user:1", "-o", tmp_path / "x", "--json").stdout)
    after, before = listed(own, action="audit_log.*")[:2]
    assert (before["action"], after["action"]) == (
        "audit_log.export_requested",
        "audit_log.exported",
    )
    assert before["details"] == {"format": "jsonl", "filter": "actor=user%3A1"}
    assert after["details"]["count"] == summary["count"]
    assert after["details"]["sha256"] == summary["sha256"]
    assert before["seq"] == summary["end_seq"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--ip", "nonsense"], "is no IP address"),
        (["--from", "yesterday"], "is no time such as"),
        (["--format", "parquet", "--compression", "gzip"], "packed inside"),
        (["nonsense:1"], "known:"),
        (["-o", "/nowhere/at/all"], "/nowhere/at/all cannot be written: No such file"),
        (["-o", "/"], "is a folder"),
    ],
)
def test_what_cannot_be_exported_is_named(
    run: Run, to: list[Any], words: list[str], said: str
) -> None:
    done = run(*to, *words, check=False)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stdout == ""


def test_proofs_cannot_be_asked_for_yet(run: Run, to: list[Any], tmp_path: Path) -> None:
    assert run(*to, "--proof", tmp_path, check=False).returncode != 0


def test_a_file_that_is_there_stays_until_the_new_one_is_whole(
    run: Run, to: list[Any], tmp_path: Path, recorded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text("the old one")

    def break_off(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("trailkeeper.exports.files.activity_json", break_off)
        done = run(*to, "--output", file, check=False)
    assert "No space left on device" in done.stderr
    assert file.read_text() == "the old one"
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]
    run(*to, "--output", file)
    assert len(lines(file.read_bytes())) > 50


def test_without_pyarrow_it_says_what_to_install(
    run: Run, to: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trailkeeper.exports.kinds.find_spec", lambda _: None)
    done = run(*to, "--format", "parquet", check=False)
    assert "pip install 'trailkeeper[parquet]'" in done.stderr


def test_a_reader_that_goes_away_is_no_error(workspace: Site, recorded: Any) -> None:
    command = f"{sys.executable} -m trailkeeper export --data {workspace.data} --workspace"
    done = subprocess.run(
        ["bash", "-c", f"{command} '{workspace.workspace}' | head -c 1; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
