"""What leaves the database, with PostgreSQL as the one that it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.clickhouse.copied import Copied, open_copied
from tests.clickhouse.test_leaving import *  # noqa: F403
from tests.clickhouse.test_leaving import days_ago, hot, ids, record
from tests.postgresql import database

from trailkeeper.installation import InstallationError, opened
from trailkeeper.query.language import parse

STOPPED = parse("action:recipe.stopped")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Copied]:
    with database() as url, open_copied(tmp_path / "data", database_url=url) as made:
        yield made


def test_another_process_sees_what_has_left_and_none_of_another_workspace(three: Copied) -> None:
    record(three, "late", 200)
    three.clickhouse.move(three.acme, days_ago(30))
    there = three.another()
    found = there.reader.page(three.acme, STOPPED).activities
    assert [one.id for one in found] == ["day", "month", "late", "year"]
    assert there.reader.page(three.other, STOPPED).activities == []
    assert there.reader.get(three.other, "year") is None
    three.copy()
    assert three.clickhouse.move(three.acme, days_ago(30)).count == 1
    assert hot(three) == ["day"]
    assert ids(three, "*ear") == ["year"]
    counted = there.reader.histogram(three.acme, STOPPED, "auto", ZoneInfo("UTC"))
    assert sum(bucket.count for bucket in counted.buckets) == 4


def test_it_is_not_opened_without_the_url_once_something_has_left(
    three: Copied, monkeypatch: pytest.MonkeyPatch
) -> None:
    three.clickhouse.move(three.acme, days_ago(30))
    monkeypatch.delenv("TRAILKEEPER_CLICKHOUSE_URL")
    with (
        pytest.raises(InstallationError, match="set `clickhouse_url`"),
        opened(three.data, database_url=three.url),
    ):
        pass
