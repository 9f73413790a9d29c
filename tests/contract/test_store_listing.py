"""Listings while the log grows, ranges that end now, and texts that try to be more than texts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from tests.contract.stores import Store

from trailkeeper.activity import from_us
from trailkeeper.ledger.index import Token
from trailkeeper.query.cursor import CursorError
from trailkeeper.query.filters import Filter, Match, Words
from trailkeeper.query.language import parse

START = 1_780_000_000


def ids(store: Store, asked: Filter | str = "", **options: Any) -> list[str]:
    query = parse(asked) if isinstance(asked, str) else asked
    return [one.id for one in store.reader.page(store.acme, query, **options).activities]


def test_a_listing_that_is_paged_through_is_not_disturbed_by_what_is_recorded(store: Store) -> None:
    for number in range(10):
        store.record(id=f"old-{number}", occurred_at=from_us(number))
    page = store.reader.page(store.acme, Filter(), limit=4)
    for number in range(10):
        store.record(id=f"new-{number}")
    seen = [one.id for one in page.activities]
    while page.next_cursor:
        page = store.reader.page(store.acme, Filter(), limit=4, cursor=page.next_cursor)
        seen += [one.id for one in page.activities]
    assert seen == [f"old-{number}" for number in reversed(range(10))]


def test_a_cursor_is_good_for_its_listing_only(store: Store) -> None:
    for _ in range(3):
        store.record()
    cursor = store.reader.page(store.acme, Filter(), limit=1).next_cursor
    assert cursor
    for asked, options in (
        (parse("stopped"), {}),
        (Filter(), {"order": "asc"}),
    ):
        with pytest.raises(CursorError):
            store.reader.page(store.acme, asked, cursor=cursor, **options)
    with pytest.raises(CursorError):
        store.reader.page(store.other, Filter(), cursor=cursor)
    there = store.another()
    assert len(there.reader.page(store.acme, Filter(), cursor=cursor).activities) == 2


def test_the_limit_is_bounded(store: Store) -> None:
    store.append(*(store.prepare() for _ in range(1_001)))
    page = store.reader.page(store.acme, Filter(), limit=5_000)
    assert len(page.activities) == 1_000
    assert page.next_cursor
    assert len(ids(store, limit=0)) == 1


def test_the_past_hour_means_the_past_hour_whenever_it_is_asked(store: Store) -> None:
    asked = Filter(within=3_600)
    with time_machine.travel(START, tick=False) as clock:
        store.record(id="a")
        clock.shift(timedelta(minutes=50))
        store.record(id="b")
        assert ids(store, asked) == ["b", "a"]
        clock.shift(timedelta(minutes=11))
        assert ids(store, asked) == ["b"]
        clock.shift(timedelta(hours=1))
        assert ids(store, asked) == []


def test_activities_of_one_microsecond_keep_the_order_of_recording(store: Store) -> None:
    at = from_us(START * 1_000_000)
    wanted = [f"id-{number}" for number in range(1_500)]
    for start in range(0, 1_500, 500):
        some = wanted[start : start + 500]
        store.append(*(store.prepare(id=one, occurred_at=at) for one in some))
    page = store.reader.page(store.acme, Filter(), order="asc", limit=1_000)
    rest = store.reader.page(
        store.acme, Filter(), order="asc", limit=1_000, cursor=page.next_cursor
    )
    assert [one.id for one in (*page.activities, *rest.activities)] == wanted


def test_every_text_of_an_activity_can_be_searched(store: Store) -> None:
    words = iter(f"word{number}x" for number in range(100))
    store.record(
        id=next(words),
        actor={
            "type": "user",
            "id": next(words),
            "name": next(words),
            "email": f"{next(words)}@example.com",
            "metadata": {"a": [next(words)]},
        },
        on_behalf_of={"type": "user", "id": next(words), "name": next(words)},
        targets=[
            {"type": "recipe", "id": next(words), "name": next(words)},
            {"type": "user", "id": next(words), "email": f"{next(words)}@example.com"},
            {"type": "recipe", "id": next(words), "metadata": {"b": {"c": next(words)}}},
        ],
        reason=next(words),
        details={"a": next(words), "b": [{"c": next(words)}], "n": 4_711},
        changes=[{"field": next(words), "old": next(words), "new": {"x": next(words)}}],
        context={"ip_address": "192.0.2.7"},
    )
    used = int(next(words).removeprefix("word").removesuffix("x"))
    for word in [f"word{number}x" for number in range(1, used)]:
        assert len(ids(store, word)) == 1, word
    for query in ("4711", "192.0.2.7", "stopped", '"Recipe stopped"', "WORD3X"):
        assert len(ids(store, query)) == 1, query


def test_a_text_cannot_pretend_to_be_a_field(store: Store) -> None:
    store.record(id="honest", outcome="failure", context={"ip_address": "192.0.2.7"})
    forged = f"{Token.OUTCOME}1 {Token.ADDRESS}4c0000207 {Token.WORKSPACE}{store.other}"
    store.record(id="forged", reason=forged, details={"x": forged})
    assert ids(store, "outcome:failure") == ["honest"]
    assert ids(store, "ip:192.0.2.7") == ["honest"]
    assert store.reader.page(store.other, Filter()).activities == []
    pretending = Filter(words=(Words(text=f"{Token.OUTCOME}1"),))
    assert ids(store, pretending) == ["forged"]  # whose text has a 1; the character is left out


@pytest.mark.parametrize("text", ['"', '" OR "a', "body:x", "a*b", "NEAR(a b)", "^a", "{a}", "a+b"])
def test_the_indexs_own_syntax_is_only_text(store: Store, text: str) -> None:
    store.record(id="there", reason=f"so {text} said")
    asked = Filter(words=(Words(text=f"so {text} said"),))
    assert ids(store, asked) == ["there"]
    for field in ("actor", "target", "source", "session", "env", "type"):
        assert ids(store, Filter(matches=(Match(field=field, values=(text,)),))) == []


def test_an_actor_is_found_by_the_latest_name_and_by_no_older_one(store: Store) -> None:
    for number, name in enumerate(("Robin Old", "Robin New")):
        store.record(
            id=name,
            occurred_at=from_us(number),
            actor={"type": "user", "id": "7", "name": name},
        )
    assert ids(store, 'actor:"Robin New"') == ["Robin New", "Robin Old"]
    assert ids(store, 'actor:"Robin Old"') == []
    assert ids(store, '"robin old"') == ["Robin Old"]


def test_an_older_activity_that_comes_late_does_not_rename(store: Store) -> None:
    store.record(occurred_at=from_us(10), actor={"type": "user", "id": "7", "name": "New"})
    store.record(occurred_at=from_us(5), actor={"type": "user", "id": "7", "name": "Old"})
    found = store.reader.entity(store.acme, "actor", "user:7")
    assert found is not None
    assert found.name == "New"
