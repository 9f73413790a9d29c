"""Times as readers see them."""

from datetime import UTC, datetime, timedelta

import pytest

from trailkeeper.web.clock import Clock

NOW = datetime(2026, 11, 22, 22, 30, tzinfo=UTC)
PARIS = Clock("Europe/Paris", False, NOW)


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=6), "6 days ago"),
        (timedelta(days=8), "14 Nov"),
        (timedelta(days=400), "19 Oct 2025"),
    ],
)
def test_times_are_told_relative_to_now(ago: timedelta, words: str) -> None:
    assert PARIS.relative(NOW - ago) == words


def test_an_exact_time_names_its_offset() -> None:
    assert PARIS.exact(NOW) == "22 Nov 2026, 23:30:00.000 (UTC+1)"
    assert Clock("Asia/Kolkata", False, NOW).exact(NOW).endswith("(UTC+5:30)")
    assert Clock("America/New_York", False, NOW).exact(NOW).endswith("(UTC-5)")


def test_days_are_those_of_the_readers_zone() -> None:
    late = NOW + timedelta(minutes=45)
    assert Clock("Europe/Paris", False, late).day(NOW) == "Yesterday"
    assert Clock("Europe/Paris", True, late).day(NOW) == "Today"
    assert PARIS.day(NOW - timedelta(days=3)) == "Thursday 19 November"


def test_without_a_known_zone_times_are_utc() -> None:
    assert Clock("", False, NOW).zone_name == "UTC"
