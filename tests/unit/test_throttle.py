"""Slowing down guesses of passwords."""

from datetime import timedelta

import pytest
import time_machine

from trailkeeper.identity.throttle import Throttle

START = 1_795_000_000
HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def throttle() -> Throttle:
    return Throttle()


def fail(throttle: Throttle, account: str, address: str, times: int) -> None:
    for _ in range(times):
        throttle.failed(account, address)


def test_nine_failures_slow_nobody_down(throttle: Throttle) -> None:
    with time_machine.travel(START, tick=False):
        fail(throttle, "ada", HERE, 9)
        assert throttle.wait_s("ada", HERE) == 0


def test_the_tenth_failure_of_an_account_stops_that_address_only(throttle: Throttle) -> None:
    with time_machine.travel(START, tick=False):
        fail(throttle, "ada", HERE, 10)
        assert throttle.wait_s("ada", HERE) == 300
        assert throttle.wait_s("ada", THERE) == 0
        assert throttle.wait_s("bob", HERE) == 0


def test_an_address_that_tries_many_accounts_is_stopped_for_all(throttle: Throttle) -> None:
    with time_machine.travel(START, tick=False):
        for number in range(60):
            fail(throttle, f"user-{number}", HERE, 1)
        assert throttle.wait_s("anybody", HERE) == 300
        assert throttle.wait_s("anybody", THERE) == 0


def test_the_wait_gets_shorter_and_ends_after_five_minutes(throttle: Throttle) -> None:
    with time_machine.travel(START, tick=False) as clock:
        fail(throttle, "ada", HERE, 10)
        clock.shift(timedelta(minutes=4))
        assert throttle.wait_s("ada", HERE) == 60
        clock.shift(timedelta(seconds=61))
        assert throttle.wait_s("ada", HERE) == 0


def test_the_window_moves_with_each_failure(throttle: Throttle) -> None:
    with time_machine.travel(START, tick=False) as clock:
        fail(throttle, "ada", HERE, 5)
        clock.shift(timedelta(minutes=4))
        fail(throttle, "ada", HERE, 5)
        assert throttle.wait_s("ada", HERE) == 60
        clock.shift(timedelta(minutes=2))
        fail(throttle, "ada", HERE, 4)
        assert throttle.wait_s("ada", HERE) == 0


def test_asking_does_not_count_as_trying(throttle: Throttle) -> None:
    with time_machine.travel(START, tick=False):
        fail(throttle, "ada", HERE, 9)
        assert [throttle.wait_s("ada", HERE) for _ in range(20)] == [0] * 20
