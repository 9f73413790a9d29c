"""Retention of packages: the file of an old one goes, the package itself stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from tests.retention.kept import Kept

from trailkeeper.activity import from_us, now_us
from trailkeeper.assets.asset import Asset
from trailkeeper.errors import NotFound
from trailkeeper.retention import steps


def exported(kept: Kept, name: str, days_ago: float) -> Asset:
    """A package that was made so many days ago."""
    here = kept.store.here
    with time_machine.travel(from_us(now_us()) - timedelta(days=days_ago)):
        table = here.registry.create(kept.by, "lookup_table", f"{name} codes", content={}).asset
        assets = [{"kind": "lookup_table", "id": table.id}]
        manifest = here.registry.create(kept.by, "manifest", name, content={"assets": assets})
        return here.packages.export(kept.by, manifest.asset.id)


def has_file(kept: Kept, package: Asset) -> bool:
    return kept.store.here.packages.has_file(kept.store.acme, package.id)


def test_the_file_of_an_old_package_goes_and_the_package_stays(kept: Kept) -> None:
    old, new = exported(kept, "Old", 366), exported(kept, "New", 364)
    kept.record(400)
    preview = kept.store.here.retention.preview(kept.store.acme, 365)
    assert preview.files == 1
    assert kept.sweep_all().files.count == 1
    assert (has_file(kept, old), has_file(kept, new)) == (False, True)
    with pytest.raises(NotFound, match="not kept"):
        kept.store.here.packages.file(kept.store.acme, old.id)
    stays = kept.store.here.registry.get(kept.store.acme, "package", old.id)
    assert stays.content == old.content
    (told,) = kept.all("action:retention.package_files_removed")
    assert told.details["count"] == 1
    assert told.details["first_at"] == told.details["last_at"] < told.details["before"]


def test_files_go_a_few_bytes_at_a_time(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "STEP_BYTES", 1)
    for number in range(3):
        exported(kept, f"Old {number}", 400)
    assert kept.sweep_all().files.count == 3


@pytest.mark.parametrize(
    ("query", "stays"), [("", True), ("type:package", True), ("actor:user:7", False)]
)
def test_what_a_hold_holds_stays(kept: Kept, query: str, stays: bool) -> None:
    package = exported(kept, "Old", 400)
    kept.store.here.holds.place(kept.by, "Case", query, "")
    kept.sweep_all()
    assert has_file(kept, package) is stays


def test_a_hold_on_one_package_holds_that_one(kept: Kept) -> None:
    one, other = exported(kept, "One", 400), exported(kept, "Other", 400)
    kept.store.here.holds.place(kept.by, "Case", f"target:package:{one.id}", "")
    swept = kept.sweep_all().files
    assert (swept.count, swept.kept) == (1, 1)
    assert (has_file(kept, one), has_file(kept, other)) == (True, False)
