"""Exports and imports on their pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.account.world import World, open_world
from tests.assets.page_forms import form_to, make, send, uploaded
from tests.conftest import Site, wait_for


@pytest.fixture(scope="module")
def world(shared_site: Site) -> Iterator[World]:
    made = open_world(shared_site)
    yield made
    made.close()


@dataclass
class Exported:
    """A package's file, made from a folder with a recipe and the connection that it uses."""

    file: bytes
    folder: str
    connection: str


@pytest.fixture(scope="module")
def exported(world: World) -> Exported:
    folder = make(world.owner, "folder", "To export")
    connection = make(
        world.owner,
        "connection",
        "Exported connection",
        credentials__name=["token"],
        credentials__value=["never-in-a-file"],
    )
    recipe = make(world.owner, "recipe", "Exported recipe", folder=folder)
    uses = send(world.owner, f"/recipes/{recipe}/connections", uses=[f"connection:{connection}"])
    assert uses.status_code == 303, uses.text
    manifest = make(world.owner, "manifest", "Everything", folder_id=[folder])
    path = f"/lifecycle/manifests/{manifest}"
    made = send(world.owner, path, f"{path}/export")
    assert made.status_code == 303, made.text
    package = made.headers["location"].partition("?")[0]
    page = world.owner.get(made.headers["location"])
    assert "ready to be downloaded" in page.text
    assert f'href="{package}/download"' in page.text
    answer = world.owner.get(f"{package}/download")
    assert answer.headers["content-type"] == "application/zip"
    return Exported(answer.content, folder, connection)


def look(world: World, file: bytes) -> str:
    """Upload a package; the path of the page that says what its import would do."""
    answer = uploaded(world.owner, "/lifecycle/imports", "package.zip", file)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def test_an_import_is_shown_first_and_then_done(world: World, exported: Exported) -> None:
    assert b"never-in-a-file" not in exported.file
    before = world.count("package.imported")
    path = look(world, exported.file)
    page = world.owner.get(path)
    assert "Exported recipe" in page.text
    assert "Exported connection: credentials" in page.text, "secrets are to be set again"
    assert world.count("package.imported") == before, "nothing is made yet"
    started = send(world.owner, path, folder_name="Imported here")
    assert started.status_code == 303, started.text
    run = started.headers["location"]
    wait_for(lambda: "were imported" in world.owner.get(run).text)
    done = world.owner.get(run).text
    folder = re.search(r'href="(/recipes\?folder=\d+)"', done)
    assert folder
    assert "Exported recipe" in world.owner.get(folder[1]).text
    assert "Imported" in world.owner.get("/lifecycle/imports").text
    assert world.count("package.imported") == before + 1


def test_conflicts_are_listed_and_nothing_can_be_imported_until_they_are_gone(
    world: World, exported: Exported
) -> None:
    path = look(world, exported.file)
    page = world.owner.get(f"{path}?folder_name=To+export&folder_id=home")
    assert "stands in the way" in page.text
    assert "is there already" in page.text
    assert "Import 3 assets" not in page.text
    answer = send(world.owner, path, folder_name="To export", folder_id="home")
    assert answer.status_code == 409
    assert "is there already" in answer.text
    again = world.owner.get(f"{path}?folder_name=Elsewhere&folder_id={exported.folder}")
    assert "stands in the way" not in again.text


@pytest.mark.parametrize("body", [b"", b"no zip", b"PK\x03\x04broken"])
def test_a_file_that_is_no_package_is_refused(world: World, body: bytes) -> None:
    answer = uploaded(world.owner, "/lifecycle/imports", "p.zip", body)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_a_file_that_is_too_large_is_refused_in_words(world: World) -> None:
    answer = uploaded(world.owner, "/lifecycle/imports", "p.zip", b"x" * (17 * 1024 * 1024))
    assert answer.status_code == 413
    assert "too large" in answer.text


def test_a_file_that_was_uploaded_is_seen_by_nobody_else(world: World, exported: Exported) -> None:
    path = look(world, exported.file)
    other = world.person("Admin")
    page = other.get(path)
    assert "upload it again" in page.text
    assert "Exported recipe" not in page.text
    csrf = form_to(other.get("/teams"), "/logout").fields["csrf"][0]
    taken = other.http.post(path, data={"csrf": csrf, "folder_name": "Mine", "folder_id": "home"})
    assert "upload it again" in taken.text


def test_a_file_that_was_imported_is_not_kept(world: World, exported: Exported) -> None:
    path = look(world, exported.file)
    assert send(world.owner, path, folder_name="Once").status_code == 303
    assert "upload it again" in world.owner.get(path).text


def test_an_unknown_import_or_package_is_not_there(world: World) -> None:
    assert world.owner.get("/lifecycle/imports/run/none").status_code == 404
    assert world.owner.get("/lifecycle/packages/1/download").status_code == 404
