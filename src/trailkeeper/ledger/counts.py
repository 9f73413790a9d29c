"""Counting what matches a filter over ranges of keys, without reading the activities.

Whole hours and days come from the counts of them where the filter allows it; all else is counted by
the keys that the inverted index finds, the newest first and never more than KEYS_MAX of them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import pairwise

from msgspec import Struct

from trailkeeper.ledger.backend import Database
from trailkeeper.ledger.index import FAILED
from trailkeeper.ledger.rollup import DAY_HOURS, HOUR_KEYS, Unit, each, rolled, whole_days
from trailkeeper.ledger.search import search_for
from trailkeeper.query.filters import Filter

KEYS_MAX = 100_000

Span = tuple[int, int]
"""Keys from the first (inclusive) to the second (exclusive)."""


class Counts(Struct, frozen=True):
    """For each range how many activities match, and how many of them failed. Not `exact`: there
    are more, older ones."""

    matches: list[int]
    failures: list[int]
    exact: bool


def count_between(database: Database, workspace: int, asked: Filter, borders: list[int]) -> Counts:
    """Count the matches between each two neighbours of these rising keys."""
    matches, failures = ([0] * (len(borders) - 1) for _ in range(2))
    search = search_for(database, workspace, asked)
    if search.wanted is None:
        return Counts(matches, failures, exact=True)
    ranges = [(max(low, search.low), min(high, search.high)) for low, high in pairwise(borders)]
    spans = _joined(ranges)
    if of_hours := rolled(database, workspace, asked):
        for unit, keys, first, end in _counted(ranges):
            for number, count, failed in each(database, of_hours, unit, first, end):
                at = bisect_right(borders, number * keys) - 1
                if 0 <= at < len(ranges) and _is_whole(number * keys, keys, ranges[at]):
                    matches[at] += count
                    failures[at] += failed
        spans = _joined([rest for span in ranges for rest in whole_hours(span)[1]])
    left = KEYS_MAX
    for low, high in reversed(spans):
        keys = database.newest_keys(search.between(low, high), left + 1)
        is_cut = len(keys) > left
        keys = keys[:left]
        left -= len(keys)
        if keys:
            _spread(keys, borders, matches)
            failing = search.between(keys[-1], high).narrowed(FAILED)
            _spread(database.newest_keys(failing, len(keys)), borders, failures)
        if is_cut:
            return Counts(matches, failures, exact=False)
    return Counts(matches, failures, exact=True)


def _spread(keys: list[int], borders: list[int], counts: list[int]) -> None:
    """Add falling keys to the counts of the ranges that they are in."""
    rising = keys[::-1]
    if not rising:
        return
    start = 0
    for at in range(bisect_right(borders, rising[0]) - 1, bisect_right(borders, rising[-1])):
        end = bisect_left(rising, borders[at + 1], start)
        counts[at] += end - start
        start = end


def _counted(ranges: list[Span]) -> Iterator[tuple[Unit, int, int, int]]:
    """What to look up for rising ranges of keys: days or hours, how many keys one of them is, the
    first, and before which one to stop. Those that are not wholly in a range count for nothing; no
    hour of a day that counts is asked for, too."""
    days: list[Span] = []
    hours: list[Span] = []
    for span in ranges:
        whole, rest = whole_days(*whole_hours(span)[0])
        days.append(whole)
        hours += rest
    days = [day for day in days if day[0] < day[1]]
    if days:
        yield "day", DAY_HOURS * HOUR_KEYS, days[0][0], days[-1][1]
    for first, end in _joined(hours):
        yield "hour", HOUR_KEYS, first, end


def _is_whole(key: int, keys: int, span: Span) -> bool:
    return span[0] <= key and key + keys <= span[1]


def whole_hours(span: Span) -> tuple[Span, list[Span]]:
    """The whole hours in a range of keys, from the first to before the second, and what keys are
    left around them."""
    low, high = span
    first, end = -(-low // HOUR_KEYS), high // HOUR_KEYS
    if first >= end:
        return (0, 0), [span]
    return (first, end), [(low, first * HOUR_KEYS), (end * HOUR_KEYS, high)]


def _joined(spans: list[Span]) -> list[Span]:
    """Without the empty ones, and neighbours as one."""
    joined: list[Span] = []
    for low, high in spans:
        if low >= high:
            continue
        start = joined.pop()[0] if joined and joined[-1][1] == low else low
        joined.append((start, high))
    return joined
