"""Retention and legal holds through page, API and command line."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.account.world import World, open_world
from tests.api.support import PATH
from tests.conftest import Site, activity, cli, tables_of

RETENTION, HOLDS = "/api/v1/settings/retention", "/api/v1/legal-holds"


@pytest.fixture
def world(site: Site) -> Iterator[World]:
    made = open_world(site)
    yield made
    made.close()


def test_an_admin_sees_what_a_shorter_time_would_remove_before_it_is_set(world: World) -> None:
    with world.site.http() as http:
        old = activity(id="old", occurred_at="2026-01-01T00:00:00Z")
        http.post(PATH, json=old).raise_for_status()
    page = "/settings/retention/days"
    shown = world.owner.post(page, days="30")
    assert shown.status_code == 200
    assert "<b>1 activity</b>" in shown.text
    with world.site.http() as http:
        assert http.get(RETENTION).json()["takes_effect_at"] is None
    assert world.owner.post(page, days="30", confirmed="30").status_code == 303
    with world.site.http() as http:
        rule = http.get(RETENTION).json()
    assert (rule["days"], rule["next_days"]) == (365, 30)
    assert world.owner.post(page, days="soon").status_code == 422
    assert world.person().post(page, days="3000").status_code == 403


def test_holds_are_placed_and_released_on_the_page(world: World) -> None:
    page = "/settings/retention/holds"
    assert world.owner.post(page, name="Case", query="nonsense:1").status_code == 422
    placed = world.owner.post(page, name="<b>Case</b>", query="actor:user:7", reason="a court")
    assert placed.status_code == 303
    shown = world.owner.get("/settings/retention").text
    assert "&lt;b&gt;Case&lt;/b&gt;" in shown
    with world.site.http() as http:
        (one,) = http.get(HOLDS).json()["data"]
        assert http.delete(f"{HOLDS}/{one['id']}").status_code == 204
        assert http.delete(f"{HOLDS}/{one['id']}").status_code == 409
    assert "Released" in world.owner.get("/settings/retention").text


def test_the_api_changes_previews_and_refuses(site: Site) -> None:
    with site.http() as http:
        assert http.put(RETENTION, json={"days": 3_650}).json()["days"] == 3_650
        assert http.put(RETENTION, json={"days": None}).json()["days"] is None
        assert http.post(f"{RETENTION}/preview", json={"days": 1}).json()["count"] == 0
        wrong = http.put(RETENTION, json={"days": 0})
        assert wrong.status_code == 422
        assert wrong.json()["errors"][0]["pointer"] == "/days"
        changed = http.get(PATH, params={"action": "retention.updated"}).json()["data"]
    assert [one["changes"][0]["new"] for one in changed] == [None, 3_650]
    with site.http(site.new_token("activities:read")) as http:
        assert http.get(RETENTION).status_code == 403


def test_the_operator_does_it_at_the_command_line(site: Site) -> None:
    where = ("--data", site.data, "--workspace", "Acme")
    assert cli("retention", "show", *where).stdout == "365 days\n"
    assert cli("retention", "set", "700", *where).stdout == "700 days\n"
    assert json.loads(cli("retention", "set", "--forever", *where, "--json").stdout)["days"] is None
    assert cli("retention", "set", *where, check=False).returncode == 2
    id = cli("hold", "place", "Case", *where, "--query", "actor:user:7").stdout.strip()
    assert "actor:user:7" in cli("hold", "list", *where).stdout
    cli("hold", "release", id, *where)
    assert "released" in cli("hold", "list", *where).stdout
    swept = json.loads(cli("retention", "sweep", *where, "--json").stdout)
    assert swept["activities_removed"] == swept["jobs_kept"] == 0


def test_a_preview_on_the_page_and_in_the_api_counts_jobs(world: World) -> None:
    old = {"id": 1, "flow_id": 2, "status": "started", "started_at": "2026-01-01T00:00:00Z"}
    with world.site.http(world.site.new_token("jobs:write")) as http:
        http.post("/api/v1/jobs", json=old).raise_for_status()
    with world.site.http() as http:
        preview = http.post(f"{RETENTION}/preview", json={"days": 30}).json()
    assert (preview["count"], preview["jobs"], preview["package_files"]) == (0, 1, 0)
    shown = world.owner.post("/settings/retention/days", days="30").text
    assert "<b>1 job</b>" in shown
    assert "the files of <b>0 packages</b>" in shown


def test_a_package_whose_file_went_says_so(world: World) -> None:
    with world.site.http() as http:
        folder = http.post("/api/v1/folders", json={"name": "ERP"}).raise_for_status().json()
        asked = {"name": "All", "assets": [{"kind": "folder", "id": folder["id"]}]}
        manifest = http.post("/api/v1/manifests", json=asked).raise_for_status().json()
        exported = http.post(f"/api/v1/manifests/{manifest['id']}/export").raise_for_status()
        package = exported.json()["id"]
        where = ("--data", world.site.data, "--workspace", "Acme")
        page = f"/lifecycle/packages/{package}"
        assert "Download package" in world.owner.get(page).text
        age = "UPDATE asset SET created_at = created_at - 400 * 86400000000 WHERE id = ?"
        with tables_of(world.site.data) as database:
            database.execute(age, (package,))
            if database.in_transaction:
                database.execute("COMMIT")
        swept = json.loads(cli("retention", "sweep", *where, "--json").stdout)
        assert swept["package_files_removed"] == 1
        assert http.get(f"/api/v1/packages/{package}/download").status_code == 404
        assert http.get(f"/api/v1/packages/{package}").json()["file_name"]
    shown = world.owner.get(page).text
    assert "no longer kept" in shown
    assert "Download package" not in shown
