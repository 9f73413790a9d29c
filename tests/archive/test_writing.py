"""Each closed day is written once and for good, whatever happens in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pyarrow import parquet
from tests.archive.filling import (
    DAY_US,
    FIRST,
    fill,
    record,
    set_archive,
    start,
    written,
)
from tests.conftest import activity, wait_for

from trailkeeper.activity import now_us
from trailkeeper.archive import days, work
from trailkeeper.archive.columns import COLUMNS
from trailkeeper.archive.folder import Folder
from trailkeeper.archive.layout import MANIFEST, date_of
from trailkeeper.followers import runner
from trailkeeper.followers.follower import DeliveryFailed
from trailkeeper.installation import Installation


def contents(folder: Path) -> dict[str, bytes]:
    """All that is there, by name."""
    return {
        str(one.relative_to(folder)): one.read_bytes()
        for one in sorted(folder.rglob("*"))
        if one.is_file()
    }


def manifests(folder: Path) -> list[dict[str, Any]]:
    """In the order of time."""
    return [json.loads(one.read_text()) for one in sorted(folder.rglob(MANIFEST))]


def acme_key(here: Installation) -> int:
    return here.workspaces.find("Acme")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "POLL_S", 0.02)


def test_a_day_is_a_folder_with_files_and_a_manifest(here: Installation, folder: Path) -> None:
    key = acme_key(here)
    fill(here, key, 3, 20)
    one = set_archive(here, "folder", {"folder": str(folder)})
    standing = written(here)
    assert (standing.totals.days, standing.totals.count) == (4, 62)
    there = manifests(folder)
    assert [day["date"] for day in there] == [
        "2026-02-28",
        "2026-03-01",
        "2026-03-02",
        "2026-03-03",
    ]
    assert [(day["first_seq"], day["end_seq"]) for day in there] == [
        (0, 2), (2, 22), (22, 42), (42, 62),
    ]  # fmt: skip
    assert {day["workspace"] for day in there} == {one.workspace_id}
    assert all(day["removed"] == day["erased"] == 0 for day in there)
    (file,) = there[1]["files"]
    assert file["name"] == "activities-000000000002-000000000021.parquet"
    path = folder / f"workspace={one.workspace_id}/date=2026-03-01" / file["name"]
    assert path.stat().st_size == file["bytes"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_today_is_not_in_the_archive_and_what_occurred_long_ago_is_where_it_was_received(
    here: Installation, folder: Path
) -> None:
    key = acme_key(here)
    late = activity(id="late", occurred_at="2019-05-06T07:08:09Z")
    record(here, key, FIRST, [late])
    here.writer.append(key, [here.recorder.prepare(key, _input(activity(id="today")))])
    set_archive(here, "folder", {"folder": str(folder)})
    written(here)
    assert manifests(folder)[-1]["date"] == date_of(FIRST)
    found = here.archive_search.page(key, _query("before:2020-01-01")).activities
    assert [one.id for one in found] == ["late"]
    assert here.archive_search.page(key, _query("after:2026-11-01")).activities == []


def test_nothing_can_be_received_on_a_day_that_was_closed(here: Installation, folder: Path) -> None:
    key = acme_key(here)
    set_archive(here, "folder", {"folder": str(folder)})
    here.archive_keeper.close_days()
    closed = here.archives.get(key)
    assert closed.closed_until % DAY_US == 0
    # The clock goes back by a year: the time of receipt does not.
    record(here, key, now_us() - 365 * DAY_US, [activity(id="from the past")])
    last = here.reader.get(key, "from the past")
    assert last is not None
    assert last.seq >= closed.closed_seq
    assert int(last.received_at.timestamp() * 1e6) >= closed.closed_until


def test_any_engine_reads_the_files_as_they_are(here: Installation, folder: Path) -> None:
    fill(here, acme_key(here), 3, 20)
    one = set_archive(here, "folder", {"folder": str(folder)})
    written(here)
    rows = duckdb.sql(
        "SELECT workspace, date::text, count(*), min(seq), max(seq)"
        f" FROM read_parquet('{folder}/**/*.parquet', hive_partitioning = 1)"
        " WHERE action = 'recipe.stopped' AND targets[1].type = 'recipe'"
        " GROUP BY workspace, date ORDER BY date"
    ).fetchall()
    assert rows == [
        (one.workspace_id, f"2026-03-0{day}", 20, day * 20 - 18, day * 20 + 1) for day in (1, 2, 3)
    ]
    first = next(folder.rglob("activities-*.parquet"))
    table = parquet.ParquetFile(first)
    assert table.schema_arrow.names == [name for name, _, _ in COLUMNS]
    assert table.metadata.row_group(0).column(0).compression == "ZSTD"


def test_a_long_day_has_files_of_a_bounded_size(
    here: Installation, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(days, "FILE_ROWS", 30)
    key = acme_key(here)
    fill(here, key, 1, 100)
    set_archive(here, "folder", {"folder": str(folder)})
    written(here)
    (day,) = manifests(folder)[1:]
    assert [file["count"] for file in day["files"]] == [30, 30, 30, 10]
    assert day["count"] == 100

    monkeypatch.setattr(days, "FILE_ROWS", 50_000)
    monkeypatch.setattr(days, "FILE_BYTES", 3_000)
    other = folder / "other"
    set_archive(here, "folder", {"folder": str(other)})
    written(here)
    files = manifests(other)[-1]["files"]
    assert len(files) > 5
    assert [file["first_seq"] for file in files[1:]] == [file["end_seq"] for file in files[:-1]]


def test_an_archive_that_is_written_again_is_the_same_to_the_byte(
    here: Installation, folder: Path
) -> None:
    fill(here, acme_key(here), 2, 30)
    set_archive(here, "folder", {"folder": str(folder / "a")})
    written(here)
    set_archive(here, "folder", {"folder": str(folder / "b")})
    written(here)
    assert contents(folder / "a") == contents(folder / "b")


@pytest.mark.parametrize("where", range(10))
def test_a_failure_at_any_step_leaves_no_trace(
    here: Installation, folder: Path, monkeypatch: pytest.MonkeyPatch, where: int
) -> None:
    """Before a file or manifest is written, after it, or after the database was told."""
    monkeypatch.setattr(days, "FILE_ROWS", 12)
    fill(here, acme_key(here), 2, 30)
    set_archive(here, "folder", {"folder": str(folder / "whole")})
    written(here)
    left = [where]

    def broken(method: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **named: Any) -> Any:
            left[0] -= 1
            if left[0] == -1:
                raise DeliveryFailed("not now", retry_after_s=0)
            done = method(*arguments, **named)
            left[0] -= 1
            if left[0] == -1:
                raise DeliveryFailed("done, but nobody heard", retry_after_s=0)
            return done

        return wrapped

    monkeypatch.setattr(Folder, "put", broken(Folder.put))
    monkeypatch.setattr(work.records, "keep_file", broken(work.records.keep_file))
    monkeypatch.setattr(work.records, "keep_day", broken(work.records.keep_day))
    one = set_archive(here, "folder", {"folder": str(folder / "broken")})
    start(here)
    wait_for(lambda: here.archives.standing(one).waiting == 0, 20)
    assert left[0] < -1
    assert here.archives.standing(one).place.last_error
    assert contents(folder / "broken") == contents(folder / "whole")


def test_a_file_of_a_day_that_was_not_finished_may_be_replaced(
    here: Installation, folder: Path
) -> None:
    """Another version of a library packs otherwise."""
    fill(here, acme_key(here), 1, 10)
    one = set_archive(here, "folder", {"folder": str(folder)})
    name = (
        f"workspace={one.workspace_id}/date=2026-03-01/activities-000000000002-000000000011.parquet"
    )
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_bytes(b"torn")
    written(here)
    assert (folder / name).read_bytes()[:4] == b"PAR1"


def test_an_archive_that_is_there_already_is_taken_over(here: Installation, folder: Path) -> None:
    fill(here, acme_key(here), 2, 30)
    by = here.workspaces.by_operator("Acme")
    set_archive(here, "folder", {"folder": str(folder)})
    written(here)
    before = contents(folder)
    times = {one: one.stat().st_mtime_ns for one in folder.rglob("*.parquet")}
    here.archives.delete(by)
    set_archive(here, "folder", {"folder": str(folder)})
    assert written(here).totals.count == 62
    assert contents(folder) == before
    assert {one: one.stat().st_mtime_ns for one in folder.rglob("*.parquet")} == times


def test_the_archive_of_another_log_is_not_overwritten(here: Installation, folder: Path) -> None:
    fill(here, acme_key(here), 1, 10)
    by = here.workspaces.by_operator("Acme")
    set_archive(here, "folder", {"folder": str(folder)})
    written(here)
    here.archives.delete(by)
    path = max(folder.rglob(MANIFEST))
    told = json.loads(path.read_text())
    told["files"][0]["canonical_sha256"] = "0" * 64
    path.write_text(json.dumps(told))
    before = contents(folder)
    one = set_archive(here, "folder", {"folder": str(folder)})
    here.archive_keeper.close_days()
    start(here)
    wait_for(lambda: here.archives.standing(one).state == "paused", 20)
    assert "tells of other activities" in (here.archives.standing(one).place.last_error or "")
    assert contents(folder) == before


def test_a_place_that_cannot_be_written_pauses_the_archive_and_says_so(
    here: Installation, folder: Path
) -> None:
    key = acme_key(here)
    fill(here, key, 1, 10)
    one = set_archive(here, "folder", {"folder": str(folder)})
    (folder / f"workspace={one.workspace_id}").write_text("in the way")
    here.archive_keeper.close_days()
    start(here)
    wait_for(lambda: here.archives.standing(one).state == "paused", 20)
    (paused,) = here.reader.page(key, _query("action:archive.paused")).activities
    assert paused.outcome == "failure"
    assert "cannot be written" in (paused.reason or "")
    (folder / f"workspace={one.workspace_id}").unlink()
    here.archives.resume(here.workspaces.by_operator("Acme"))
    assert wait_for(lambda: here.archives.standing(one).waiting == 0, 20)


def test_links_in_the_folder_are_not_followed(
    here: Installation, folder: Path, tmp_path: Path
) -> None:
    fill(here, acme_key(here), 1, 10)
    one = set_archive(here, "folder", {"folder": str(folder)})
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (folder / f"workspace={one.workspace_id}").symlink_to(elsewhere)
    here.archive_keeper.close_days()
    start(here)
    wait_for(lambda: here.archives.standing(one).state == "paused", 20)
    assert list(elsewhere.iterdir()) == []


def test_what_is_not_archived_yet_is_not_removed_from_the_log(
    here: Installation, folder: Path
) -> None:
    key = acme_key(here)
    fill(here, key, 2, 10)
    set_archive(here, "folder", {"folder": str(folder)})
    here.archive_keeper.close_days()
    _let_rules_take_effect(here)
    assert here.sweeper.sweep(key).activities.count == 0
    written(here)
    assert here.sweeper.sweep(key).activities.count == 22
    assert here.reader.get(key, "d1-3") is None
    (found,) = here.archive_search.page(key, _query("w3x after:2026-03-02")).activities
    assert found.id == "d1-3"


def test_what_was_removed_before_is_counted_in_the_manifest(
    here: Installation, folder: Path
) -> None:
    key = acme_key(here)
    fill(here, key, 3, 10)
    here.holds.place(here.workspaces.by_operator("Acme"), "Case", "w7x", "")
    _let_rules_take_effect(here)
    assert here.sweeper.sweep(key).activities.count
    set_archive(here, "folder", {"folder": str(folder)})
    written(here)
    there = manifests(folder)
    assert [(day["first_seq"], day["end_seq"], day["count"], day["removed"]) for day in there] == [
        (0, 10, 1, 9), (10, 20, 1, 9), (20, 30, 1, 9),
    ]  # fmt: skip


def _let_rules_take_effect(here: Installation) -> None:
    from sqlalchemy import update

    from trailkeeper.ledger.schema import workspace

    here.writer.run(lambda transaction: transaction.move_index())
    here.writer.run(
        lambda transaction: transaction.connection.execute(
            update(workspace).values(
                retention_days=1, retention_next_days=None, retention_next_at=None
            )
        )
    )


def _query(text: str) -> Any:
    from trailkeeper.query.language import parse

    return parse(text)


def _input(fields: dict[str, Any]) -> Any:
    import msgspec

    from trailkeeper.activity import ActivityInput

    return msgspec.convert(fields, ActivityInput)
