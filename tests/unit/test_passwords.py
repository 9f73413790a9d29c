"""Passwords: hashed with argon2id, and a stranger's takes as long as a user's."""

import pytest

from trailkeeper.identity.passwords import (
    PASSWORD_MAX,
    PASSWORD_MIN,
    WeakPassword,
    hash_password,
    verify_password,
)

PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def kept() -> str:
    return hash_password(PASSWORD)


def test_the_hash_is_argon2id_and_holds_nothing_of_the_password(kept: str) -> None:
    assert kept.startswith("$argon2id$")
    assert PASSWORD not in kept


def test_a_password_is_salted(kept: str) -> None:
    assert hash_password(PASSWORD) != kept


def test_only_the_right_password_is_right(kept: str) -> None:
    assert verify_password(kept, PASSWORD)
    assert not verify_password(kept, PASSWORD + " ")


def test_nobody_has_a_password() -> None:
    assert not verify_password(None, "no user has this password")


def test_a_hash_that_is_none_lets_nobody_in() -> None:
    assert not verify_password("plain", "plain")


def test_the_longest_password_is_compared_whole() -> None:
    longest = "x" * PASSWORD_MAX
    kept = hash_password(longest)
    assert verify_password(kept, longest)
    assert not verify_password(kept, longest + "x")
    assert not verify_password(kept, longest[:-1])


@pytest.mark.parametrize("length", [0, PASSWORD_MIN - 1, PASSWORD_MAX + 1])
def test_a_password_of_a_wrong_length_is_refused(length: int) -> None:
    with pytest.raises(WeakPassword, match=r"\d+ characters"):
        hash_password("x" * length)
