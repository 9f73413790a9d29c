"""Reading a folder: all that is wrong with it is told at once, with file, line and field."""

from __future__ import annotations

import os
from pathlib import Path
from textwrap import dedent

import pytest

from trailkeeper.assets.sync import walk
from trailkeeper.assets.sync.files import Folder, read_folder
from trailkeeper.assets.sync.secrets import Variable

NO_SCHEMA = (
    "not a JSON Schema 2020-12 at /type: 'nonsense' is not valid under any of the given schemas"
)
ITS_COLLECTION = "its API collection: api-endpoints/NAME/…"
ITSELF = "itself: a lookup table is in no folder"
HIDE_IT = "is secret, and secrets do not stand in files: write {env: NAME_OF_A_VARIABLE}"


def written(root: Path, **files: str) -> Folder:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), "utf-8")
    return read_folder(root)


def told(folder: Folder) -> list[str]:
    return [str(problem) for problem in folder.problems]


def test_a_file_is_an_asset_and_directories_are_folders(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        **{
            "recipes/ERP/Orders/Sync.yaml": """
                key: sync
                state: running
                public: true
                code: {steps: [{app: netsuite}]}
                uses: [connections/ERP/NetSuite]
            """,
            "connections/ERP/NetSuite.yml": "name: NetSuite ERP\nprovider: netsuite",
            "README.md": "# Ours",
            "recipes/NOTES.txt": "x",
            ".git/config": "x",
            "docs/picture.png": "x",
        },
    )
    assert told(folder) == []
    assert set(folder.files) == {
        "recipes/ERP/Orders/Sync",
        "connections/ERP/NetSuite",
        "folders/ERP",
        "folders/ERP/Orders",
    }
    recipe = folder.files["recipes/ERP/Orders/Sync"]
    assert (recipe.name, recipe.home, recipe.key) == ("Sync", "folders/ERP/Orders", "sync")
    assert (recipe.state, recipe.public) == ("running", True)
    assert recipe.content == {
        "description": "",
        "code": {"steps": [{"app": "netsuite"}]},
        "uses": [{"kind": "connection", "id": "connections/ERP/NetSuite"}],
    }
    assert folder.files["connections/ERP/NetSuite"].name == "NetSuite ERP"
    assert folder.files["folders/ERP/Orders"].implied
    assert folder.files["folders/ERP/Orders"].home == "folders/ERP"


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        **{
            "recipes/A.yaml": "description: 5\n",
            "recipes/B.yaml": "\ncode: {}\nstat: running\ncode: {}\n",
            "recipes/C.yaml": "stat: running\nstate: flying\npublic: 1\nkey: a b\nname: ''\n",
            "recipes/D.yaml": "uses:\n  - connections/X\n  - nonsense/Y\n  - plain\n",
            "connectors/E.yaml": "released_version: 3\nstate: released\n",
            "lookup-tables/F/G.yaml": "description: x\n",
            "api-endpoints/H.yaml": "method: FETCH\n",
            "common-data-models/I.yaml": "schema: {type: nonsense}\n",
            "topics/J.yaml": "public: true\nstate: x\n",
        },
    )
    assert told(folder) == [
        "api-endpoints/H.yaml:1: /method Invalid enum value 'FETCH'",
        f"api-endpoints/H.yaml:1: must be in the directory of {ITS_COLLECTION}",
        f"common-data-models/I.yaml:1: /schema {NO_SCHEMA}",
        "connectors/E.yaml:1: /released_version is set by Trailkeeper, not by hand",
        f"lookup-tables/F/G.yaml:1: must be in lookup-tables/ {ITSELF}",
        "recipes/A.yaml:1: /description must be `str`, got `int`",
        "recipes/B.yaml:4: /code stands twice; the first is in line 2",
        "recipes/C.yaml:1: /stat is no field of a recipe",
        "recipes/C.yaml:2: /state must be one of stopped, running",
        "recipes/C.yaml:3: /public must be true or false",
        "recipes/C.yaml:4: /key must be a text of letters, digits, `.`, `_` and `-`",
        "recipes/C.yaml:5: /name must have 1 to 200 printable characters",
        "recipes/D.yaml:3: /uses/1 must be the path of another file, as in `recipes/…`",
        "recipes/D.yaml:4: /uses/2 must be the path of another file, as in `recipes/…`",
        "topics/J.yaml:1: /public is nothing that a pub/sub topic has",
        "topics/J.yaml:2: /state is nothing that a pub/sub topic has",
    ]


def test_files_that_cannot_be_together_are_told(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        **{
            "recipes/A.yaml": "key: same\n",
            "recipes/B.yaml": "key: same\n",
            "recipes/ERP/C.yaml": "name: One name\n",
            "recipes/ERP/D.yaml": "name: ONE NAME\n",
            "recipes/E.yaml": "{}",
            "recipes/E.yml": "{}",
        },
    )
    assert told(folder) == [
        "recipes/B.yaml:1: /key is the key of recipes/A.yaml, too",
        "recipes/E.yml: is there twice: also recipes/E.yaml",
        "recipes/ERP/D.yaml:1: /name has the name of recipes/ERP/C.yaml: 'ONE NAME'",
    ]


@pytest.mark.parametrize("name", ["recipe/A.yaml", "A.yaml", "packages/A.yaml", "x/data.csv"])
def test_a_file_in_no_directory_of_a_kind_is_not_overlooked(tmp_path: Path, name: str) -> None:
    (problem,) = told(written(tmp_path, **{name: "description: x"}))
    assert "is in no directory of a kind" in problem


@pytest.mark.parametrize("name", ["recipes/A.yaml.bak", "recipes/A.json", "recipes/A"])
def test_a_file_that_is_not_understood_is_not_overlooked(tmp_path: Path, name: str) -> None:
    (problem,) = told(written(tmp_path, **{name: "description: x"}))
    assert problem == f"{name}: is none of .yaml, .yml, .csv"


def test_rows_stand_in_a_csv_file_beside_their_table(tmp_path: Path) -> None:
    columns = "columns: [{name: erp}, {name: shop}]\n"
    folder = written(
        tmp_path,
        **{
            "lookup-tables/SKUs.yaml": columns,
            "lookup-tables/SKUs.csv": 'erp,shop\n007,"A, 1"\n,\n\n008,=cmd()\n',
        },
    )
    assert told(folder) == []
    rows = folder.files["lookup-tables/SKUs"].content["rows"]
    assert rows == [["007", "A, 1"], ["", ""], ["008", "=cmd()"]]


@pytest.mark.parametrize(
    ("csv", "more", "problem"),
    [
        ("erp\n1\n", "", "T.yaml:1: /columns must be the columns of lookup-tables/T.csv: erp"),
        ("", "", "T.yaml:1: /columns must be the columns of lookup-tables/T.csv: none"),
        ('erp,shop\n"1,2\n', "", "T.csv:2: is no CSV: unexpected end of data"),
        ("erp,shop\n1,2\n\n3\n", "", "T.csv:4: /rows/1 has 1 values, there are 2 columns"),
        ("erp,shop\n", "rows: []", "T.yaml:2: /rows must not stand here, too, beside"),
    ],
)
def test_a_csv_file_that_does_not_fit_is_told(
    tmp_path: Path, csv: str, more: str, problem: str
) -> None:
    columns = "columns: [{name: erp}, {name: shop}]\n"
    folder = written(
        tmp_path, **{"lookup-tables/T.yaml": columns + more, "lookup-tables/T.csv": csv}
    )
    assert told(folder)[0].startswith(f"lookup-tables/{problem}")


def test_a_csv_file_alone_is_told(tmp_path: Path) -> None:
    folder = written(tmp_path, **{"lookup-tables/T.csv": "a\n", "recipes/R.csv": "a\n"})
    assert told(folder) == [
        "lookup-tables/T.csv: has no YAML file of its name beside it",
        "recipes/R.csv: has no YAML file of its name beside it",
    ]


def test_secrets_are_named_by_their_variables_and_never_stand_in_files(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        **{
            "connections/A.yaml": "credentials: {user: {env: A_USER}, keys: [{env: A_KEY}]}\n",
            "connections/B.yaml": "credentials: {env: ALL_OF_B}\n",
            "properties/C.yaml": "secret: true\nvalue: {env: C}\n",
            "properties/D.yaml": "value: open\n",
            "connections/X.yaml": "provider: x\ncredentials:\n  user: me\n  key: {env: '1-2'}\n",
            "properties/Y.yaml": "secret: true\nvalue: hunter2\n",
        },
    )
    found = folder.files["connections/A"].secrets
    assert found == {"credentials": {"user": Variable("A_USER"), "keys": [Variable("A_KEY")]}}
    assert folder.files["connections/B"].secrets == {"credentials": Variable("ALL_OF_B")}
    assert folder.files["properties/C"].secrets == {"value": Variable("C")}
    assert folder.files["properties/D"].content["value"] == "open"
    assert told(folder) == [
        f"connections/X.yaml:3: /credentials/user {HIDE_IT}",
        "connections/X.yaml:4: /credentials/key/env is no name of an environment variable",
        f"properties/Y.yaml:2: /value {HIDE_IT}",
    ]
    assert "hunter2" not in str(told(folder))


def test_links_that_lead_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    root, outside = tmp_path / "assets", tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.yaml").write_text("description: not yours")
    (root / "recipes").mkdir(parents=True)
    (root / "recipes" / "Real.yaml").write_text("description: ours")
    (root / "recipes" / "Out.yaml").symlink_to(outside / "secret.yaml")
    (root / "recipes" / "Up.yaml").symlink_to("../../outside/secret.yaml")
    (root / "recipes" / "Gone.yaml").symlink_to("nowhere.yaml")
    (root / "recipes" / "Loop.yaml").symlink_to("Loop.yaml")
    (root / "recipes" / "Dir").symlink_to(root / "recipes")
    (root / "connections").symlink_to(outside)
    (root / "recipes" / "Inside.yaml").symlink_to("Real.yaml")
    os.mkfifo(root / "recipes" / "Pipe.yaml")
    folder = read_folder(root)
    assert told(folder) == [
        "connections: is a link that leads out of the folder",
        "recipes/Dir: is a link to a directory; only links to files are followed",
        "recipes/Gone.yaml: is a link that leads nowhere",
        "recipes/Loop.yaml: is a link that leads nowhere",
        "recipes/Out.yaml: is a link that leads out of the folder",
        "recipes/Pipe.yaml: is neither a file nor a directory",
        "recipes/Up.yaml: is a link that leads out of the folder",
    ]
    assert set(folder.files) == {"recipes/Real", "recipes/Inside"}


def test_files_are_neither_too_large_nor_no_text(tmp_path: Path) -> None:
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    (recipes / "Large.yaml").write_text("description: " + "x" * walk.FILE_MAX_BYTES)
    (recipes / "Latin.yaml").write_bytes(b"description: \xe9")
    (recipes / "Mark.yaml").write_bytes(b"\xef\xbb\xbfdescription: x")
    (recipes / b"bad\xff.yaml".decode("utf-8", "surrogateescape")).write_text("{}")
    folder = read_folder(tmp_path)
    problems = told(folder)
    assert "recipes/Large.yaml: is larger than 1 MiB" in problems
    assert "recipes/Latin.yaml: is not UTF-8 (byte 13)" in problems
    assert any("cannot be shown" in problem for problem in problems)
    assert set(folder.files) == {"recipes/Mark"}


def test_there_are_not_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "FILES_MAX", 5)
    folder = written(tmp_path, **{f"recipes/{number}.yaml": "{}" for number in range(6)})
    assert told(folder) == [".: has more than 5 files"]
    assert folder.files == {}


def test_directories_are_not_nested_without_end(tmp_path: Path) -> None:
    deep = tmp_path / "recipes" / "/".join("x" * 30)
    deep.mkdir(parents=True)
    (problem,) = told(read_folder(tmp_path))
    assert "nested deeper than 24 directories" in problem
