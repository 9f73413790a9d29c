"""Export, import and preview through the API, as programs use them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.account.world import World, open_world
from tests.api.support import expect_problem, listed
from tests.assets.packing import Raw, package_files, raw_package, recipe, zipped
from tests.conftest import Site, make_site, wait_for

ZIP = {"Content-Type": "application/zip"}
V1 = "/api/v1"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = make_site(tmp_path_factory.mktemp("site") / "data").start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def http(site: Site) -> Iterator[httpx.Client]:
    with site.http() as client:
        yield client


@pytest.fixture(scope="module")
def world(site: Site) -> Iterator[World]:
    made = open_world(site)
    yield made
    made.close()


@pytest.fixture
def place(site: Site, tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of a workspace of this test's own."""
    name = tmp_path.name
    with site.add_workspace(name, f"{name.lower()[:60]}@example.com").http() as client:
        yield client


def made(http: httpx.Client, path: str, **body: Any) -> dict[str, Any]:
    answer = http.post(f"{V1}/{path}", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def exported(http: httpx.Client) -> dict[str, Any]:
    """The package of an export of a folder with one recipe."""
    folder = made(http, "folders", name="ERP")
    made(http, "recipes", name="Sync SKUs", folder_id=folder["id"], code={"steps": [1]})
    manifest = made(http, "manifests", name="Shop", folder_id=folder["id"])
    answer = http.post(f"{V1}/manifests/{manifest['id']}/export")
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"{V1}/packages/{answer.json()['id']}"
    assert answer.headers["etag"] == '"1"'
    return answer.json()


def send(http: httpx.Client, raw: bytes, path: str = "packages/import", **query: Any) -> Any:
    return http.post(f"{V1}/{path}", content=raw, headers=ZIP, params=query)


GOOD = zipped(package_files(recipe()))


def test_an_export_is_downloaded_looked_at_and_imported(place: httpx.Client) -> None:
    package = exported(place)
    assert (package["kind"], package["direction"], package["assets"]) == ("package", "export", 1)
    file = place.get(f"{V1}/packages/{package['id']}/download")
    assert file.status_code == 200
    assert file.headers["content-type"] == "application/zip"
    name = package["file_name"]
    disposition = f"attachment; filename=\"{name}\"; filename*=UTF-8''{name}"
    assert file.headers["content-disposition"] == disposition
    assert zipfile.ZipFile(io.BytesIO(file.content)).testzip() is None
    look = send(place, file.content, "packages/look").json()
    assert look["assets"] == [{"kind": "recipe", "name": "Sync SKUs", "folder": []}]
    answer = send(place, file.content, folder_name="Copy", wait="true")
    assert answer.status_code == 201, answer.text
    copy = answer.json()
    assert (copy["direction"], copy["assets"], copy["file_name"]) == ("import", 1, "shop.zip")
    found = place.get(f"{V1}/recipes", params={"folder_id": copy["folder_id"]}).json()["data"]
    assert [(one["name"], one["code"]) for one in found] == [("Sync SKUs", {"steps": [1]})]
    actions = [one["action"] for one in listed(place)]
    assert actions[:3] == ["package.imported", "recipe.created", "folder.created"]
    assert actions[3] == "package.exported"


def test_packages_are_listed_with_all_other_assets(place: httpx.Client) -> None:
    package = exported(place)
    assert place.get(f"{V1}/packages/{package['id']}").json() == package
    assert place.get(f"{V1}/packages").json()["data"] == [package]


def test_an_import_that_is_not_waited_for_is_followed_by_its_address(place: httpx.Client) -> None:
    answer = send(place, GOOD)
    assert answer.status_code == 202
    begun = answer.json()
    assert begun["total"] == 1
    address = answer.headers["location"]
    assert address == f"{V1}/package-imports/{begun['id']}"
    state = wait_for(lambda: ended(place.get(address).json()))
    assert (state["state"], state["done"], state["total"]) == ("done", 1, 1)
    assert place.get(f"{V1}/packages/{state['package_id']}").status_code == 200


def ended(state: dict[str, Any]) -> dict[str, Any] | None:
    return None if state["state"] == "running" else state


def test_an_import_into_a_folder(place: httpx.Client) -> None:
    folder = made(place, "folders", name="Imports")
    path = f"folders/{folder['id']}/import"
    answer = send(place, GOOD, path, folder_name="Mine", file_name="my shop.zip", wait="true")
    assert answer.status_code == 201, answer.text
    new = place.get(f"{V1}/folders/{answer.json()['folder_id']}").json()
    assert (new["name"], new["folder_id"]) == ("Mine", folder["id"])
    assert answer.json()["file_name"] == "my shop.zip"
    expect_problem(
        send(place, GOOD, "folders/99999/import"), 422, "invalid-input", pointer="/folder_id"
    )


def test_what_stands_in_the_way_is_answered_at_once_and_nothing_is_made(
    place: httpx.Client,
) -> None:
    made(place, "folders", name="shop")
    before = len(listed(place))
    for query in ({}, {"wait": "true"}):
        problem = expect_problem(send(place, GOOD, **query), 409, "conflict")
        assert problem["errors"] == [
            {"detail": "The folder 'Shop' is there already", "pointer": "/folder_name"}
        ]
    assert place.get(f"{V1}/recipes").json()["data"] == []
    assert len(listed(place)) == before


@pytest.mark.parametrize("path", ["packages/import", "packages/look"])
@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "not a zip file"),
        (GOOD[:-1], "not a zip file"),
        (raw_package(Raw("../evil.json")), "leads out of the package"),
        (raw_package(Raw("link.json", attributes=0o120777 << 16)), "is a link"),
        (raw_package(Raw("bomb.json", b"\0" * 5_000_000)), "is larger than"),
        (zipped(package_files(recipe(), schema_version=2)), "newer than 1"),
        (zipped({**package_files(recipe()), "recipes/a.json": b"[]"}), "SHA-256"),
    ],
)
def test_a_file_that_is_not_right_is_a_problem_with_the_reason(
    http: httpx.Client, path: str, raw: bytes, why: str
) -> None:
    problem = expect_problem(send(http, raw, path), 422, "invalid-input")
    assert why in problem["detail"]


def test_a_file_that_is_too_large_is_not_read(http: httpx.Client) -> None:
    for path in ("packages/import", "packages/look"):
        expect_problem(send(http, b"x" * (17 << 20), path), 413, "too-large")


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data", ""])
def test_another_media_type_is_refused(http: httpx.Client, kind: str) -> None:
    answer = http.post(f"{V1}/packages/import", content=GOOD, headers={"Content-Type": kind})
    expect_problem(answer, 415, "unsupported-media-type")


def test_an_unknown_parameter_is_refused(http: httpx.Client) -> None:
    expect_problem(send(http, GOOD, foldername="x"), 400, "invalid-parameter")
    expect_problem(send(http, GOOD, wait="yes"), 400, "invalid-parameter")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "manifests/99999/export"),
        ("GET", "packages/99999/download"),
        ("GET", "package-imports/99999"),
        ("POST", "message-templates/99999/preview"),
    ],
)
def test_what_is_not_there_is_not_found(http: httpx.Client, method: str, path: str) -> None:
    expect_problem(http.request(method, f"{V1}/{path}"), 404, "not-found")


def test_neither_an_operator_nor_a_token_without_the_right_may(world: World, site: Site) -> None:
    key = world.api_key(world.person("Operator"))
    for token in (key, site.new_token("activities:read")):
        with site.http(token) as http:
            for path in ("manifests/1/export", "folders/1/import"):
                expect_problem(send(http, GOOD, path), 403, "forbidden")
            for path in ("packages/look", "packages/import"):
                expect_problem(send(http, GOOD, path), 403, "forbidden")
            for path in ("packages/1/download", "package-imports/1"):
                expect_problem(http.get(f"{V1}/{path}"), 403, "forbidden")
    with httpx.Client(base_url=site.base_url, verify=False) as nobody:
        expect_problem(send(nobody, GOOD), 401, "unauthorized")
    with site.http() as http:
        denied = listed(http, action="access.denied", limit=1_000)
    assert "/api/v1/packages/import" in str(denied)


def test_a_template_is_rendered_with_data(place: httpx.Client, world: World, site: Site) -> None:
    template = made(
        place, "message-templates", name="Done", subject="Hi {{ name }}", body="{{ n | plus: 1 }}"
    )
    path = f"{V1}/message-templates/{template['id']}/preview"
    answer = place.post(path, json={"data": {"name": "<b>", "n": 41}})
    assert answer.json() == {"subject": "Hi <b>", "body": "42"}
    assert place.post(path).json() == {"subject": "Hi ", "body": "1"}
    expect_problem(place.post(path, json={"data": []}), 422, "invalid-input")
    expect_problem(place.post(path, json={"dat": {}}), 422, "invalid-input")
    expect_problem(place.post(path, content=b"{"), 400, "malformed-body")
    with site.http(world.api_key(world.person("Operator"))) as operator:
        expect_problem(operator.post(path), 404, "not-found")  # may, but not in that workspace


def test_a_template_that_does_not_end_is_a_problem_with_the_reason(place: httpx.Client) -> None:
    endless = "{% for i in (1..1000000000) %}x{% endfor %}"
    template = made(place, "message-templates", name="Endless", body=endless)
    answer = place.post(f"{V1}/message-templates/{template['id']}/preview", json={"data": {}})
    problem = expect_problem(answer, 422, "invalid-input", pointer="/body")
    assert "a loop has more than 10,000 rounds" in problem["detail"]


def test_a_template_that_cannot_be_read_is_not_kept(place: httpx.Client) -> None:
    answer = place.post(f"{V1}/message-templates", json={"name": "Bad", "body": "{% if %}"})
    expect_problem(answer, 422, "invalid-input", pointer="/body")
