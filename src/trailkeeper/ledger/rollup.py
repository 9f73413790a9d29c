"""How many activities there are by hour, action and outcome, without looking at any.

`activity_hour` changes in the transaction that appends or removes the activities it counts, so it
never says anything else than the activities themselves. Its hours are whole ones of UTC, by the
activities' keys, as all ranges of time are.
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

Cell = tuple[int, int, bool]
"""Hour, the key of the action, and whether it failed."""


class Rolled(Struct, frozen=True):
    """A filter as a condition over `activity_hour`, with its values."""

    condition: str
    values: tuple[object, ...]


def hour_of(key: int) -> int:
    """The hour, counted from 1970, that an activity's key is in."""
    return key // HOUR_KEYS


def add(database: Any, workspace: int, counts: Counter[Cell]) -> None:
    """Count these, too, in the open transaction."""
    database.executemany(
        "INSERT INTO activity_hour (workspace, hour, action, failed, count) VALUES (?,?,?,?,?)"
        " ON CONFLICT (workspace, hour, action, failed) DO UPDATE SET"
        " count = activity_hour.count+excluded.count",
        [(workspace, *cell, count) for cell, count in counts.items()],
    )


def take_off(database: Any, workspace: int, counts: Counter[Cell]) -> None:
    """Count these no more, in the open transaction."""
    database.executemany(
        "UPDATE activity_hour SET count = count-?"
        " WHERE workspace=? AND hour=? AND action=? AND failed=?",
        [(count, workspace, *cell) for cell, count in counts.items()],
    )
    database.executemany(
        "DELETE FROM activity_hour WHERE workspace=? AND hour=? AND count<=0",
        {(workspace, hour) for hour, _, _ in counts},
    )


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


def by_hour(database: Any, asked: Rolled, low: int, high: int) -> Iterable[tuple[int, int, int]]:
    """The hours from `low` to before `high` in which there is something: each with how many
    activities, and how many of them failed."""
    return database.execute(
        "SELECT hour, CAST(sum(count) AS BIGINT),"
        " CAST(sum(CASE WHEN failed THEN count ELSE 0 END) AS BIGINT)"
        f" FROM activity_hour WHERE {asked.condition} AND hour>=? AND hour<? GROUP BY hour",
        (*asked.values, low, high),
    )


def by_value(
    database: Any, asked: Rolled, name: Literal["action", "outcome"], low: int, high: int
) -> dict[int | str, int]:
    """How many activities each action's key, or each outcome, has from hour `low` to before
    `high`."""
    column = "action" if name == "action" else "CASE WHEN failed THEN 'failure' ELSE 'success' END"
    return dict(
        database.execute(
            f"SELECT {column}, CAST(sum(count) AS BIGINT) FROM activity_hour"
            f" WHERE {asked.condition} AND hour>=? AND hour<? GROUP BY 1",
            (*asked.values, low, high),
        ).fetchall()
    )


def ends(database: Any, workspace: int) -> tuple[int, int] | None:
    """The first and the last hour in which a workspace has activities."""
    first, last = database.execute(
        "SELECT (SELECT min(hour) FROM activity_hour WHERE workspace=:w),"
        " (SELECT max(hour) FROM activity_hour WHERE workspace=:w)",
        {"w": workspace},
    ).fetchone()
    return None if first is None else (first, last)
