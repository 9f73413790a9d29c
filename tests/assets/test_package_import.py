"""Imports: all or nothing, by those who may, in the background with progress."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.assets.packing import Place, package_files, recipe, two_workspaces, zipped
from tests.conftest import wait_for

from trailkeeper.assets import imports, packages
from trailkeeper.assets.changes import Changes
from trailkeeper.assets.imports import AT_ONCE, KEPT_S, Imports
from trailkeeper.assets.package_format import read_package
from trailkeeper.assets.package_import import in_order
from trailkeeper.assets.packages import safe_file_name
from trailkeeper.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    StoreUnavailable,
    TooManyRequests,
)
from trailkeeper.identity.acting import By


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with two_workspaces(tmp_path / "data") as (found, _):
        yield found


def property_named(name: str) -> dict[str, Any]:
    return {"path": f"properties/{name.lower()}.json", "kind": "property", "name": name}


def folder_named(name: str, *inside: str) -> dict[str, Any]:
    path = "-".join(["f", *inside, name]).lower()
    return {"path": f"folders/{path}.json", "kind": "folder", "name": name, "folder": [*inside]}


THREE = zipped(package_files(recipe(), property_named("Limit"), property_named("Key")))


# --- All or nothing


def test_one_name_that_is_taken_stops_all_and_all_that_are_taken_are_told(place: Place) -> None:
    for name in ("LIMIT", "key"):
        place.make("property", name)
    place.make("folder", "shop")
    before, since = place.state(), place.next_seq()
    with pytest.raises(Conflict) as refused:
        place.packages.import_(place.by, THREE)
    told = [(error.pointer, error.detail) for error in refused.value.errors]
    assert told == [
        ("/folder_name", "The folder 'Shop' is there already"),
        ("/properties/limit.json", "The workspace has the property 'Limit' already"),
        ("/properties/key.json", "The workspace has the property 'Key' already"),
    ]
    assert list(refused.value.errors) == place.packages.look(place.by, THREE).conflicts
    assert (place.state(), place.next_seq()) == (before, since)


@pytest.mark.parametrize("number", range(1, 6))
def test_whatever_fails_in_the_middle_nothing_is_left(
    place: Place, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    make, calls = Changes.create, 0

    def failing(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number:
            raise Conflict("not now")
        return make(*arguments, **options)

    monkeypatch.setattr(Changes, "create", failing)
    before, since = place.state(), place.next_seq()
    with pytest.raises(Conflict, match="not now"):
        place.packages.import_(place.by, THREE)
    assert (place.state(), place.next_seq()) == (before, since)
    monkeypatch.undo()
    place.packages.import_(place.by, THREE)


def test_a_name_that_is_taken_between_the_check_and_the_import_stops_it_too(place: Place) -> None:
    prepared = place.packages.prepare(place.by, THREE)
    place.make("property", "Key")
    with pytest.raises(Conflict, match="'Key' already"):
        place.packages.carry_out(place.by, prepared, lambda _done, _total: None)
    assert place.all("recipe") == []


def test_a_file_that_is_no_package_changes_nothing(place: Place) -> None:
    since = place.next_seq()
    for raw in (b"", THREE[:-4], zipped({"a.json": b"{}"})):
        with pytest.raises(InvalidInput):
            place.packages.import_(place.by, raw)
    assert place.next_seq() == since


@pytest.mark.parametrize("folder", ["10", "99999", "x" * 300])
def test_the_folder_must_be_there(place: Place, folder: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        place.packages.import_(place.by, THREE, parent_folder_id=folder)
    assert refused.value.errors[0].pointer == "/folder_id"


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 201])
def test_the_new_folder_needs_a_name(place: Place, name: str) -> None:
    with pytest.raises(InvalidInput):
        place.packages.import_(place.by, THREE, name)


def test_folders_that_would_be_too_deep_are_a_conflict(place: Place) -> None:
    parent: str | None = None
    for number in range(18):
        parent = place.make("folder", f"F{number}", parent).id
    deep = zipped(package_files(folder_named("A"), folder_named("B", "A")))
    with pytest.raises(Conflict, match="nested more than 20 deep"):
        place.packages.import_(place.by, deep, parent_folder_id=parent)
    flat = zipped(package_files(folder_named("A"), recipe(folder=["A"])))
    place.packages.import_(place.by, flat, parent_folder_id=parent)
    assert len(place.registry.path_of(place.by.workspace, place.one("folder", "A").id)) == 20


def test_the_same_file_can_be_imported_twice_into_folders_of_other_names(place: Place) -> None:
    raw = zipped(package_files(recipe()))
    made = [place.packages.import_(place.by, raw, name) for name in ("One", "Two")]
    assert [one.name for one in made] == ["shop.zip", "shop-2.zip"]
    assert len(place.all("recipe")) == 2


def test_the_order_of_the_list_does_not_matter(place: Place) -> None:
    a, b, c = (f"recipes/{name}.json" for name in "abc")

    def calls(path: str, *others: str) -> dict[str, Any]:
        uses = [{"kind": "recipe", "id": other} for other in others]
        name = path.removesuffix(".json")
        return recipe(path, name, folder=["F"], references=[*others], content={"uses": uses})

    listed = [calls(a, b), calls(b, c), calls(c), folder_named("F")]
    package = read_package(zipped(package_files(*listed)))
    assert [item.listed.path for item in in_order(package)] == ["folders/f-f.json", c, b, a]
    place.packages.import_(place.by, zipped(package_files(*listed)))
    assert {one.version for one in place.all("recipe")} == {1}


# --- Who may


def with_privileges(by: By, *privileges: str) -> By:
    return replace(by, privileges=frozenset(privileges), is_owner=False)


@pytest.mark.parametrize(
    ("held", "lacking"),
    [
        ((), "lifecycle.manage"),
        (("recipes.edit", "tools.edit"), "lifecycle.manage"),
        (("lifecycle.manage", "recipes.edit"), "tools.edit"),
        (("lifecycle.manage", "tools.edit"), "recipes.edit"),
    ],
)
def test_an_import_needs_the_right_to_make_each_kind_and_a_refusal_is_on_record(
    place: Place, held: tuple[str, ...], lacking: str
) -> None:
    by = with_privileges(place.by, *held)
    since = place.next_seq()
    with pytest.raises(Forbidden, match=lacking):
        place.packages.import_(by, THREE)
    assert [one.action for one in place.log(since)] == ["access.denied"]
    assert place.all("recipe") == []


def test_an_import_by_someone_who_may_no_more_than_that(place: Place) -> None:
    by = with_privileges(place.by, "lifecycle.manage", "recipes.edit", "tools.edit")
    assert place.packages.look(by, THREE).lacking == []
    place.packages.import_(by, THREE)


def test_a_look_tells_what_the_caller_may_not_make(place: Place) -> None:
    by = with_privileges(place.by, "lifecycle.manage")
    assert place.packages.look(by, THREE).lacking == ["recipes.edit", "tools.edit"]


def test_an_export_needs_the_right_to_see_what_is_exported(place: Place) -> None:
    folder = place.make("folder", "F")
    place.make("connection", "SAP", folder.id)
    manifest = place.make("manifest", "M", folder_id=folder.id)
    for held in ((), ("recipes.view",), ("lifecycle.manage", "recipes.view")):
        with pytest.raises(Forbidden):
            place.packages.export(with_privileges(place.by, *held), manifest.id)
    by = with_privileges(place.by, "lifecycle.manage", "connections.view")
    assert place.packages.export(by, manifest.id).content.assets == 1


def test_another_workspace_sees_neither_manifest_nor_file_nor_import(tmp_path: Path) -> None:
    with two_workspaces(tmp_path / "data") as (acme, beta):
        folder = acme.make("folder", "F")
        acme.make("recipe", "R", folder.id)
        manifest = acme.make("manifest", "M", folder_id=folder.id)
        package = acme.packages.export(acme.by, manifest.id)
        begun = acme.installation.imports.start(acme.by, THREE)
        with pytest.raises(NotFound):
            beta.packages.export(beta.by, manifest.id)
        with pytest.raises(NotFound):
            beta.packages.file(beta.by.workspace, package.id)
        with pytest.raises(NotFound):
            beta.installation.imports.find(beta.by.workspace, begun.id)


# --- In the background


def thousand() -> bytes:
    code = {"steps": [{"number": number, "input": "x" * 50} for number in range(20)]}
    sap = {"path": "connections/sap.json", "kind": "connection", "name": "SAP"}
    uses = [{"kind": "connection", "id": sap["path"]}]
    recipes = [
        recipe(
            f"recipes/{number}.json",
            f"Recipe {number}",
            folder=[f"F{number % 10}"],
            references=[sap["path"]],
            content={"code": code, "uses": uses},
        )
        for number in range(989)
    ]
    folders = [folder_named(f"F{number}") for number in range(10)]
    return zipped(package_files(sap, *folders, *recipes))


def test_a_thousand_assets_are_imported_in_seconds_with_progress(place: Place) -> None:
    raw = thousand()
    seen: list[tuple[int, int]] = []
    since, started = place.next_seq(), time.monotonic()
    package = place.packages.import_(place.by, raw, progress=lambda *now: seen.append(now))
    assert time.monotonic() - started < 10
    assert seen == [(number, 1_000) for number in range(1, 1_001)]
    assert package.content.assets == 1_000
    made = place.log(since)
    assert len({one.targets[0].id for one in made if one.action.endswith(".created")}) == 1_001
    assert [one.action for one in made][-1] == "package.imported"
    assert len(made) == 1_002


def test_an_import_goes_on_in_the_background_and_can_be_followed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    half, go_on = threading.Event(), threading.Event()

    def stop_half_way(done: int) -> None:
        if done == 2:
            half.set()
            assert go_on.wait(30)

    background = watched(place, monkeypatch, stop_half_way)
    begun = background.start(place.by, THREE)
    assert (begun.state, begun.total) == ("running", 3)
    assert begun.done <= 2  # it may be on its way already
    assert half.wait(30)
    state = background.find(place.by.workspace, begun.id)
    assert (state.state, state.done, state.total) == ("running", 2, 3)
    assert place.all("recipe") == []
    assert background.wait(place.by.workspace, begun.id, 0.01) is None
    go_on.set()
    package = background.wait(place.by.workspace, begun.id, 30)
    assert package is not None
    state = background.find(place.by.workspace, begun.id)
    assert (state.state, state.done, state.package_id) == ("done", 3, package.id)


def test_an_import_that_fails_tells_its_problem(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_done: int) -> None:
        raise Conflict("not now")

    background = watched(place, monkeypatch, fail)
    begun = background.start(place.by, THREE)
    with pytest.raises(Conflict, match="not now"):
        background.wait(place.by.workspace, begun.id, 30)
    state = background.find(place.by.workspace, begun.id)
    assert state.state == "failed"
    assert state.problem is not None
    assert (state.problem["status"], state.problem["detail"]) == (409, "not now")
    assert place.all("recipe") == []


def test_an_error_that_nobody_foresaw_ends_the_import_without_its_text(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_done: int) -> None:
        raise ValueError("where the key lies")

    background = watched(place, monkeypatch, fail)
    begun = background.start(place.by, THREE)
    wait_for(lambda: background.find(place.by.workspace, begun.id).state == "failed")
    assert "key" not in str(background.find(place.by.workspace, begun.id).problem)


def test_only_so_many_run_at_once_and_one_that_ended_makes_room(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    background = watched(place, monkeypatch, lambda _done: go_on.wait(30))
    raw = zipped(package_files(recipe()))
    begun = [background.start(place.by, raw, f"F{number}") for number in range(AT_ONCE)]
    with pytest.raises(TooManyRequests):
        background.start(place.by, raw, "More")
    go_on.set()
    for one in begun:
        assert background.wait(place.by.workspace, one.id, 30)
    for attempt in range(5):  # nor do those that are refused take a place
        with pytest.raises(InvalidInput):
            background.start(place.by, b"")
        made = background.start(place.by, raw, f"More {attempt}")
        assert background.wait(place.by.workspace, made.id, 30)


def test_what_ended_long_ago_is_forgotten(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    background = place.installation.imports
    raw = zipped(package_files(recipe()))
    first = background.start(place.by, raw, "One")
    assert background.wait(place.by.workspace, first.id, 30)
    now = time.monotonic()
    monkeypatch.setattr(imports.time, "monotonic", lambda: now + KEPT_S + 60)
    second = background.start(place.by, raw, "Two")
    with pytest.raises(NotFound):
        background.find(place.by.workspace, first.id)
    assert background.wait(place.by.workspace, second.id, 30)


def test_closing_waits_for_the_end_and_begins_no_more(place: Place) -> None:
    background = Imports(place.packages)
    begun = background.start(place.by, thousand())
    background.close()
    assert background.find(place.by.workspace, begun.id).state == "done"
    with pytest.raises(StoreUnavailable):
        background.start(place.by, THREE, "More")


def watched(
    place: Place, monkeypatch: pytest.MonkeyPatch, after: Callable[[int], object]
) -> Imports:
    """Imports that do something after each asset that is made."""
    carry_out = packages.Packages.carry_out

    def watching(self: Any, by: By, prepared: Any, progress: Any) -> Any:
        def both(done: int, total: int) -> None:
            progress(done, total)
            after(done)

        return carry_out(self, by, prepared, both)

    monkeypatch.setattr(packages.Packages, "carry_out", watching)
    return place.installation.imports


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("shop.zip", "shop.zip"),
        ("shop.ZIP", "shop.zip"),
        ("shop", "shop.zip"),
        ("../../etc/passwd", "passwd.zip"),
        ("C:\\dir\\shop.zip", "shop.zip"),
        ('a"; filename="evil.exe', "a_; filename=_evil.exe.zip"),
        ("a\r\nSet-Cookie: x", "a__Set-Cookie_ x.zip"),
        ("  ..  ", "package.zip"),
        ("", "package.zip"),
        ("日本.zip", "日本.zip"),
        ("x" * 500, "x" * 150 + ".zip"),
    ],
)
def test_a_file_name_does_no_harm(given: str, kept: str) -> None:
    assert safe_file_name(given) == kept
