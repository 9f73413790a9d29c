"""The filter in the Audit page's URL."""

import pytest

from trailkeeper.web.urls import Address, activity_path, own_path


def read(*pairs: tuple[str, str]) -> Address:
    return Address.read(pairs)


def test_empty_and_repeated_fields_of_a_form_are_tidied_away() -> None:
    address = read(("actor", "u-1"), ("q", " "), ("actor", "u-1"), ("range", "any"), ("x", "y"))
    assert address.href == "/audit?actor=u-1"


def test_no_filter_is_the_bare_path() -> None:
    assert read(("range", "any"), ("tz", "Europe/Paris")).href == "/audit"


def test_a_named_range_wins_over_the_fields_of_the_custom_one() -> None:
    address = read(("range", "7d"), ("from", "2026-11-01"), ("tz", "UTC"))
    assert address.pairs == (("range", "7d"),)


def test_a_custom_range_keeps_its_zone() -> None:
    address = read(("range", "custom"), ("from", "2026-11-01"), ("to", ""), ("tz", "UTC"))
    assert address.query == "range=custom&from=2026-11-01&tz=UTC"


def test_a_custom_range_without_times_is_no_range() -> None:
    assert read(("range", "custom"), ("tz", "UTC")) == Address()


def test_a_value_is_added_beside_others_and_taken_away_alone() -> None:
    two = read(("actor", "u-1")).plus("actor", "u-2")
    assert two.values("actor") == ["u-1", "u-2"]
    assert two.without("actor", "u-1").href == "/audit?actor=u-2"


def test_a_parameter_that_is_given_once_is_replaced() -> None:
    assert read(("outcome", "failure")).plus("outcome", "success").pairs == (
        ("outcome", "success"),
    )


def test_taking_the_time_away_takes_all_its_parameters() -> None:
    address = read(("from", "2026-11-01"), ("tz", "UTC"), ("q", "sku"))
    assert address.without_time().pairs == (("q", "sku"),)


def test_values_are_escaped() -> None:
    assert Address().plus("q", "a&b=ü#").href == "/audit?q=a%26b%3D%C3%BC%23"


@pytest.mark.parametrize("odd", ["a/b", "..", "choices", "exports", "a?b", "ü", ".hidden", ""])
def test_an_id_that_a_path_cannot_hold_is_opened_in_the_listing(odd: str) -> None:
    assert activity_path(odd).startswith("/audit?open=")


def test_a_plain_id_has_a_page_of_its_own() -> None:
    assert activity_path("0193-ab.c~d_e") == "/audit/0193-ab.c~d_e"


@pytest.mark.parametrize("path", ["/audit", "/audit?actor=u-1&open=a%2Fb", "/", "/audit/0193"])
def test_an_own_path_may_follow_the_log_in(path: str) -> None:
    assert own_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/audit\r\nSet-Cookie: a=b",
        "evil",
        "",
        "/login?next=/login",
        "/logout",
        "/" + "a" * 3_000,
    ],
)
def test_any_other_path_is_refused_after_the_log_in(path: str) -> None:
    assert own_path(path) == "/"
