"""`trailkeeper asset`: single assets at the command line."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.assets.command import command
from tests.conftest import PASSWORD, cli, new_installation

from trailkeeper.assets.kinds import KINDS
from trailkeeper.installation import opened


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("assets") / "data"
    new_installation(folder)
    with opened(folder) as installation:
        installation.workspaces.create("Acme", "ada@example.com", "Ada Admin", PASSWORD)
    return folder


class Command:
    """`trailkeeper asset …` in the workspace Acme."""

    def __init__(self, data: Path) -> None:
        self.there = ("--data", data, "--workspace", "Acme")

    def __call__(self, *more: str | Path, stdin: str = "", check: bool = True) -> str:
        done = command("asset", *more, *self.there, stdin=stdin, check=check)
        if not check:
            self.refused(done)
        return done.stdout if check else done.stderr

    def refused(self, done: subprocess.CompletedProcess[str]) -> None:
        assert done.returncode == 1, done
        assert done.stdout == ""
        assert done.stderr.startswith("trailkeeper: ")
        assert done.stderr.count("\n") == 1

    def json(self, *more: str | Path, stdin: str = "") -> Any:
        return json.loads(self(*more, "--json", stdin=stdin))

    def make(self, kind: str, name: str, *more: str | Path, stdin: str = "") -> str:
        return self("create", kind, name, *more, stdin=stdin).split()[0]

    def history(self, kind: str, id: str) -> list[dict[str, Any]]:
        found = self("history", kind, id, "--json")
        return [json.loads(line) for line in found.splitlines()]


@pytest.fixture
def asset(data: Path) -> Command:
    return Command(data)


def test_a_recipe_from_its_beginning_to_its_end(asset: Command) -> None:
    id = asset.make("recipe", "Sync product SKUs")
    assert asset("do", "recipe", id, "start") == (
        f"recipe {id} Sync product SKUs is running, version 1\n"
    )
    asset("do", "recipe", id, "stop", "--reason", "maintenance")
    asset("update", "recipe", id, "--file", "-", stdin="code:\n  steps: [{app: netsuite}]\n")
    asset("update", "recipe", id, "--name", "Sync SKUs")
    asset("do", "recipe", id, "set-access-scope", "--public")
    copy = asset.json("do", "recipe", id, "copy", "--name", "Sync again")
    assert (copy["name"], copy["state"], copy["folder_id"]) == ("Sync again", "stopped", None)
    asset("do", "recipe", id, "restore", "--version", "1")
    asset("delete", "recipe", id)
    asset("do", "recipe", id, "undelete")
    actions = [one["action"] for one in asset.history("recipe", id)]
    assert actions == [
        "asset.undeleted",
        "recipe.deleted",
        "recipe.updated",
        "recipe.copied",
        "recipe.access_scope_updated",
        "recipe.renamed",
        "recipe.updated",
        "recipe.stopped",
        "recipe.started",
        "recipe.created",
    ]
    stopped = asset.history("recipe", id)[-3]
    assert stopped["details"] == {"stop_reason": "maintenance"}
    assert (stopped["actor"]["type"], stopped["actor"]["name"]) == ("system", "Command line")


def test_folders_are_named_by_their_paths(asset: Command) -> None:
    outer = asset.make("folder", "ERP")
    inner = asset.make("folder", "Orders", "--folder", "ERP")
    id = asset.make("recipe", "Orders to ERP", "--folder", "Home/ERP/orders")
    shown = asset("show", "recipe", id)
    assert "folder    Home/ERP/Orders" in shown
    asset("do", "recipe", id, "move", "--folder", outer)
    assert asset.json("show", "recipe", id)["folder_id"] == outer
    asset("do", "recipe", id, "move", "--folder", "/")
    assert asset.json("show", "recipe", id)["folder_id"] is None
    asset("do", "recipe", id, "move", "--folder", "ERP/Orders")
    listed = asset.json("list", "recipes", "--folder", "ERP/Orders")
    assert [one["id"] for one in listed] == [id]
    assert "'Nowhere' is not there" in asset(
        "list", "recipe", "--folder", "ERP/Nowhere", check=False
    )
    assert "is not empty" in asset("delete", "folder", outer, check=False)
    gone = asset("delete", "folder", outer, "--recursive").splitlines()
    assert gone == [
        f"deleted recipe {id} Orders to ERP",
        f"deleted folder {inner} Orders",
        f"deleted folder {outer} ERP",
    ]


def test_lists_are_by_name_and_can_be_narrowed(asset: Command) -> None:
    for name in ("list b", "List a", "List c"):
        asset.make("connection", name)
    first = asset.json("list", "connection", "--find", "list")[0]["id"]
    asset("do", "connection", first, "connect")
    lines = asset("list", "connection", "--find", "LIST").splitlines()
    assert [line.rpartition("  ")[2] for line in lines] == ["List a", "list b", "List c"]
    assert len(asset.json("list", "connection", "--find", "list", "--limit", "2")) == 2
    assert [one["id"] for one in asset.json("list", "connection", "--state", "connected")] == [
        first
    ]
    asset("do", "connection", first, "disconnect")
    asset("delete", "connection", first)
    assert first in asset("list", "connection", "--deleted")
    assert "deleted" in asset("show", "connection", first)


def test_content_comes_from_json_and_yaml_files(asset: Command, tmp_path: Path) -> None:
    as_json, as_yaml = tmp_path / "p.json", tmp_path / "p.yaml"
    as_json.write_text('{"rate": {"requests": 5, "per": "second"}}')
    as_yaml.write_text("# the same\nrate:\n  requests: 5\n  per: second\n")
    ids = [
        asset.make("api_policy", f"Policy {file.suffix}", "--file", file)
        for file in (as_json, as_yaml)
    ]
    assert [asset.json("show", "api-policies", id)["rate"] for id in ids] == [
        {"requests": 5, "per": "second"}
    ] * 2


def test_secrets_are_taken_and_never_shown(asset: Command) -> None:
    given = '{"provider": "netsuite", "credentials": {"token": "hunter2"}}'
    id = asset.make("connection", "With secrets", "--file", "-", stdin=given)
    told = [
        asset("show", "connection", id),
        asset("show", "connection", id, "--json"),
        asset("history", "connection", id, "--json"),
        asset("list", "connection", "--json"),
    ]
    assert "hunter2" not in str(told)
    assert "secrets   credentials" in told[0]


def test_a_token_is_printed_once(asset: Command) -> None:
    customer = asset.make("api_customer", "Shop")
    id, token = asset("create", "access_profile", "Main", "--parent", customer).split()
    assert token.startswith("ap_")
    refreshed = asset("do", "access_profile", id, "refresh-token").splitlines()
    assert refreshed[1].startswith("ap_")
    assert refreshed[1] != token
    assert "token" not in asset.json("show", "access_profile", id)
    assert asset.json("do", "access_profile", id, "refresh-token")["token"].startswith("ap_")


def test_a_package_goes_out_and_comes_back(asset: Command, tmp_path: Path) -> None:
    folder = asset.make("folder", "To go out")
    asset.make("recipe", "Inside", "--folder", folder)
    content = f"folder_id: '{folder}'"
    manifest = asset.make("manifest", "Outward", "--file", "-", stdin=content)
    file = tmp_path / "out.zip"
    assert asset("do", "manifest", manifest, "export", "--output", file).startswith("package ")
    asset("import", file, "--name", "Came back")
    assert [one["name"] for one in asset.json("list", "recipe", "--folder", "Came back")] == [
        "Inside"
    ]
    (tmp_path / "no.zip").write_bytes(b"PK no")
    assert "package" in asset("import", tmp_path / "no.zip", check=False).lower()


@pytest.mark.parametrize("kind", [one for one in KINDS if "create" in KINDS[one].operations])
def test_an_asset_of_every_kind_is_made_listed_shown_and_found_in_the_log(
    asset: Command, kind: str
) -> None:
    row = KINDS[kind]
    more: tuple[str, ...] = ()
    if row.parent_kind:
        more = ("--parent", asset.make(row.parent_kind, f"For {kind}"))
    id = asset.make(row.path, f"One {kind}", *more)
    assert f"One {kind}" in asset("list", kind)
    assert asset("show", kind, id).splitlines()[0].split() == [*row.noun.split(), id, "One", kind]
    assert asset.history(kind, id)[0]["action"] == f"{kind}.created"
    assert asset.json("show", kind, id)["kind"] == kind


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("list", "recipies"), "There is no kind 'recipies'; there are: folder, recipe,"),
        (("show", "recipe", "99"), "There is no recipe 99 in this workspace"),
        (("create", "recipe", ""), "must have 1 to 200 printable characters"),
        (("create", "recipe", "a\nb"), "must have 1 to 200 printable characters"),
        (("create", "api_endpoint", "X"), "/parent_id is missing"),
        (("create", "package", "X"), "`create` is not an operation of a package"),
        (("update", "recipe", "1"), "give --file or --name"),
        (("update", "recipe", "1", "--file", "/nothing/here"), "cannot be read"),
        (("do", "recipe", "1", "fly"), "A recipe has no operation 'fly'; it has: rename, move,"),
        (("do", "recipe", "1", "update"), "Use `trailkeeper asset update`"),
        (("do", "package", "1", "import"), "Use `trailkeeper asset import`"),
        (("import", "/nothing/here.zip"), "cannot be read"),
        (("do", "recipe", "1", "rename"), "`rename` needs --name"),
        (("do", "recipe", "1", "start", "--reason", "x"), "`start` takes no --reason"),
        (("do", "folder", "1", "start"), "A folder has no operation 'start'"),
        (("history", "recipe", "99"), "There is no recipe 99 in this workspace"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    asset: Command, arguments: tuple[str, ...], told: str
) -> None:
    assert told in asset(*arguments, check=False)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("x.json", '{"code": {}, "code": {}}', "stands twice"),
        ("x.json", "[]", "holds no JSON object"),
        ("x.yaml", "code: {a: 1, a: 2}", "x.yaml:1: /code/a stands twice"),
        ("x.yaml", "code: !!python/object:os.system {}", "has a tag"),
        ("x.yaml", "cod: {}", "/cod is not a known field"),
        ("x.yaml", "code: {}\nx: " + "y" * 1024 * 1024, "is larger than 1 MiB"),
    ],
)
def test_a_file_that_is_wrong_makes_nothing(
    asset: Command, tmp_path: Path, name: str, text: str, told: str
) -> None:
    (tmp_path / name).write_text(text)
    before = asset.json("list", "recipe")
    assert told in asset("create", "recipe", "From file", "--file", tmp_path / name, check=False)
    assert asset.json("list", "recipe") == before


def test_the_state_of_things_is_respected(asset: Command) -> None:
    id = asset.make("recipe", "Busy")
    asset("do", "recipe", id, "start")
    assert "must be stopped" in asset("do", "recipe", id, "start", check=False)
    assert "must be stopped" in asset("delete", "recipe", id, check=False)
    assert "already" in asset("create", "recipe", "BUSY", check=False)
    revision = str(asset.json("show", "recipe", id)["revision"])
    asset("do", "recipe", id, "stop")
    late = asset("update", "recipe", id, "--name", "Late", "--revision", revision, check=False)
    assert "changed meanwhile" in late


def test_names_do_not_steer_the_terminal(asset: Command) -> None:
    made = asset.make("property", "Plain", "--file", "-", stdin='value: "\\e[31mred\\u202e"\n')
    shown = asset("show", "property", made)
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_a_wrong_option_is_a_usage_error(data: Path) -> None:
    refused = cli("asset", "list", "recipe", "--data", data, check=False)
    assert refused.returncode not in (0, 1)
    assert "workspace" in refused.stderr
