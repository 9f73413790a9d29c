"""Nothing secret gets in, and nothing harmless is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from trailkeeper.activity import Change
from trailkeeper.redaction import DEPTH_MAX, REDACTED, SECRET_KEYS, Redactor, TooDeep

redactor = Redactor()

SECRET = "s3cr3t-of-ours"


@pytest.mark.parametrize("key", SECRET_KEYS)
def test_each_secret_looking_key_hides_its_value(key: str) -> None:
    assert redactor.mapping({key: SECRET}) == {key: REDACTED}
    assert redactor.mapping({key.upper(): SECRET}) == {key.upper(): REDACTED}


@pytest.mark.parametrize(
    "key",
    [
        "api_key",
        "apiKey",
        "API-Key",
        "x-api-key",
        "access_token",
        "refreshToken",
        "client secret",
        "db.password",
        "user_password",
        "Set-Cookie",
        "private_key",
        "Authorization",
        "tokens",
    ],
)
def test_a_secret_looking_key_is_known_however_it_is_written(key: str) -> None:
    assert redactor.mapping({key: SECRET}) == {key: REDACTED}


@pytest.mark.parametrize(
    "key",
    [
        "credentialId",
        "credential_id",
        "token_count",
        "tokenId",
        "secret-name",
        "password_login",
        "password_reset",
        "password_expired",
        "token.type",
        "cookie_policy",
        "passwordRequired",
        "bearer_of_news",
        "robot_plan",
        "activity",
        "monkey",
        "keyboard",
    ],
)
def test_a_harmless_key_keeps_its_value(key: str) -> None:
    assert redactor.mapping({key: "harmless"}) == {key: "harmless"}


def test_whatever_a_secret_key_holds_is_hidden_but_not_that_it_is_set() -> None:
    hidden = redactor.mapping({"a": {"token": [1, {"b": 2}]}, "secret": 42, "password": None})
    assert hidden == {"a": {"token": REDACTED}, "secret": REDACTED, "password": None}
    assert redactor.mapping({"password": True}) == {"password": True}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer abcdefghijklmnop1234", f"Authorization: {REDACTED}"),
        ("basic dXNlcjpwYXNzd29yZA==", REDACTED),
        ("used tk_abcdefghijklmnopqrstuvwxyz today", f"used {REDACTED} today"),
        ("postgres://app:hunter2@db.example.com/x", f"postgres://{REDACTED}@db.example.com/x"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n", REDACTED),
        ("eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.c2ln", REDACTED),
    ],
)
def test_a_secret_value_is_hidden_under_any_key(text: str, expected: str) -> None:
    assert redactor.text(text) == expected
    assert redactor.mapping({"note": [text]}) == {"note": [expected]}


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com:8080/path@here",
        "Bearer of good news",
        "the basic plan",
        "user@example.com",
        "token",
        "10:30@noon",
    ],
)
def test_a_harmless_text_stays(text: str) -> None:
    assert redactor.text(text) == text


def test_more_keys_can_be_named() -> None:
    more = Redactor(("Social Security", "", " "))
    assert more.mapping({"social_security_no": "1"}) == {"social_security_no": REDACTED}
    assert more.mapping({"anything": "1"}) == {"anything": "1"}


@pytest.mark.parametrize("field", ["password", "connection.password", "settings.api_key"])
def test_both_sides_of_a_secret_field_are_hidden(field: str) -> None:
    (change,) = redactor.changes([Change(field=field, old=SECRET, new={"a": SECRET})]) or ()
    assert change == Change(field=field, old=REDACTED, new=REDACTED)


def test_a_side_that_was_not_there_stays_so() -> None:
    changes = redactor.changes(
        [Change(field="password", new=SECRET), Change(field="pwd", old=None)]
    )
    assert changes == [Change(field="password", new=REDACTED), Change(field="pwd", old=None)]
    assert (changes or [])[0].old is UNSET


def test_secrets_inside_a_harmless_field_are_hidden() -> None:
    change = Change(field="config", old={"token": SECRET}, new=["Bearer abcdefghijklmnop1234"])
    assert redactor.changes([change]) == [
        Change(field="config", old={"token": REDACTED}, new=[REDACTED])
    ]


HARMLESS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("abc déf", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz"), inner, max_size=3),
)


@given(st.dictionaries(st.text("xyz", min_size=1), HARMLESS))
def test_where_nothing_is_secret_the_same_object_comes_back(values: dict[str, Any]) -> None:
    assert redactor.mapping(values) is values


@given(st.dictionaries(st.text("xyz", min_size=1), HARMLESS), st.lists(st.text("xyz"), max_size=5))
def test_a_secret_is_hidden_at_any_depth_and_the_senders_object_is_left_alone(
    values: dict[str, Any], path: list[str]
) -> None:
    inner: Any = {"password": SECRET}
    for key in path:
        inner = [{key: inner}]
    sent = {**values, "q": inner}
    before = json.dumps(sent)
    kept = redactor.mapping(sent)
    assert SECRET not in json.dumps(kept)
    assert json.dumps(sent) == before


def nested(levels: int, inside: Any) -> dict[str, Any]:
    for _ in range(levels):
        inside = {"a": inside}
    return inside


@pytest.mark.parametrize("inside", [{}, [], {"a": 1}, ["x"]])
def test_nesting_is_bounded(inside: Any) -> None:
    assert redactor.mapping(nested(DEPTH_MAX, inside)) == nested(DEPTH_MAX, inside)
    with pytest.raises(TooDeep, match=f"deeper than {DEPTH_MAX} levels"):
        redactor.mapping(nested(DEPTH_MAX + 1, inside))


def test_nothing_stays_nothing() -> None:
    assert redactor.mapping(None) is None
    assert redactor.changes(None) is None
