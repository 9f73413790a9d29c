"""Random changes of a folder of files: whatever becomes of it, the registry follows."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.assets.desk import open_desk
from tests.assets.shelf import Shelf

from trailkeeper.assets.records import plain
from trailkeeper.assets.replay import replay
from trailkeeper.assets.sync.yaml_text import write
from trailkeeper.installation import Installation

TREES: list[dict[str, str]] = [
    {},
    {"fa": "A"},
    {"fa": "A", "fb": "B"},
    {"fa": "B", "fb": "A"},
    {"fa": "A", "fb": "A/B"},
    {"fb": "B", "fa": "B/A"},
    {"fb": "C", "fa": "C/B"},
    {"fb": "A"},
]
"""Where keyed folders are."""

PLACES = ["", "A", "B", "A/B", "B/A", "C", "C/B", "D"]
KEYS = ["k1", "k2", "k3", None]

recipes = st.lists(
    st.fixed_dictionaries(
        {
            "key": st.sampled_from(KEYS),
            "place": st.sampled_from(PLACES),
            "name": st.sampled_from(["x", "y", "Z"]),
            "code": st.integers(0, 2),
            "state": st.sampled_from([None, "running", "stopped"]),
            "public": st.sampled_from([None, True, False]),
            "uses": st.integers(0, 5),
        }
    ),
    max_size=6,
)
versions = st.lists(st.tuples(st.sampled_from(TREES), recipes), min_size=2, max_size=4)


@settings(
    max_examples=30, deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(versions=versions)
def test_the_registry_follows_the_files(
    here: Installation, versions: list[tuple[dict[str, str], list[dict[str, Any]]]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shelf = Shelf(open_desk(here), Path(folder) / "files")
        for tree, chosen in versions:
            files = laid_out(tree, chosen)
            shutil.rmtree(shelf.root, ignore_errors=True)
            shelf.root.mkdir()
            for path, fields in files.items():
                shelf.put(path, write(fields) if fields else "{}")
            shelf.sync()
            follows(shelf, files)


def laid_out(tree: dict[str, str], chosen: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The files: of each key and each name at a place only the first."""
    files: dict[str, dict[str, Any]] = {
        f"folders/{path}": {"key": key} for key, path in tree.items()
    }
    keys: set[str] = set()
    for one in chosen:
        path = "/".join(part for part in ("recipes", one["place"], one["name"]) if part)
        if path in files or one["key"] in keys:
            continue
        given = {name: one[name] for name in ("key", "state", "public") if one[name] is not None}
        files[path] = {**given, "code": {"n": one["code"]}}
        keys |= {one["key"]} - {None}
    paths = [path for path in files if path.startswith("recipes/")]
    for one, path in zip(chosen, paths, strict=False):
        files[path]["uses"] = paths[: one["uses"]]
    return files


def follows(shelf: Shelf, files: dict[str, dict[str, Any]]) -> None:
    assert shelf.plan().steps == []
    held = shelf.held()
    there = held.by_path()
    assert set(files) <= set(there)
    assert {one.id for one in there.values()} == set(held.marks)
    assert {path for path in there if path.startswith("recipes/")} == {
        path for path in files if path.startswith("recipes/")
    }
    for path, fields in files.items():
        asset = there[path]
        if asset.kind == "recipe":
            assert asset.content.code == fields["code"]
            assert [held.paths[use.id] for use in asset.content.uses] == fields["uses"]
            assert asset.state == fields.get("state", asset.state)
            assert asset.public == fields.get("public", asset.public)
    told = {id: one for id, one in replay(shelf.desk.log()).items() if not one.deleted}
    assert told.keys() == held.assets.keys()
    for id, asset in held.assets.items():
        one = told[id]
        assert (one.name, one.state, one.folder_id) == (asset.name, asset.state, asset.folder_id)
        assert one.content == plain(asset.content)
