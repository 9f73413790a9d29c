"""The filter as URL parameters, and which values its fields may have."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from trailkeeper.activity import to_us
from trailkeeper.query.filters import Field, Filter, Match, Words
from trailkeeper.query.params import PARAM_FIELDS, RANGES, ParamError, parse_params
from trailkeeper.query.values import check_value

PARIS = ZoneInfo("Europe/Paris")


def read(**values: str) -> Filter:
    return parse_params((name.rstrip("_"), value) for name, value in values.items())


def test_no_parameters_are_the_empty_filter() -> None:
    assert parse_params([]).is_empty
    assert read(actor=" ", q="", range="any", limit="7", cursor="x").is_empty


@pytest.mark.parametrize(("param", "field"), PARAM_FIELDS.items())
def test_each_parameter_matches_its_field(param: str, field: Field) -> None:
    value = {"outcome": "failure", "ip": "192.0.2.1", "action": "a.b"}.get(field, "x y")
    expected = Filter(matches=(Match(field=field, values=(value,)),))
    assert parse_params([(param, f" {value} ")]) == expected


def test_several_of_one_name_are_alternatives() -> None:
    asked = parse_params([("actor", "1"), ("outcome", "failure"), ("actor", "2"), ("actor", "1")])
    assert asked.matches == (
        Match(field="actor", values=("1", "2")),
        Match(field="outcome", values=("failure",)),
    )


def test_the_query_language_adds_to_the_parameters() -> None:
    asked = read(actor="1", q='-env:test "sync sku" after:2026-11-22', from_="2026-11-01")
    assert asked == Filter(
        matches=(
            Match(field="actor", values=("1",)),
            Match(field="env", values=("test",), negated=True),
        ),
        words=(Words(text="sync sku"),),
        since=to_us(datetime(2026, 11, 22, tzinfo=UTC)),
    )


@pytest.mark.parametrize("name", RANGES)
def test_a_range_is_kept_relative(name: str) -> None:
    assert read(range=name) == Filter(within=RANGES[name])


def test_times_win_over_a_range() -> None:
    assert read(range="1h", from_="2026-11-22").within is None
    assert read(range="custom").is_empty


@pytest.mark.parametrize("to", ["2026-11-22", "20261122"])
def test_a_to_that_is_a_date_includes_that_day(to: str) -> None:
    assert read(to=to).until == to_us(datetime(2026, 11, 23, tzinfo=UTC))


def test_a_to_that_is_a_time_ends_there() -> None:
    assert read(to="2026-11-22T14:05").until == to_us(datetime(2026, 11, 22, 14, 5, tzinfo=UTC))


def test_local_times_are_those_of_the_zone() -> None:
    asked = read(from_="2026-11-22", to="2026-11-22T14:05", tz="Europe/Paris")
    assert asked.since == to_us(datetime(2026, 11, 22, tzinfo=PARIS))
    assert asked.until == to_us(datetime(2026, 11, 22, 14, 5, tzinfo=PARIS))


def test_a_day_on_which_the_clock_changes_has_25_hours() -> None:
    asked = read(from_="2026-10-25", to="2026-10-25", tz="Europe/Paris")
    assert asked.since is not None
    assert asked.until is not None
    assert asked.until - asked.since == 25 * 3_600_000_000


def test_an_offset_wins_over_the_zone() -> None:
    asked = read(from_="2026-11-22T14:05:00+05:00", tz="Europe/Paris")
    assert asked.since == to_us(datetime(2026, 11, 22, 9, 5, tzinfo=UTC))


@pytest.mark.parametrize(
    ("param", "value", "said"),
    [
        ("from", "yesterday", "no time"),
        ("to", "9999-12-31", "no time"),
        ("tz", "Europe/Atlantis", "no time zone"),
        ("tz", "../../etc/passwd", "no time zone"),
        ("range", "2h", "must be one of"),
        ("outcome", "maybe", "`success` or `failure`"),
        ("ip", "localhost", "no IP address"),
        ("action", "*", "no action"),
        ("q", "robot:7", "no qualifier"),
        ("actor", "x" * 256, "longer than 255"),
    ],
)
def test_what_makes_no_sense_is_said_of_its_parameter(param: str, value: str, said: str) -> None:
    with pytest.raises(ParamError) as raised:
        parse_params([(param, value)])
    assert raised.value.param == param
    assert said in str(raised.value)


def test_a_time_range_must_not_be_turned_around() -> None:
    with pytest.raises(ParamError, match="later than"):
        read(from_="2026-11-22T10:00", to="2026-11-22T10:00")


def test_values_and_conditions_are_counted() -> None:
    with pytest.raises(ParamError, match="given 101 times"):
        parse_params([("actor", str(number)) for number in range(101)])
    with pytest.raises(ParamError, match="51 conditions") as raised:
        read(actor="1", q=" ".join(f"env:{number}" for number in range(50)))
    assert raised.value.param == "q"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("outcome", "success"),
        ("ip", "192.0.2.1"),
        ("ip", "192.0.2.77/24"),
        ("ip", "2001:db8::/32"),
        ("ip", "fe80::1%eth0"),
        ("action", "recipe.stopped"),
        ("action", "recipe.*"),
        ("actor", "anything at all: *"),
    ],
)
def test_a_good_value_has_nothing_wrong(field: Field, value: str) -> None:
    assert check_value(field, value) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("outcome", "Success"),
        ("ip", "192.0.2.1/33"),
        ("action", "recipe*"),
        ("action", "recipe.stopped\n"),
        ("source", "x" * 256),
    ],
)
def test_a_bad_value_is_told(field: Field, value: str) -> None:
    assert check_value(field, value)
