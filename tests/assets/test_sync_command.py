"""`trailkeeper sync`: what it prints, asks, refuses, and which commit it records."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.assets.command import command
from tests.conftest import PASSWORD, new_installation

from trailkeeper.installation import opened


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sync") / "data"
    new_installation(folder)
    with opened(folder) as installation:
        installation.workspaces.create("First", "ada@example.com", "Ada Admin", PASSWORD)
    return folder


class Files:
    """A folder of files, and a workspace of its own to sync it with."""

    def __init__(self, data: Path, root: Path) -> None:
        self.data = data
        self.root = root
        self.workspace = str(root)
        with opened(data) as installation:
            installation.workspaces.create(self.workspace, "ada@example.com", "Ada", None)

    def put(self, name: str, text: str) -> None:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def sync(self, *more: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return command(
            "sync", self.root, "--data", self.data, "--workspace", self.workspace, *more,
            check=check,
        )  # fmt: skip

    def log(self) -> list[dict[str, Any]]:
        found = command(
            "search", "--data", self.data, "--workspace", self.workspace, "--order", "asc",
            "--limit", "1000", "--json",
        )  # fmt: skip
        return [json.loads(line) for line in found.stdout.splitlines()][1:]

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com", *arguments],
            cwd=self.root, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()


@pytest.fixture
def files(data: Path, tmp_path: Path) -> Files:
    made = Files(data, tmp_path / "assets")
    made.put("recipes/ERP/Sync.yaml", "key: sync\ncode: {a: 1}\n")
    made.put("api-policies/P.yaml", "rate: {requests: 60}\n")
    return made


def test_the_plan_is_shown_and_nothing_is_done(files: Files) -> None:
    shown = files.sync().stdout
    assert shown.splitlines() == [
        "  + api-policies/P",
        "  + folders/ERP",
        "  + recipes/ERP/Sync",
        "Plan: 3 to create, 0 to change, 0 to delete.",
        "Nothing was changed. Apply it with --apply.",
    ]
    assert files.log() == []


def test_it_is_applied_and_then_there_is_nothing_to_do(files: Files) -> None:
    assert files.sync("--apply", "--commit", "v1.2").stdout.endswith("Applied at commit v1.2.\n")
    log = files.log()
    assert [one["action"] for one in log] == [
        "api_policy.created",
        "folder.created",
        "recipe.created",
        "assets.synced",
    ]
    assert {one["details"]["commit"] for one in log} == {"v1.2"}
    assert log[-1]["sentence"].endswith("were synced with files at commit v1.2 by Command line.")
    assert files.sync("--apply").stdout == "Nothing to do: the assets are as the files say.\n"
    assert files.log() == log


def test_changes_are_shown_field_by_field(files: Files) -> None:
    files.sync("--apply")
    files.put("recipes/ERP/Sync.yaml", "key: sync\ncode: {a: 2, b: [x]}\nstate: running\n")
    (files.root / "api-policies" / "P.yaml").unlink()
    (files.root / "recipes" / "ERP" / "Sync.yaml").rename(files.root / "recipes" / "New.yaml")
    assert files.sync().stdout.splitlines() == [
        "  - api-policies/P",
        "  - folders/ERP",
        "  ~ recipes/New",
        '      is renamed from "Sync"',
        "      is moved here",
        "      /code/a: 1 → 2",
        '      + /code/b: ["x"]',
        '      /state: "stopped" → "running"',
        "Plan: 0 to create, 1 to change, 2 to delete.",
        "Nothing was changed. Apply it with --apply.",
    ]


def test_the_same_as_json(files: Files) -> None:
    plan = json.loads(files.sync("--json", "--commit", "abc").stdout)
    assert plan["summary"] == {
        "create": 3, "adopt": 0, "rename": 0, "move": 0, "update": 0, "delete": 0,
    }  # fmt: skip
    assert plan["steps"][0] == {
        "path": "api-policies/P", "kind": "api_policy", "id": None, "verbs": ["create"],
        "changes": [],
    }  # fmt: skip
    assert (plan["applied"], plan["commit"]) == (False, "abc")
    assert json.loads(files.sync("--json", "--apply").stdout)["applied"] is True


def test_all_problems_are_printed_and_the_exit_code_is_1(files: Files) -> None:
    files.put("recipes/A.yaml", "description: 1\n")
    files.put("recipes/B.yaml", "\nstat: x\n")
    refused = files.sync("--apply", check=False)
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert refused.stderr.splitlines() == [
        "recipes/A.yaml:1: /description must be `str`, got `int`",
        "recipes/B.yaml:2: /stat is no field of a recipe",
        "trailkeeper: 2 problems; nothing was changed",
    ]
    assert files.log() == []
    errors = json.loads(files.sync("--json", check=False).stdout)["errors"]
    assert errors[1] == {
        "file": "recipes/B.yaml", "line": 2, "field": "/stat", "detail": "is no field of a recipe",
    }  # fmt: skip


def test_what_was_made_by_hand_is_listed_and_taken_over_when_asked(files: Files) -> None:
    there = ("--data", files.data, "--workspace", files.workspace)
    command("asset", "create", "api_policy", "P", *there)
    command("asset", "create", "api_policy", "Q", *there)
    shown = files.sync().stdout
    assert "  ! api-policies/P: differs from the one made by hand, which --adopt" in shown
    assert "Not managed (2): API policy 'P', API policy 'Q'" in shown
    refused = files.sync("--apply", check=False)
    assert refused.returncode == 1
    assert "take the assets over with --adopt" in refused.stderr
    assert "1 to take over" in files.sync("--adopt").stdout
    files.sync("--adopt", "--apply")
    assert files.log()[-1]["details"]["adopted"] == 1
    assert "Not managed (1): API policy 'Q'" in files.sync().stdout


@pytest.mark.parametrize(
    ("answer", "applied"), [("yes", True), ("y", False), ("no", False), ("", False)]
)
def test_at_a_terminal_it_asks(
    files: Files, monkeypatch: pytest.MonkeyPatch, answer: str, applied: bool
) -> None:
    monkeypatch.setattr("trailkeeper.cli.sync.at_terminal", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: answer)
    shown = files.sync().stdout
    assert ("Applied" in shown) is applied
    assert bool(files.log()) is applied


def test_the_commit_is_what_git_says(files: Files) -> None:
    files.git("init", "-q")
    files.git("add", ".")
    files.git("commit", "-q", "-m", "first")
    head = files.git("rev-parse", "HEAD")
    assert json.loads(files.sync("--json").stdout)["commit"] == head
    files.put("recipes/New.yaml", "code: {}\n")
    assert json.loads(files.sync("--json").stdout)["commit"] == f"{head}-dirty"
    files.git("add", ".")
    files.git("commit", "-q", "-m", "second")
    files.sync("--apply")
    assert {one["details"]["commit"] for one in files.log()} == {files.git("rev-parse", "HEAD")}


def test_changes_elsewhere_in_the_repository_do_not_matter(data: Path, tmp_path: Path) -> None:
    whole = Files(data, tmp_path / "repository")
    whole.put("README.md", "x")
    part = Files(data, whole.root / "assets")
    part.put("recipes/R.yaml", "code: {}\n")
    whole.git("init", "-q")
    whole.git("add", ".")
    whole.git("commit", "-q", "-m", "first")
    whole.put("README.md", "y")
    commit = json.loads(part.sync("--json").stdout)["commit"]
    assert commit == whole.git("rev-parse", "HEAD")


def test_a_repository_does_not_get_its_own_programs_run(files: Files) -> None:
    files.git("init", "-q")
    trap = files.root / ".git" / "trap"
    trap.write_text(f"#!{sys.executable}\nopen({str(files.root / 'sprung')!r}, 'w')\n")
    trap.chmod(0o755)
    files.git("add", "recipes")
    files.git("commit", "-q", "-m", "first")
    files.git("config", "core.fsmonitor", str(trap))
    assert json.loads(files.sync("--json").stdout)["commit"].endswith("-dirty")
    assert not (files.root / "sprung").exists()


def test_without_git_there_is_no_commit(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(files.sync("--json").stdout)["commit"] is None
    files.git("init", "-q")
    assert json.loads(files.sync("--json").stdout)["commit"] is None
    monkeypatch.setenv("PATH", "")
    files.sync("--apply")
    assert "commit" not in files.log()[0].get("details", {})


def test_a_folder_without_files_does_not_delete_everything(files: Files, tmp_path: Path) -> None:
    files.sync("--apply")
    for file in files.root.rglob("*.yaml"):
        file.unlink()
    refused = files.sync("--apply", check=False)
    assert refused.returncode == 1
    assert "--allow-empty" in refused.stderr
    assert "3 to delete" in files.sync("--apply", "--allow-empty").stdout


def test_it_is_exported_and_synced_back(files: Files, tmp_path: Path) -> None:
    files.sync("--apply")
    target = tmp_path / "out"
    there = ("--data", files.data, "--workspace", files.workspace)
    assert command("sync", "--export", target, *there).stdout == "3 assets written\n"
    assert (target / "recipes" / "ERP" / "Sync.yaml").read_text() == "key: sync\ncode:\n  a: 1\n"
    assert command("sync", target, *there).stdout.startswith("Nothing to do")
    again = command("sync", "--export", target, *there, check=False)
    assert again.returncode == 1
    assert "is not empty" in again.stderr


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--commit", ""), "--commit must have"),
        (("--commit", "a\nb"), "--commit must have"),
    ],
)
def test_a_commit_that_is_none_is_refused(files: Files, more: tuple[str, ...], told: str) -> None:
    refused = files.sync(*more, check=False)
    assert refused.returncode == 1
    assert told in refused.stderr


def test_a_folder_that_is_not_there_is_said(data: Path, tmp_path: Path) -> None:
    refused = command(
        "sync", tmp_path / "none", "--data", data, "--workspace", "First", check=False
    )
    assert refused.returncode == 1
    assert "is no directory" in refused.stderr


def test_names_of_files_do_not_steer_the_terminal(files: Files) -> None:
    files.put("recipes/\u202eevil.yaml", "code: {}\n")
    refused = files.sync(check=False)
    assert "\u202e" not in refused.stdout + refused.stderr
    assert "\\u202e" in refused.stderr
