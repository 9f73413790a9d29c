"""`init`, `token`, `user`, `serve` on the command line: what they print, refuse and leave alone."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from functools import partial
from pathlib import Path

import httpx
import pytest
from tests.conftest import OWNER, PASSWORD, Site, cli

from .support import PATH, Run, listed, rows


def init(
    command: Run, data: Path, *more: str, check: bool = True, stdin: str = PASSWORD
) -> subprocess.CompletedProcess[str]:
    return command(
        "init", "--data", data, "--workspace", "Acme", "--owner-email", OWNER,
        "--owner-password-file", "-", *more, stdin=stdin, check=check,
    )  # fmt: skip


def fingerprints(folder: Path) -> dict[str, str]:
    return {
        str(file): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_a_new_installation_from_init_to_the_first_activity(tmp_path: Path) -> None:
    cold = partial(cli, cold=True)
    data = tmp_path / "new" / "data"
    made = init(cold, data)
    assert set(json.loads(made.stdout)) >= {"workspace_id", "owner_id", "owner_email", "workspace"}
    assert made.stdout.count("\n") == 1
    assert PASSWORD not in made.stdout + made.stderr
    assert {oct(file.stat().st_mode & 0o077) for file in data.iterdir()} == {"0o0"}

    before = fingerprints(data)
    again = init(cold, data, check=False)
    assert again.returncode == 1
    assert again.stdout == ""
    assert "holds an installation already" in again.stderr
    assert fingerprints(data) == before

    token = cold(
        "token", "create", "--data", data, "--workspace", "Acme", "--name", "first",
        "--scope", "activities:write", "--scope", "activities:read",
    ).stdout  # fmt: skip
    assert re.fullmatch(r"tk_[A-Za-z0-9_-]{40,}\n", token)

    site = Site(data, token.strip()).start(cold=True)
    with site.http() as http:
        assert http.post(PATH, json={}).status_code == 422
        assert http.put("/api/v1/actions/a.b", json={}).status_code == 403
        actions = [one["action"] for one in listed(http, order="asc")]
    assert site.stop() == 0
    assert actions == ["workspace.created", "api_token.created"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("--owner-email", "nobody"), "e-mail"),
        (("--workspace", ""), "workspace"),
        (("--owner-password-file", "/nothing/here"), "password"),
    ],
)
def test_an_init_that_is_wrong_makes_nothing(
    tmp_path: Path, change: tuple[str, str], told: str, run: Run
) -> None:
    arguments = {
        "--workspace": "Acme", "--owner-email": OWNER, "--owner-password-file": "-",
    } | {change[0]: change[1]}  # fmt: skip
    pairs = [part for pair in arguments.items() for part in pair]
    data = tmp_path / "data"
    refused = run("init", "--data", data, *pairs, stdin=PASSWORD, check=False)
    assert refused.returncode in (1, 2)
    assert told in refused.stderr.lower()
    assert "Traceback" not in refused.stderr
    assert not data.exists()


def test_a_short_password_is_refused_and_makes_nothing(tmp_path: Path, run: Run) -> None:
    refused = init(run, tmp_path / "data", check=False, stdin="short")
    assert refused.returncode in (1, 2)
    assert "10 characters" in refused.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(("more", "stdin"), [((), "x" * 257), (("--owner-name", " "), PASSWORD)])
def test_what_cannot_be_an_owner_is_refused_and_makes_nothing(
    tmp_path: Path, run: Run, more: tuple[str, ...], stdin: str
) -> None:
    refused = init(run, tmp_path / "data", *more, check=False, stdin=stdin)
    assert refused.returncode in (1, 2)
    assert "characters" in refused.stderr
    assert not (tmp_path / "data").exists()


def test_a_folder_without_an_installation_says_how_to_make_one(tmp_path: Path, run: Run) -> None:
    refused = run("serve", "--data", tmp_path / "none", check=False)
    assert refused.returncode == 1
    assert "trailkeeper init" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "none").exists()


def test_a_wrong_workspace_names_those_that_there_are(shared_site: Site, run: Run) -> None:
    refused = run("search", "--data", shared_site.data, "--workspace", "acme", check=False)
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert "'Acme'" in refused.stderr


def test_a_wrong_option_is_a_usage_error(shared_site: Site, run: Run) -> None:
    refused = run(
        "token", "create", "--data", shared_site.data, "--workspace", "Acme", "--name", "x",
        "--scope", "everything", check=False,
    )  # fmt: skip
    assert refused.returncode not in (0, 1)
    assert refused.stdout == ""
    assert "activities:write" in refused.stderr


def test_a_token_that_would_never_have_been_good_is_not_made(shared_site: Site, run: Run) -> None:
    refused = run(
        "token", "create", "--data", shared_site.data, "--workspace", "Acme", "--name", "x",
        "--scope", "admin", "--expires-days", "0", check=False,
    )  # fmt: skip
    assert refused.returncode != 0
    assert refused.stdout == ""


def test_tokens_are_listed_and_revoked_by_their_id(
    workspace: Site, own: httpx.Client, run: Run
) -> None:
    token = workspace.new_token("activities:read", name="to revoke")
    there = ("--data", workspace.data, "--workspace", workspace.workspace)
    shown = run("token", "list", *there).stdout
    assert token not in shown
    id = next(line.split()[0] for line in shown.splitlines() if "to revoke" in line)
    run("token", "revoke", *there, "--id", id)
    with workspace.http(token) as http:
        assert http.get(PATH).status_code == 401
    assert listed(own, action="api_token.revoked")[0]["targets"][0]["name"] == "to revoke"


def test_a_user_is_added_once_and_it_is_recorded(
    workspace: Site, own: httpx.Client, run: Run
) -> None:
    there = ("--data", workspace.data, "--workspace", workspace.workspace)
    arguments = ("--email", "Robin@Example.com", "--name", "Robin", "--password-file", "-")
    made = run("user", "add", *there, *arguments, stdin=PASSWORD).stdout
    added = listed(own, action="member.added")[0]
    assert added["targets"][0]["email"] == "robin@example.com"
    assert added["targets"][0]["id"] == made.strip()
    before = rows(workspace)
    again = run("user", "add", *there, *arguments, stdin=PASSWORD, check=False)
    assert again.returncode == 1
    assert rows(workspace) == before


def test_a_port_that_is_taken_is_said(shared_site: Site) -> None:
    again = ("serve", "--data", shared_site.data, "--port", str(shared_site.port))
    refused = cli(*again, check=False, cold=True)
    assert refused.returncode == 1
    assert str(shared_site.port) in refused.stderr
    assert "Traceback" not in refused.stderr
