"""How many activities there are by hour and by day, action and outcome, without looking at any.

`activity_hour` and `activity_day` change in the transaction that appends or removes the activities
they count, so they never say anything else than the activities themselves. Hours and days are whole
ones of UTC, by the activities' keys, as all ranges of time are. Both are counted from 1970.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal

from msgspec import Struct

from trailkeeper.ledger.backend import Database
from trailkeeper.ledger.keys import SLOT_BITS
from trailkeeper.ledger.search import action_keys
from trailkeeper.query.filters import Filter

HOUR_KEYS = 3_600_000_000 << SLOT_BITS
"""So many keys are an hour."""

DAY_HOURS = 24

Cell = tuple[int, int, bool]
"""Hour, the key of the action, and whether it failed."""

Unit = Literal["hour", "day"]
UNITS: tuple[Unit, ...] = ("hour", "day")


class Rolled(Struct, frozen=True):
    """A filter as a condition over the counts, with its values."""

    condition: str
    values: tuple[object, ...]


def hour_of(key: int) -> int:
    """The hour that an activity's key is in."""
    return key // HOUR_KEYS


def add(database: Any, workspace: int, counts: Counter[Cell]) -> None:
    """Count these, too, in the open transaction."""
    for unit, cells in by_unit(counts).items():
        database.executemany(
            f"INSERT INTO activity_{unit} (workspace, {unit}, action, failed, count)"
            f" VALUES (?,?,?,?,?) ON CONFLICT (workspace, {unit}, action, failed) DO UPDATE SET"
            f" count = activity_{unit}.count+excluded.count",
            [(workspace, *cell, count) for cell, count in cells.items()],
        )


def take_off(database: Any, workspace: int, counts: Counter[Cell]) -> None:
    """Count these no more, in the open transaction."""
    for unit, cells in by_unit(counts).items():
        database.executemany(
            f"UPDATE activity_{unit} SET count = count-?"
            f" WHERE workspace=? AND {unit}=? AND action=? AND failed=?",
            [(count, workspace, *cell) for cell, count in cells.items()],
        )
        database.executemany(
            f"DELETE FROM activity_{unit} WHERE workspace=? AND {unit}=? AND count<=0",
            {(workspace, at) for at, _, _ in cells},
        )


def by_unit(counts: Counter[Cell]) -> dict[Unit, Counter[Cell]]:
    """The same counts by hour and by day."""
    days = Counter[Cell]()
    for (hour, action, failed), count in counts.items():
        days[hour // DAY_HOURS, action, failed] += count
    return {"hour": counts, "day": days}


def forget_before(database: Any, workspace: int, hour: int) -> Counter[Cell]:
    """Count nothing any more before this hour, in the open transaction. What the day of the hour
    has from it on is given back: it is to be added again, with what else is counted."""
    day = hour // DAY_HOURS
    rest = database.execute(
        "SELECT hour, action, failed, count FROM activity_hour"
        " WHERE workspace=? AND hour>=? AND hour<?",
        (workspace, hour, (day + 1) * DAY_HOURS),
    ).fetchall()
    for unit, end in (("hour", (day + 1) * DAY_HOURS), ("day", day + 1)):
        database.execute(
            f"DELETE FROM activity_{unit} WHERE workspace=? AND {unit}<?", (workspace, end)
        )
    return Counter({(at, action, bool(failed)): count for at, action, failed, count in rest})


def rolled(database: Database, workspace: int, asked: Filter) -> Rolled | None:
    """The filter but for its times, or None where it asks for more than actions and outcomes."""
    if asked.words:
        return None
    condition = "workspace=?"
    values: list[object] = [workspace]
    for match in asked.matches:
        if match.field in ("action", "category"):
            column, wanted = "action", action_keys(database, workspace, match)
        elif match.field == "outcome":
            column, wanted = "failed", [value == "failure" for value in match.values]
        else:
            return None
        condition += f" AND {'NOT ' if match.negated else ''}{column}{database.ONE_OF}"
        values.append(database.listed(wanted))
    return Rolled(condition, tuple(values))


def each(
    database: Any, asked: Rolled, unit: Unit, low: int, high: int
) -> Iterable[tuple[int, int, int]]:
    """The hours or days from `low` to before `high` in which there is something: each with how many
    activities, and how many of them failed."""
    return database.execute(
        f"SELECT {unit}, CAST(sum(count) AS BIGINT),"
        " CAST(sum(CASE WHEN failed THEN count ELSE 0 END) AS BIGINT)"
        f" FROM activity_{unit} WHERE {asked.condition} AND {unit}>=? AND {unit}<? GROUP BY {unit}",
        (*asked.values, low, high),
    )


def by_value(
    database: Any, asked: Rolled, name: Literal["action", "outcome"], low: int, high: int
) -> dict[int | str, int]:
    """How many activities each action's key, or each outcome, has from hour `low` to before
    `high`."""
    column = "action" if name == "action" else "CASE WHEN failed THEN 'failure' ELSE 'success' END"
    counts = Counter[int | str]()
    (first, end), hours = whole_days(low, high)
    spans: list[tuple[Unit, int, int]] = [("day", first, end), *(("hour", *one) for one in hours)]
    for unit, start, stop in spans:
        if start < stop:
            rows = database.execute(
                f"SELECT {column}, CAST(sum(count) AS BIGINT) FROM activity_{unit}"
                f" WHERE {asked.condition} AND {unit}>=? AND {unit}<? GROUP BY 1",
                (*asked.values, start, stop),
            )
            counts.update(dict(rows.fetchall()))
    return counts


def whole_days(low: int, high: int) -> tuple[tuple[int, int], list[tuple[int, int]]]:
    """The whole days in a range of hours, from the first to before the second, and what hours are
    left around them."""
    first, end = -(-low // DAY_HOURS), high // DAY_HOURS
    if first >= end:
        return (0, 0), [(low, high)]
    return (first, end), [(low, first * DAY_HOURS), (end * DAY_HOURS, high)]


def ends(database: Any, workspace: int) -> tuple[int, int] | None:
    """The first and the last hour in which a workspace has activities."""
    first, last = database.execute(
        "SELECT (SELECT min(hour) FROM activity_hour WHERE workspace=:w),"
        " (SELECT max(hour) FROM activity_hour WHERE workspace=:w)",
        {"w": workspace},
    ).fetchone()
    return None if first is None else (first, last)
