"""Archives through the API and the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.archive.filling import acme, fill
from tests.conftest import Site, cli, wait_for

ARCHIVE = "/api/v1/archive"


@contextmanager
def served(place: Path) -> Iterator[Site]:
    """With three days of 20 activities, not archived yet."""
    data, folder = place / "data", place / "archive"
    with acme(data, folder) as (here, key):
        fill(here, key, 3, 20)
        by = here.workspaces.by_operator("Acme")
        token = here.tokens.create(by, "tests", ["activities:read", "admin"], None).token
    site = Site(data, token)
    site.environment["TRAILKEEPER_STREAM_FOLDERS"] = str(folder)
    yield site.start()
    site.stop()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with served(tmp_path) as site:
        yield site


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """For tests that change nothing."""
    with served(tmp_path_factory.mktemp("untouched")) as site:
        yield site


def folder_of(site: Site) -> str:
    return site.environment["TRAILKEEPER_STREAM_FOLDERS"]


def test_the_api_sets_it_up_searches_it_and_forgets_it(site: Site) -> None:
    place = {"type": "folder", "settings": {"folder": folder_of(site)}}
    with site.http() as http:
        assert http.get(ARCHIVE).status_code == 404
        assert http.get(f"{ARCHIVE}/activities").status_code == 404
        assert http.post(f"{ARCHIVE}/test").status_code == 404
        made = http.put(ARCHIVE, json={"destination": place, "keep_days": 4_000})
        assert made.status_code == 200, made.text
        view = wait_for(
            lambda: (now := http.get(ARCHIVE).json())["days"] == 4 and now["waiting"] == 0 and now,
            30,
            site.log,
        )
        assert (view["state"], view["keep_days"], view["activities"]) == ("running", 4_000, 62)
        assert (view["first_day"], view["last_day"]) == ("2026-02-28", "2026-03-03")
        assert http.post(f"{ARCHIVE}/test").json()["ok"]
        days = http.get(f"{ARCHIVE}/days").json()["data"]
        assert [day["date"] for day in days] == [
            "2026-02-28",
            *(f"2026-03-0{n}" for n in (1, 2, 3)),
        ]
        assert all(len(day["manifest_sha256"]) == 64 for day in days)

        asked = {"q": "w7x", "limit": 2}
        first = http.get(f"{ARCHIVE}/activities", params=asked).json()
        assert [one["id"] for one in first["data"]] == ["d2-7", "d1-7"]
        assert first["searched"]["candidates"] == 4
        rest = http.get(
            f"{ARCHIVE}/activities", params={**asked, "cursor": first["next_cursor"]}
        ).json()
        assert [one["id"] for one in rest["data"]] == ["d0-7"]
        assert rest["next_cursor"] is None
        live = http.get("/api/v1/activities", params={"q": "w7x"}).json()["data"]
        assert first["data"] + rest["data"] == live

        assert http.put(ARCHIVE, json={"keep_days": None}).json()["keep_days"] is None
        assert http.post(f"{ARCHIVE}/pause").json()["state"] == "paused"
        assert http.post(f"{ARCHIVE}/pause").status_code == 409
        assert http.post(f"{ARCHIVE}/resume").json()["state"] == "running"
        assert http.delete(ARCHIVE).status_code == 204
        assert http.delete(ARCHIVE).status_code == 404
        recorded = http.get("/api/v1/activities", params={"action": "archive.*"}).json()["data"]
    assert [one["action"].partition(".")[2] for one in reversed(recorded)] == [
        "created", "updated", "paused", "resumed", "deleted",
    ]  # fmt: skip
    assert list(Path(folder_of(site)).rglob("*.parquet"))


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/destination"),
        ({"destination": {"type": "tape", "settings": {}}}, "/destination"),
        ({"destination": {"type": "http", "settings": {}}}, "/destination"),
        ({"destination": {"type": "folder", "settings": {}}}, "/folder"),
        ({"destination": {"type": "folder", "settings": {"folder": "/etc"}}}, "/folder"),
        ({"destination": {"type": "folder", "settings": {"folder": "/", "x": "y"}}}, "/x"),
        ({"destination": {"type": "folder", "settings": {}}, "keep_days": 0}, "/keep_days"),
        ({"keep_days": "all"}, "/keep_days"),
    ],
)
def test_wrong_settings_are_named(untouched: Site, body: dict[str, object], pointer: str) -> None:
    with untouched.http() as http:
        refused = http.put(ARCHIVE, json=body)
        assert refused.status_code == 422, refused.text
        assert refused.json()["errors"][0]["pointer"] == pointer
        assert http.get(ARCHIVE).status_code == 404


def test_wrong_searches_are_named_and_others_are_refused(site: Site) -> None:
    with site.http() as http:
        place = {"type": "folder", "settings": {"folder": folder_of(site)}}
        http.put(ARCHIVE, json={"destination": place}).raise_for_status()
        for wrong in ({"order": "up"}, {"cursor": "nonsense"}, {"nonsense": "1"}, {"q": '"open'}):
            refused = http.get(f"{ARCHIVE}/activities", params=wrong)
            assert refused.status_code == 400
            assert refused.json()["errors"][0]["parameter"] == next(iter(wrong))
    with site.http(site.new_token("activities:read")) as http:
        assert http.get(ARCHIVE).status_code == 403
        assert http.put(ARCHIVE, json={"keep_days": 1}).status_code == 403
        assert http.get(f"{ARCHIVE}/activities").status_code == 200
    with site.http(site.new_token("activities:write")) as http:
        assert http.get(f"{ARCHIVE}/activities").status_code == 403
    other = site.add_workspace("Other", "olga@example.com")
    with other.http() as http:
        assert http.get(f"{ARCHIVE}/activities").status_code == 404
        assert http.get(ARCHIVE).status_code == 404


def test_the_command_does_the_same(site: Site) -> None:
    allowed, where = site.environment, ("--data", site.data, "--workspace", "Acme")
    none = cli("archive", "show", *where, check=False, **allowed)
    assert (none.returncode, none.stderr) == (
        1,
        "trailkeeper: This workspace has no archive\n",
    )
    made = cli(
        *("archive", "set", *where, "--type", "folder"),
        *("--set", f"folder={folder_of(site)}", "--keep-days", "4000"),
        **allowed,
    )
    assert made.stdout == f"Folder: {folder_of(site)}: Files are written to {folder_of(site)}\n"

    def shown() -> dict[str, object]:
        return json.loads(cli("archive", "show", *where, "--json", **allowed).stdout)

    # The server next to it writes.
    with site.http() as http:
        wait_for(
            lambda: (now := http.get(ARCHIVE).json())["days"] == 4 and now["waiting"] == 0,
            60,
            lambda: http.get(ARCHIVE).text,
        )
    assert "4 days, 62 activities" in cli("archive", "show", *where, **allowed).stdout
    assert cli("archive", "list", *where, **allowed).stdout.count("\n") == 4
    found = cli("search", "w7x", "--archive", *where, "--json", **allowed).stdout.splitlines()
    assert [json.loads(line)["id"] for line in found] == ["d2-7", "d1-7", "d0-7"]
    assert cli("archive", "verify", *where, **allowed).stdout.endswith("nothing wrong\n")
    assert json.loads(cli("archive", "sweep", *where, "--json", **allowed).stdout)["days"] == []
    cli("archive", "pause", *where, **allowed)
    assert shown()["state"] == "paused"
    cli("archive", "resume", *where, **allowed)
    cli("archive", "delete", *where, **allowed)
    assert cli("archive", "list", *where, check=False, **allowed).returncode == 1
    wrong = cli("archive", "set", *where, "--type", "tape", check=False, **allowed)
    assert "The destination must be one of s3, gcs, azure, folder" in wrong.stderr
