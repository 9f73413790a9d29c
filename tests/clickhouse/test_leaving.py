"""What leaves the database: only what ClickHouse has, and by retention what nobody holds."""

from __future__ import annotations

import os
from unittest.mock import patch

import pytest
from tests.clickhouse.copied import DAY_US, Copied
from tests.contract.stores import receipt

from trailkeeper.activity import from_us, now_us
from trailkeeper.clickhouse.connection import Connection
from trailkeeper.clickhouse.removing import Remover
from trailkeeper.clickhouse.service import make_followers, turn_off
from trailkeeper.errors import IdConflict, StoreUnavailable
from trailkeeper.identity.acting import By, everything
from trailkeeper.ledger.recorder import system_actor
from trailkeeper.ledger.removal import next_words
from trailkeeper.query.filters import Filter
from trailkeeper.query.language import parse


def days_ago(days: float) -> int:
    return now_us() - int(days * DAY_US)


def record(store: Copied, id: str, days: float, **changed: object) -> None:
    store.record(id=id, occurred_at=from_us(days_ago(days)), **changed)


def ids(store: Copied, query: str = "action:recipe.stopped") -> list[str]:
    page = store.here.reader.page(store.acme, parse(query) if query else Filter(), order="asc")
    return [one.id for one in page.activities]


def counted(store: Copied) -> int:
    """As the counts by hour have it."""
    return store.here.reader.facets(store.acme, parse("action:recipe.stopped"), ["outcome"]).total


def hot(store: Copied) -> list[str]:
    return [row.id for row in store.rows() if not row.id.startswith("0")]


@pytest.fixture
def three(store: Copied) -> Copied:
    """A year, a month and a day old, all copied."""
    for id, days in (("year", 400), ("month", 40), ("day", 1)):
        record(store, id, days, actor={"type": "user", "id": id, "name": f"{id} Person"})
    store.copy()
    return store


def test_what_is_older_than_the_hot_window_leaves_the_database(three: Copied) -> None:
    moved = three.clickhouse.move(three.acme, days_ago(30))
    assert (moved.count, moved.differs) == (2, None)
    assert hot(three) == ["day"]
    assert ids(three) == ["year", "month", "day"]
    assert counted(three) == 3
    assert three.clickhouse.move(three.acme, days_ago(30)).count == 0


def test_the_setting_says_how_long(three: Copied) -> None:
    with patch.dict(os.environ, {"TRAILKEEPER_CLICKHOUSE_HOT_DAYS": "30"}):
        there = three.another()
    assert there.clickhouse is not None
    there.clickhouse.move_all()
    assert hot(three) == ["day"]


def test_without_the_setting_everything_stays(three: Copied) -> None:
    three.clickhouse.move_all()
    assert hot(three) == ["year", "month", "day"]


def test_what_is_not_copied_stays(three: Copied) -> None:
    record(three, "late", 200)
    assert three.clickhouse.move(three.acme, days_ago(30)).count == 2
    assert hot(three) == ["day", "late"]
    assert ids(three) == ["year", "late", "month", "day"]


@pytest.mark.parametrize(
    "harm",
    [
        "DELETE FROM activity WHERE id = 'month'",
        "ALTER TABLE activity UPDATE personal = '{}' WHERE id = 'month'",
        "ALTER TABLE activity UPDATE salt = 'x' WHERE id = 'month'",
        "INSERT INTO activity SELECT * REPLACE (77 AS seq) FROM activity WHERE id = 'month'",
    ],
)
def test_a_day_that_differs_by_count_or_by_a_byte_stays_with_all_that_is_newer(
    three: Copied, harm: str
) -> None:
    record(three, "week", 7)
    three.copy()
    # The follower's next seq would be past any, were it there.
    three.there.command(harm.replace("77", "2"), settings={"mutations_sync": 2})
    moved = three.clickhouse.move(three.acme, days_ago(3))
    assert moved.count == 1
    assert moved.differs == days_ago(40) // DAY_US
    assert hot(three) == ["month", "day", "week"]
    assert three.here.reader.get(three.acme, "month") is not None


def test_ids_stay_known_when_their_activities_have_left(three: Copied) -> None:
    prepared = three.prepare(id="again", occurred_at=from_us(days_ago(50)))
    first = receipt(three.append(prepared)[0])
    three.catch_up()
    assert hot(three) == []
    again = receipt(three.append(prepared)[0])
    assert (again.already_there, again.seq) == (True, first.seq)
    (conflict,) = three.append(three.prepare(id="again", reason="changed"))
    assert isinstance(conflict, IdConflict)


def test_a_stop_in_the_middle_leaves_each_activity_on_one_side(store: Copied) -> None:
    for number in range(30):
        record(store, f"a-{number:02}", 100 - number)
    store.copy()
    run, steps = store.writer.run, iter(range(4))

    def stops(work: object) -> object:
        if next(steps, None) is None:
            raise RuntimeError("killed")
        return run(work)  # type: ignore[arg-type]

    with (
        patch("trailkeeper.clickhouse.moving.STEP_ROWS", 5),
        patch.object(store.writer, "run", stops),
        pytest.raises(RuntimeError),
    ):
        store.clickhouse.move(store.acme, days_ago(30))
    wanted = [f"a-{number:02}" for number in range(30)]
    assert 0 < len(hot(store)) < 30
    assert ids(store) == wanted
    store.clickhouse.move(store.acme, days_ago(30))
    assert hot(store) == []
    assert ids(store) == wanted
    assert counted(store) == 30


# --- Retention


def by(store: Copied) -> By:
    return everything(store.acme, system_actor("cli", "Command line"))


@pytest.mark.parametrize("before", [30, 500], ids=["that has left", "that is in both"])
def test_retention_reaches_clickhouse(three: Copied, before: int) -> None:
    three.clickhouse.move(three.acme, days_ago(before))
    three.writer.run(lambda transaction: transaction.move_index())
    swept = three.here.sweeper.sweep(three.acme)
    assert swept.activities.count == 1
    assert (swept.activities.first, swept.activities.last) == (0, 0)
    assert ids(three) == ["month", "day"]
    assert counted(three) == 2
    assert three.there.query("SELECT count() FROM activity WHERE id = 'year'").result_rows == [(0,)]
    (told,) = three.here.reader.page(
        three.acme, parse("action:retention.activities_removed")
    ).activities
    assert told.details["count"] == 1
    # Names go with the last activity that has them, and not before.
    assert three.here.reader.choices(three.acme, "actor", "year Person") == []
    (kept,) = three.here.reader.choices(three.acme, "actor", "month Person")
    assert kept.count == 1
    three.catch_up()
    assert ids(three) == ["month", "day"]


def test_a_hold_keeps_what_is_in_clickhouse_until_it_is_released(three: Copied) -> None:
    record(three, "other", 390)
    three.catch_up()
    hold = three.here.holds.place(by(three), "Case", "actor:user:year", "a court asked")
    three.copy()
    assert three.here.sweeper.sweep(three.acme).activities.count == 1
    assert ids(three) == ["year", "month", "day"]
    assert counted(three) == 3
    three.here.holds.release(by(three), hold.id)
    assert three.here.sweeper.sweep(three.acme).activities.count == 1
    assert ids(three) == ["month", "day"]


def test_clickhouse_that_is_down_delays_retention_only_there(three: Copied) -> None:
    three.clickhouse.move(three.acme, days_ago(300))
    record(three, "hot", 399)
    three.copy()
    three.writer.run(lambda transaction: transaction.move_index())
    with patch.object(Remover, "remove", side_effect=StoreUnavailable("down")):
        assert three.here.sweeper.sweep(three.acme).activities.count == 1
    assert ids(three) == ["year", "month", "day"]
    assert three.here.sweeper.sweep(three.acme).activities.count == 1
    assert ids(three) == ["month", "day"]


def test_counts_are_right_again_after_a_removal_that_was_cut_short(three: Copied) -> None:
    three.clickhouse.move(three.acme, days_ago(30))
    delete = Connection.command

    def dies(self: Connection, *arguments: object) -> None:
        delete(self, *arguments)  # type: ignore[arg-type]
        raise RuntimeError("killed")

    remover = three.clickhouse.remover
    with patch.object(Connection, "command", dies), pytest.raises(RuntimeError):
        remover.remove(three.acme, days_ago(365), 1 << 62, [])
    assert ids(three) == ["month", "day"]
    assert counted(three) == 3
    three.clickhouse.move_all()
    assert counted(three) == 2


def test_words_stay_as_long_as_clickhouse_has_them(store: Copied) -> None:
    record(store, "old", 400, reason="vanishing marmalade")
    record(store, "moved", 40, reason="lasting marmalade")
    record(store, "hot", 1, reason="newest")
    store.copy()
    assert store.clickhouse.move(store.acme, days_ago(30)).count == 2
    store.writer.run(lambda transaction: transaction.move_index())
    assert store.here.sweeper.sweep(store.acme).activities.count == 1
    with store.operations.database(store.acme) as database:
        words = next_words(database, store.acme, "", 1_000)
    assert "vanishing" not in words
    assert {"lasting", "marmalade", "newest"} <= set(words)
    assert ids(store, "*armalad*") == ["moved"]
    assert ids(store, "*asting") == ["moved"]
    assert ids(store, "*anishing") == []


def test_words_are_kept_while_clickhouse_cannot_say_whether_it_has_them(three: Copied) -> None:
    three.clickhouse.move(three.acme, days_ago(30))
    three.writer.run(lambda transaction: transaction.move_index())
    with patch.object(Remover, "words_between", side_effect=StoreUnavailable("down")):
        assert three.here.sweeper.sweep(three.acme).activities.count == 1
    assert ids(three, "*onth*") == ["month"]


def test_before_the_first_copy_there_is_nothing_to_ask_clickhouse_for(store: Copied) -> None:
    record(store, "year", 400)
    store.writer.run(lambda transaction: transaction.move_index())
    make_followers(store.operations)
    turn_off(store.operations)
    with patch.object(Connection, "rows", side_effect=AssertionError):
        assert store.clickhouse.move(store.acme, days_ago(30)).count == 0
        assert store.here.sweeper.sweep(store.acme).activities.count == 1
