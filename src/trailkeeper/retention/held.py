"""What a legal hold means for rows that are no activities: jobs, and the files of packages.

A hold is a filter of activities. Such a row is taken as an activity with one target (of a job, its
recipe) at one time. What only activities have, such as an actor, it does not have: a hold by actor
holds none. Words are looked for more generously than in activities, so that rather too much is held
than too little: as parts of words, in any order; and words that must not be there are passed over.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, and_, false, func, not_, or_, true

from trailkeeper.ledger.append import fold
from trailkeeper.query.filters import Filter, Match


class Holdable(Struct, frozen=True):
    """What stands where in a row. `text` is what words are looked for in: folded, or at least in
    small letters. `outcomes` are the conditions for success and failure."""

    at: ColumnElement[int]
    target_type: str
    target_id: ColumnElement[str]
    target_name: ColumnElement[Any]
    text: tuple[ColumnElement[Any], ...]
    outcomes: dict[str, ColumnElement[bool]]


def held(holds: Iterable[Filter], rows: Holdable) -> ColumnElement[bool]:
    """The rows that one of the holds holds. It is true or false of a row, never unknown."""
    return or_(false(), *(_held(hold, rows) for hold in holds))


def _held(hold: Filter, rows: Holdable) -> ColumnElement[bool]:
    conditions = [_matches(match, rows) for match in hold.matches]
    if hold.since is not None:
        conditions.append(rows.at >= hold.since)
    if hold.until is not None:
        conditions.append(rows.at < hold.until)
    for words in hold.words:
        if not words.negated:
            conditions += [_has(word, rows) for word in fold(words.text).split()]
    return and_(true(), *conditions)


def _matches(match: Match, rows: Holdable) -> ColumnElement[bool]:
    if match.field == "target":
        found = or_(*(_is_target(value, rows) for value in match.values))
    elif match.field == "type":
        found = true() if rows.target_type in match.values else false()
    elif match.field == "outcome":
        found = or_(false(), *(rows.outcomes.get(value, false()) for value in match.values))
    else:
        found = false()
    return not_(found) if match.negated else found


def _is_target(value: str, rows: Holdable) -> ColumnElement[bool]:
    """As a filter names a target: `type:id`, an id or a name."""
    ids = [value, value.removeprefix(f"{rows.target_type}:")]
    return or_(rows.target_id.in_(ids), func.coalesce(rows.target_name, "") == value)


def _has(word: str, rows: Holdable) -> ColumnElement[bool]:
    return or_(*(func.coalesce(text, "").contains(word, autoescape=True) for text in rows.text))
