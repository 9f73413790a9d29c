"""The query language: what each form means, and what is said of what cannot be read."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trailkeeper.activity import to_us
from trailkeeper.query.filters import FIELDS, Field, Filter, Match, Words
from trailkeeper.query.language import QUERY_MAX, QueryError, parse


def match(field: Field, *values: str, negated: bool = False) -> Filter:
    return Filter(matches=(Match(field=field, values=values, negated=negated),))


def words(
    text: str, *, prefix: bool = False, suffix: bool = False, negated: bool = False
) -> Filter:
    return Filter(words=(Words(text=text, prefix=prefix, suffix=suffix, negated=negated),))


@pytest.mark.parametrize("text", ["", " ", "\n\t "])
def test_an_empty_query_is_the_empty_filter(text: str) -> None:
    assert parse(text) == Filter()
    assert parse(text).is_empty


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("actor:robin@example.com", match("actor", "robin@example.com")),
        ("actor:user:7", match("actor", "user:7")),
        ('actor:"Robin Operator"', match("actor", "Robin Operator")),
        (
            "action:recipe.stopped,recipe.started",
            match("action", "recipe.stopped", "recipe.started"),
        ),
        ("action:recipe.*", match("action", "recipe.*")),
        ("*voice*", words("voice", prefix=True, suffix=True)),
        ("*flow", words("flow", suffix=True)),
        ("-*flow", words("flow", suffix=True, negated=True)),
        ("-outcome:failure", match("outcome", "failure", negated=True)),
        ("ip:203.0.113.0/24", match("ip", "203.0.113.0/24")),
        ("ip:2001:db8::/32", match("ip", "2001:db8::/32")),
        ("env:prod,prod,test", match("env", "prod", "test")),
        ('target:"a,b",c', match("target", "a,b", "c")),
        (r'target:"say \"hi\" \\"', match("target", r'say "hi" \\'[:-1])),
        ("ACTOR:7", match("actor", "7")),
        ("session:s-1", match("session", "s-1")),
        ("stopped", words("stopped")),
        ("stop*", words("stop", prefix=True)),
        ('"sync sku"', words("sync sku")),
        ('-"sync sku"', words("sync sku", negated=True)),
        ("-stop*", words("stop", prefix=True, negated=True)),
        ('"actor:7"', words("actor:7")),
        ("12:30", words("12:30")),
        ("192.0.2.7", words("192.0.2.7")),
        ("--x", words("-x", negated=True)),
    ],
)
def test_each_form_means_one_thing(text: str, expected: Filter) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("alias", "field"),
    [("user", "actor"), ("asset", "target"), ("target_type", "type"), ("environment", "env")],
)
def test_a_qualifier_may_have_another_name(alias: str, field: Field) -> None:
    assert parse(f"{alias}:x") == match(field, "x")


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_of_the_filter_is_a_qualifier(field: Field) -> None:
    value = {"outcome": "failure", "ip": "192.0.2.1", "action": "a.b"}.get(field, "x")
    assert parse(f"{field}:{value}") == match(field, value)


def test_all_terms_hold_in_the_order_they_stand() -> None:
    parsed = parse('actor:7 stop* -env:test "sync sku" after:2026-11-01')
    assert [term.field for term in parsed.matches] == ["actor", "env"]
    assert [term.text for term in parsed.words] == ["stop", "sync sku"]
    assert parsed.since == to_us(datetime(2026, 11, 1, tzinfo=UTC))
    assert not parsed.is_empty


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("after:2026-11-22", datetime(2026, 11, 22, tzinfo=UTC)),
        ("after:2026-11-22T14:05Z", datetime(2026, 11, 22, 14, 5, tzinfo=UTC)),
        ("after:2026-11-22T14:05:01.000001+01:00", datetime(2026, 11, 22, 13, 5, 1, 1, tzinfo=UTC)),
        ('after:"2026-11-22 14:05"', datetime(2026, 11, 22, 14, 5, tzinfo=UTC)),
        ("after:2026-11-01 after:2026-11-22", datetime(2026, 11, 22, tzinfo=UTC)),
    ],
)
def test_after_is_the_latest_of_its_times(text: str, expected: datetime) -> None:
    assert parse(text) == Filter(since=to_us(expected))


def test_before_is_the_earliest_of_its_times() -> None:
    expected = to_us(datetime(2026, 11, 1, tzinfo=UTC))
    assert parse("before:2026-11-22 before:2026-11-01") == Filter(until=expected)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('a "open', "quotation mark at character 3 that never ends"),
        ('actor:"open', "quotation mark at character 7 that never ends"),
        ('-"', "never ends"),
        ("robot:7", "`robot:`, which is no qualifier"),
        ("https://example.com", "quote it"),
        ("actor:", "`actor:` without a value"),
        ("actor: robin", "`actor:` without a value"),
        ("actor:,", "`actor:` without a value"),
        ('-actor:""', "`actor:` without a value"),
        ("-", "no letter or digit"),
        ("*", "no letter or digit"),
        ("**", "no letter or digit"),
        ("*ab*", "at least 3"),
        ("*a-b*", "one word"),
        ('""', "no letter or digit"),
        ("outcome:maybe", "`success` or `failure`"),
        ("ip:300.1.1.1", "no IP address"),
        ("action:Recipe", "no action"),
        ("after:yesterday", "no time"),
        ("after:", "no time"),
        ("-after:2026-11-22", "makes no sense"),
        ("x " * 51, "more than 50 terms"),
        ("env:" + ",".join(map(str, range(101))), "101 values"),
        ("x" * (QUERY_MAX + 1), "2001 characters"),
    ],
)
def test_what_cannot_be_read_is_explained(text: str, said: str) -> None:
    with pytest.raises(QueryError) as raised:
        parse(text)
    assert said in str(raised.value)


@given(st.text(max_size=60) | st.text('-:"\\,* aactorip', max_size=60))
def test_any_text_is_a_filter_or_an_error_that_says_why(text: str) -> None:
    try:
        parsed = parse(text)
    except QueryError:
        parsed = Filter()
    assert all(term.values for term in parsed.matches)
    assert all(any(map(str.isalnum, term.text)) for term in parsed.words)


@given(st.text(min_size=1, max_size=60).filter(lambda text: "\n" not in text))
def test_any_value_can_be_quoted(value: str) -> None:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    assert parse(f'actor:"{quoted}"') == match("actor", value)
