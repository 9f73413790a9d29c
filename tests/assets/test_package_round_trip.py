"""An export, and its import elsewhere: the same content, with links to the new assets."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.assets.packing import SECRET, Place, two_workspaces

from trailkeeper.assets.asset import Asset
from trailkeeper.assets.kinds import KINDS as ALL_KINDS
from trailkeeper.assets.package_check import NOT_PACKED, check_package
from trailkeeper.assets.package_format import Entry, Index, Outside, read_package
from trailkeeper.errors import Conflict


@pytest.fixture
def places(tmp_path: Path) -> Iterator[tuple[Place, Place]]:
    with two_workspaces(tmp_path / "data") as found:
        yield found


@pytest.fixture
def acme(places: tuple[Place, Place]) -> Place:
    return places[0]


@pytest.fixture
def beta(places: tuple[Place, Place]) -> Place:
    return places[1]


def use(one: Asset) -> dict[str, str]:
    return {"kind": one.kind, "id": one.id}


def shop(place: Place) -> Asset:
    """A project of every kind that a package can hold; returns its folder."""
    erp = place.make("folder", "ERP", description="All of it")
    jobs = place.make("folder", "Jobs / night", erp.id)
    shared = place.make("folder", "Shared")
    login = {"user": "sync", "password": SECRET}
    sap = place.make("connection", "SAP", shared.id, provider="sap", credentials=login)
    codes = place.make(
        "lookup_table",
        "Codes",
        columns=[{"name": "code"}, {"name": "count", "type": "integer"}],
        rows=[["a", "1"], ["ä", ""]],
    )
    key = place.make("property", "Shop key", secret=True, value=SECRET)
    limit = place.make("property", "Limit", value="250")
    text = place.make("message_template", "Done", subject="Done {{ n }}", body="{{ n | plus: 1 }}")
    schema = {"type": "object", "properties": {"sku": {"type": "string"}}}
    model = place.make("common_data_model", "Product", schema=schema)
    topic = place.make("pubsub_topic", "Products", schema=schema)
    connector = place.make("connector", "Shop", source="{ title: 'Shop' }\n")
    place.registry.release(place.by, "connector", connector.id)
    uses = [sap, codes, key, limit, text, model, topic, connector]
    sync = place.make(
        "recipe",
        "Sync SKUs",
        erp.id,
        code={"steps": [{"id": 1, "name": "Größe ✓", "deep": [[{"a": None}]]}]},
        uses=[use(one) for one in uses],
    )
    nightly = place.make("recipe", "Nightly", jobs.id, uses=[use(sync)])
    again = [*map(use, uses), use(nightly)]
    place.registry.update(place.by, "recipe", sync.id, content={"uses": again})
    place.registry.transition(place.by, "recipe", sync.id, "start")
    policy = place.make("api_policy", "Slow", rate={"requests": 5, "per": "second"})
    api = place.make("api_collection", "Orders", base_path="/orders")
    place.make("api_endpoint", "List", api.id, path="/all", recipe_id=sync.id)
    place.make(
        "manifest", "Shop", folder_id=erp.id, assets=[use(api), use(policy)], description="v1"
    )
    return erp


KINDS = (
    "folder", "recipe", "connection", "connector", "common_data_model", "lookup_table",
    "message_template", "property", "pubsub_topic", "api_collection", "api_endpoint", "api_policy",
)  # fmt: skip


def exported(place: Place) -> bytes:
    package = place.packages.export(place.by, place.one("manifest", "Shop").id)
    return place.packages.file(place.by.workspace, package.id)[1]


def told(place: Place, kind: str) -> dict[str, Any]:
    """The contents of a kind by name, with names instead of ids."""
    names = {one.id: one.name for kind in KINDS for one in place.all(kind)}

    def named(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: names[one] if key in ("id", "recipe_id") and one in names else named(one)
                for key, one in value.items()
            }
        return [named(one) for one in value] if isinstance(value, list) else value

    return {one.name: named(msgspec.to_builtins(one.content)) for one in place.all(kind)}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "folder"])
def test_each_asset_comes_out_as_it_went_in_and_links_to_the_new_ones(
    acme: Place, beta: Place, kind: str
) -> None:
    shop(acme)
    beta.packages.import_(beta.by, exported(acme))
    before = told(acme, kind)
    if kind == "connector":
        before["Shop"]["released_version"] = None
    assert told(beta, kind) == before
    assert before


def test_assets_come_into_a_new_folder_with_the_folders_they_were_in(
    acme: Place, beta: Place
) -> None:
    shop(acme)
    beta.packages.import_(beta.by, exported(acme), "New")
    names = {one.id: one.name for one in beta.all("folder")}

    def path(one: Asset) -> str:
        inside = beta.registry.path_of(beta.by.workspace, one.folder_id)
        return ", ".join(folder.name for folder in inside)

    assert sorted(names.values()) == ["Dependencies", "Jobs / night", "New", "Shared"]
    assert path(beta.one("recipe", "Sync SKUs")) == "New"
    assert path(beta.one("recipe", "Nightly")) == "New, Jobs / night"
    assert path(beta.one("connection", "SAP")) == "New, Dependencies, Shared"


def test_what_ran_or_was_connected_starts_anew(acme: Place, beta: Place) -> None:
    shop(acme)
    beta.packages.import_(beta.by, exported(acme))
    states = [beta.one(kind, name).state for kind, name in STATES]
    assert states == ["stopped", "disconnected", "inactive", "draft"]


STATES = (
    ("recipe", "Sync SKUs"),
    ("connection", "SAP"),
    ("api_endpoint", "List"),
    ("connector", "Shop"),
)


def test_no_secret_is_in_the_file_or_in_the_log_of_either_workspace(
    acme: Place, beta: Place
) -> None:
    shop(acme)
    raw = exported(acme)
    beta.packages.import_(beta.by, raw)
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        assert archive.testzip() is None
        texts = [archive.read(name) for name in archive.namelist()]
    logs = [msgspec.json.encode(one) for one in (*acme.log(), *beta.log())]
    assert SECRET.encode() not in b"".join([raw, *texts, *logs])
    assert beta.one("connection", "SAP").secrets == []
    assert beta.one("property", "Shop key").secrets == []


def test_a_look_tells_which_secrets_are_to_be_set_again(acme: Place, beta: Place) -> None:
    shop(acme)
    look = beta.packages.look(beta.by, exported(acme))
    assert [(one.kind, one.name, one.field) for one in look.secrets] == [
        ("connection", "SAP", "credentials"),
        ("property", "Shop key", "value"),
    ]
    assert (look.name, look.workspace, look.folder_name) == ("Shop", "Acme", "Shop")
    assert (look.conflicts, look.missing, look.lacking) == ([], [], [])
    assert len(look.assets) == 16
    assert beta.state() == []


def test_the_export_is_on_record_with_its_manifest_and_folder(acme: Place) -> None:
    erp = shop(acme)
    raw = exported(acme)
    package, manifest = acme.all("package")[0], acme.one("manifest", "Shop")
    done = acme.log()[-1]
    assert done.action == "package.exported"
    assert [(one.type, one.id) for one in done.targets] == [
        ("package", package.id),
        ("manifest", manifest.id),
    ]
    assert done.details["file_name"] == package.name == package.content.file_name
    assert (done.details["folder_id"], done.details["folder_path"]) == (erp.id, "Home/ERP")
    assert done.details["counts"]["recipe"] == 2
    assert done.details["sha256"] == package.content.sha256
    assert (package.content.size, package.content.assets) == (len(raw), 16)


def test_each_imported_asset_is_on_record_and_at_the_end_the_import(
    acme: Place, beta: Place
) -> None:
    shop(acme)
    raw = exported(acme)
    since = beta.next_seq()
    package = beta.packages.import_(beta.by, raw, "New", file_name="shop.zip")
    done = beta.log(since)
    made = [one for one in done if one.action.endswith(".created")]
    assert len(made) == 17
    assert made[0].targets[0].name == "New"
    assert [one.action for one in done if one not in made] == ["recipe.updated", "package.imported"]
    last = done[-1]
    assert (last.targets[0].id, last.targets[0].name) == (package.id, "shop.zip")
    assert last.details["folder_id"] == made[0].targets[0].id == package.content.folder_id
    assert (last.details["folder_path"], last.details["file_name"]) == ("Home/New", "shop.zip")
    assert last.details["sha256"] == package.content.sha256
    assert last.details["counts"] == {
        "folder": 3, "recipe": 2, "connection": 1, "connector": 1, "common_data_model": 1,
        "lookup_table": 1, "message_template": 1, "property": 2, "pubsub_topic": 1,
        "api_collection": 1, "api_endpoint": 1, "api_policy": 1,
    }  # fmt: skip


def test_the_imported_file_is_kept_and_an_export_of_it_holds_the_same(
    acme: Place, beta: Place
) -> None:
    shop(acme)
    raw = exported(acme)
    package = beta.packages.import_(beta.by, raw, "New")
    assert beta.packages.file(beta.by.workspace, package.id) == ("shop.zip", raw)
    folder = beta.one("folder", "New").id
    api, policy = beta.one("api_collection", "Orders"), beta.one("api_policy", "Slow")
    again = beta.export(folder_id=folder, assets=[use(api), use(policy)])

    def listed(raw: bytes) -> set[tuple[str, str, bytes]]:
        items = read_package(raw).items
        return {(one.listed.path, json.dumps(one.listed.folder), one.text) for one in items}

    assert listed(again) == listed(raw)


def test_the_same_assets_make_the_same_bytes(acme: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    shop(acme)
    monkeypatch.setattr("trailkeeper.assets.package_gather.now_us", lambda: 1_800_000_000_000_000)
    assert exported(acme) == exported(acme)


def test_the_file_is_a_zip_that_any_tool_reads(acme: Place) -> None:
    shop(acme)
    with zipfile.ZipFile(io.BytesIO(exported(acme))) as archive:
        names = archive.namelist()
        index = json.loads(archive.read("package.json"))
        recipe = archive.read("recipes/sync-skus.json").decode()
    assert names == sorted(names)
    assert (index["format"], index["schema_version"]) == ("trailkeeper package", 1)
    assert {entry["path"] for entry in index["entries"]} == set(names) - {"package.json"}
    assert (
        recipe
        == json.dumps(json.loads(recipe), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    )


def test_names_that_look_alike_get_files_of_their_own(acme: Place, beta: Place) -> None:
    folder = acme.make("folder", "Names")
    names = ["Sync!", "sync?", "SYNC ✓", "日本", "日本語", "../etc/passwd", "C:\\x", "a" * 200]
    for name in names:
        acme.make("recipe", name, folder.id, description=name)
    beta.packages.import_(beta.by, acme.export(folder_id=folder.id))
    assert {one.name: one.content.description for one in beta.all("recipe")} == {
        name: name for name in names
    }


def test_without_dependencies_links_lead_to_what_the_other_workspace_has(
    acme: Place, beta: Place
) -> None:
    folder = acme.make("folder", "ERP")
    sap, shop, gone = (acme.make("connection", name) for name in ("SAP", "Shop", "Gone"))
    acme.make("recipe", "Sync", folder.id, uses=[use(one) for one in (sap, shop, gone)])
    acme.registry.delete(acme.by, "connection", gone.id)
    raw = acme.export(folder_id=folder.id, include_dependencies=False)
    elsewhere = beta.make("folder", "Connections")
    there = beta.make("connection", "sap", elsewhere.id)
    beta.make("connection", "Shop")
    beta.make("connection", "Shop", elsewhere.id)
    look = beta.packages.look(beta.by, raw)
    assert [(one.kind, one.name, one.used_by) for one in look.missing] == [
        ("connection", "Gone", ["Sync"]),
        ("connection", "Shop", ["Sync"]),
    ]
    beta.packages.import_(beta.by, raw)
    assert [one.id for one in beta.one("recipe", "Sync").content.uses] == [there.id]


def test_recipes_that_call_each_other_keep_their_links(acme: Place, beta: Place) -> None:
    folder = acme.make("folder", "Ring")
    ring = [acme.make("recipe", f"R{n}", folder.id) for n in range(5)]
    for one, following in zip(ring, [*ring[1:], ring[0]], strict=True):
        uses = [use(following), use(one)]
        acme.registry.update(acme.by, "recipe", one.id, content={"uses": uses})
    beta.packages.import_(beta.by, acme.export(folder_id=folder.id))
    made = {one.name: one for one in beta.all("recipe")}
    for number in range(5):
        wanted = [made[f"R{(number + 1) % 5}"].id, made[f"R{number}"].id]
        assert [one.id for one in made[f"R{number}"].content.uses] == wanted


def test_a_listed_folder_comes_with_all_in_it_and_a_listed_endpoint_with_its_collection(
    acme: Place,
) -> None:
    folder = acme.make("folder", "ERP")
    acme.make("recipe", "Sync", acme.make("folder", "Deep", folder.id).id)
    api = acme.make("api_collection", "Orders")
    endpoints = [acme.make("api_endpoint", name, api.id) for name in ("One", "Two")]
    package = read_package(acme.export(assets=[use(folder), use(endpoints[0])]))
    check_package(package)
    assert {(item.listed.name, tuple(item.listed.folder)) for item in package.items} == {
        ("ERP", ()),
        ("Deep", ("ERP",)),
        ("Sync", ("ERP", "Deep")),
        ("Orders", ()),
        ("One", ()),
    }
    whole = read_package(acme.export(assets=[use(api)]))
    assert {item.listed.name for item in whole.items} == {"Orders", "One", "Two"}


def test_a_folder_named_as_the_one_for_dependencies_is_not_mixed_with_it(
    acme: Place, beta: Place
) -> None:
    folder = acme.make("folder", "ERP")
    inside = acme.make("folder", "dependencies", folder.id)
    acme.make("connection", "SAP", inside.id, provider="inside")
    outside = acme.make("connection", "SAP", provider="outside")
    acme.make("recipe", "Sync", folder.id, uses=[use(outside)])
    beta.packages.import_(beta.by, acme.export(folder_id=folder.id))
    names = {one.id: one.name for one in beta.all("folder")}
    found = {one.content.provider: names[one.folder_id or ""] for one in beta.all("connection")}
    assert found == {"inside": "dependencies", "outside": "Dependencies (2)"}


@pytest.mark.parametrize(
    "value", ["x" * 900_000, "".join(map(chr, range(0x4E00, 0x9000))) * 10, '"\\' * 200_000]
)
def test_what_is_long_or_shrinks_like_a_bomb_can_be_imported_again(
    acme: Place, beta: Place, value: str
) -> None:
    folder = acme.make("folder", "Long")
    acme.make("recipe", "Long", folder.id, code={"text": value})
    acme.make("recipe", "Deep", folder.id, code={"rows": [[[[""] * 10] * 10] * 10] * 100})
    beta.packages.import_(beta.by, acme.export(folder_id=folder.id))
    assert beta.one("recipe", "Long").content.code == {"text": value}
    assert beta.one("recipe", "Deep").content == acme.one("recipe", "Deep").content


@pytest.mark.parametrize("content", [{}, {"assets": []}])
def test_a_manifest_that_names_nothing_is_not_exported(
    acme: Place, content: dict[str, Any]
) -> None:
    with pytest.raises(Conflict, match="names nothing"):
        acme.export(**content)


def test_what_the_manifest_names_must_be_there(acme: Place) -> None:
    folder = acme.make("folder", "Gone")
    recipe = acme.make("recipe", "Gone too")
    customer = acme.make("api_customer", "Customer")
    manifest = acme.make("manifest", "M", folder_id=folder.id)
    acme.registry.delete(acme.by, "folder", folder.id)
    with pytest.raises(Conflict, match="folder is deleted"):
        acme.packages.export(acme.by, manifest.id)
    listed = [use(recipe), use(customer), {"kind": "connection", "id": recipe.id}]
    acme.registry.delete(acme.by, "recipe", recipe.id)
    with pytest.raises(Conflict) as refused:
        acme.export(assets=listed)
    assert [error.pointer for error in refused.value.errors] == [
        "/assets/0",
        "/assets/1",
        "/assets/2",
    ]
    assert acme.all("package") == []


def test_the_reference_page_shows_every_field_of_the_list() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "package-format.md").read_text()
    shown = json.loads(page.partition("```json\n")[2].partition("```")[0])
    assert set(shown) == set(Index.__struct_fields__)
    assert set(shown["entries"][0]) == set(Entry.__struct_fields__)
    assert set(shown["outside"][0]) == set(Outside.__struct_fields__)
    packed = page.partition("Kinds that can be in a package: ")[2].partition(".")[0]
    labels = {kind.label for kind in ALL_KINDS.values() if kind.name not in NOT_PACKED}
    words = " ".join(packed.split()).lower()
    assert all(label.lower() in words.replace("its endpoints", "api endpoint") for label in labels)
