"""Proofs that a form was ours."""

import time_machine

from trailkeeper.web.security import LOGIN_FORM_MAX_AGE_S, LoginForms, masked

FORMS = LoginForms(b"k" * 32)


def test_a_form_belongs_to_the_cookie_it_was_made_for() -> None:
    cookie = FORMS.cookie_value(None)
    assert FORMS.is_ours(cookie, FORMS.field(cookie))


def test_a_form_of_another_browser_is_refused() -> None:
    mine, other = FORMS.cookie_value(None), FORMS.cookie_value(None)
    assert not FORMS.is_ours(mine, FORMS.field(other))


def test_a_form_without_its_cookie_is_refused() -> None:
    assert not FORMS.is_ours(None, FORMS.field(""))
    assert not FORMS.is_ours("", FORMS.field(""))


def test_a_form_signed_with_another_key_is_refused() -> None:
    cookie = FORMS.cookie_value(None)
    assert not FORMS.is_ours(cookie, LoginForms(b"x" * 32).field(cookie))


def test_nonsense_is_refused() -> None:
    assert not FORMS.is_ours("a", "")
    assert not FORMS.is_ours("a", "a.b.c")


def test_a_form_is_good_for_half_a_day() -> None:
    cookie = FORMS.cookie_value(None)
    with time_machine.travel("2026-11-22T08:00:00Z", tick=False) as clock:
        field = FORMS.field(cookie)
        clock.shift(LOGIN_FORM_MAX_AGE_S - 1)
        assert FORMS.is_ours(cookie, field)
        clock.shift(2)
        assert not FORMS.is_ours(cookie, field)


def test_a_second_tab_keeps_the_cookie_of_the_first() -> None:
    cookie = FORMS.cookie_value(None)
    assert FORMS.cookie_value(cookie) == cookie
    assert FORMS.cookie_value("<script>") != "<script>"


def test_a_token_looks_different_on_every_page() -> None:
    assert masked("secret") != masked("secret")
