"""An archive registered as an Iceberg table is read back by pyiceberg, as it is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from pyiceberg.catalog.sql import SqlCatalog
from tests.archive.filling import DAY_US, FIRST, acme, fill, set_archive, written
from tests.archive.test_keeping import keep_since_third_of_march
from tests.conftest import cli

from trailkeeper.archive import days
from trailkeeper.archive.iceberg import Registered, register
from trailkeeper.errors import Conflict
from trailkeeper.installation import Installation

if TYPE_CHECKING:
    from tests.streaming.object_stores import Servers


def registered(here: Installation, where: Path, table: str = "audit.activities") -> Registered:
    one = here.archives.get(here.workspaces.find("Acme"))
    return register(here.store, one, here.archive_owner, **places(where), table=table)


def places(where: Path) -> dict[str, str]:
    return {
        "catalog": f"sqlite:///{where}/catalog.db",
        "warehouse": f"file://{where}/warehouse",
    }


def read(where: Path, condition: str = "", **properties: str) -> list[dict[str, Any]]:
    known = places(where)
    catalog = SqlCatalog(
        "trailkeeper", uri=known["catalog"], warehouse=known["warehouse"], **properties
    )
    table = catalog.load_table("audit.activities")
    scan = table.scan(row_filter=condition) if condition else table.scan()
    rows: list[dict[str, Any]] = scan.to_arrow().to_pylist()
    catalog.close()
    return sorted(rows, key=lambda row: row["seq"])


def test_a_folder_is_registered_extended_and_read_back(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    with acme(tmp_path / "data", folder) as (here, key):
        fill(here, key, 3, 20)
        set_archive(here, "folder", {"folder": str(folder)})
        with patch.object(days, "now_us", lambda: FIRST + 2 * DAY_US):
            written(here)
        assert registered(here, tmp_path) == Registered("audit.activities", 3, 3)
        assert [row["seq"] for row in read(tmp_path)] == list(range(42))
        written(here)
        assert registered(here, tmp_path) == Registered("audit.activities", 4, 1)
        rows = read(tmp_path)
        assert [row["seq"] for row in rows] == list(range(62))
        assert [row["public"] for row in rows] == [
            stored.public for stored in here.archive_owner._days.between(key, 0, 62, None)
        ]
        some = read(tmp_path, "received_at >= '2026-03-02T00:00:00+00:00' and id == 'd2-7'")
        assert [row["targets"][0]["name"] for row in some] == ["Sync product SKUs"]

        one = here.archives.keep_for(
            here.workspaces.by_operator("Acme"), keep_since_third_of_march(here)
        )
        here.archive_keeper.remove_old(one)
        assert registered(here, tmp_path) == Registered("audit.activities", 1, 0)
        assert [row["seq"] for row in read(tmp_path)] == list(range(42, 62))
        with pytest.raises(Conflict, match=r"must be such as audit\.activities"):
            registered(here, tmp_path, "activities")


def test_a_bucket_is_registered_by_the_command(servers: Servers, tmp_path: Path) -> None:
    place = servers.place("moto")
    with acme(tmp_path / "data") as (here, key):
        fill(here, key, 2, 20)
        set_archive(here, place.kind, place.settings)
        written(here)
    done = cli(
        *("archive", "iceberg", "--data", tmp_path / "data", "--workspace", "Acme"),
        *("--catalog", places(tmp_path)["catalog"], "--warehouse", places(tmp_path)["warehouse"]),
        TRAILKEEPER_STREAM_ALLOWED_NETWORKS="127.0.0.0/8",
        HOME=os.environ["HOME"],
    )
    assert (done.stdout, done.stderr) == ("audit.activities: 3 files, 3 of them new\n", "")
    rows = read(
        tmp_path,
        "action == 'recipe.stopped'",
        **{
            "s3.endpoint": place.settings["endpoint"],
            "s3.access-key-id": place.settings["access_key_id"],
            "s3.secret-access-key": place.settings["secret_access_key"],
            "s3.region": place.settings["region"],
        },
    )
    assert [row["id"] for row in rows] == [f"d{day}-{n}" for day in (0, 1) for n in range(20)]
