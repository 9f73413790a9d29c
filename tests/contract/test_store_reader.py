"""The reader: every filter finds just what it says, in order, and pages show each once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from tests.contract.brute import Recorded, listed
from tests.contract.stores import BACKENDS, IN_SMALL_STEPS, Store, open_store, receipt, sent

from trailkeeper.activity import from_us
from trailkeeper.ledger import schema
from trailkeeper.ledger.keys import first_key
from trailkeeper.ledger.removal import next_words
from trailkeeper.ledger.search import PARTS_MAX
from trailkeeper.ledger.writer import Transaction
from trailkeeper.query.filters import FIELDS, Field, Filter, Match, Words
from trailkeeper.query.language import parse
from trailkeeper.query.params import ParamError

START = 1_780_000_000_000_000
ACTIVITIES = 300

ACTORS: list[dict[str, Any]] = [
    {"type": "user", "id": "1", "name": "Ada Admin", "email": "ada@example.com"},
    {"type": "user", "id": "2", "name": "Robin Opérator", "email": "robin@example.com"},
    {"type": "user", "id": "3", "name": "Ada Admin", "email": "ada.two@example.com"},
    {"type": "api_client", "id": "1", "name": "Deploy bot"},
    {"type": "system", "id": "ada@example.com"},
    {"type": "user", "id": "user:2", "name": "Robin"},
]
TARGETS: list[dict[str, Any]] = [
    {"type": "recipe", "id": "1", "name": "Sync product SKUs"},
    {"type": "recipe", "id": "2", "name": "Nightly örders"},
    {"type": "connection", "id": "1", "name": "Café \u201eÅngström\u201c"},
    {"type": "folder", "id": "Nightly örders"},
    {"type": "user", "id": "2", "name": "Robin Opérator", "email": "robin@example.com"},
    {"type": "custom.thing", "id": '"odd" OR *', "name": "Ada Admin"},
]
VALUES: dict[str, list[str]] = {
    "action": [
        "recipe.stopped",
        "recipe.started",
        "recipe.*",
        "user.logged_in",
        "acme.synced",
        "acme.synced.late",
        "acme.*",
        "acme.synced.*",
        "rec.*",
        "unknown.action",
    ],
    "category": ["Account", "account", "Other", "Recipes", "nothing"],
    "actor": [
        "1", "2", "user:1", "user:2", "api_client:1", "ada@example.com", "ROBIN@example.com",
        "Ada Admin", "Robin", "system:ada@example.com", "recipe:1", "nobody",
    ],
    "target": [
        "1", "recipe:1", "connection:1", "Nightly örders", "robin@example.com", "user:2",
        '"odd" OR *', 'custom.thing:"odd" OR *', "Ada Admin", "Café", "nothing",
    ],
    "type": ["recipe", "connection", "folder", "user", "custom.thing", "invite"],
    "outcome": ["success", "failure"],
    "ip": [
        "203.0.113.7", "203.0.113.0/24", "203.0.113.0/29", "203.0.112.0/23", "0.0.0.0/0", "::/0",
        "2001:db8::/32", "2001:db8::1", "2001:db8::/127", "198.51.100.0/25", "192.0.2.1",
        "::ffff:198.51.100.9", "10.0.0.0/8",
    ],
    "env": ["prod", "test", "dev", "staging", "Two words"],
    "source": ["n8n", "sdk", "nowhere"],
    "session": ["s-1", "s-2", "S-1"],
    "request": ["r-1", "r-2"],
    "trace": ["t-1", "none"],
}  # fmt: skip
ADDRESSES = [
    "203.0.113.7", "203.0.113.8", "203.0.112.255", "203.0.114.0", "198.51.100.9",
    "::ffff:198.51.100.9", "198.51.100.200", "2001:db8::1", "2001:db8::2", "2001:db9::1", "unknown",
]  # fmt: skip
TEXTS = ["wrong password", "WRONG time", "naïve résumé", "re\u0301sume\u0301 of Ada", "a 42 b"]
PHRASES = [
    "wrong", "Wrong password", "password wrong", "resume", "RÉSUMÉ", "resu", "naive resume",
    "angstrom", "cafe angstrom", "sync product", "42", "4", "ada", "robin example com",
    "nightly-orders", "203.0.113.7", "x" * 50, '"', "NOT wrong", "wrong OR password", "stopped",
]  # fmt: skip


def some(random: random.Random, values: list[Any], chance: float = 0.5) -> Any:
    return random.choice(values) if random.random() < chance else None


def make_activities() -> Iterator[dict[str, Any]]:
    """A few hundred activities of few values, so that each filter finds some."""
    random_ = random.Random(7)
    actions = [one for one in VALUES["action"] if not one.endswith("*")][:-1]
    for _ in range(ACTIVITIES):
        context = {
            "ip_address": some(random_, ADDRESSES, 0.8),
            "source": some(random_, VALUES["source"][:2]),
            "session_id": some(random_, VALUES["session"]),
            "request_id": some(random_, VALUES["request"]),
            "trace_id": some(random_, VALUES["trace"][:1]),
        }
        fields = {
            "action": random_.choice(actions),
            # Few microseconds, so that many activities share one.
            "occurred_at": from_us(START + random_.randrange(40)),
            "actor": random_.choice(ACTORS),
            "on_behalf_of": some(random_, ACTORS, 0.2),
            "targets": random_.sample(TARGETS, random_.choice([1, 1, 2, 3])),
            "outcome": some(random_, VALUES["outcome"]),
            "reason": some(random_, TEXTS, 0.3),
            "environment": some(random_, VALUES["env"][:3] + VALUES["env"][4:]),
            "details": some(random_, [{"note": text, "n": 42} for text in TEXTS], 0.3),
            "changes": some(random_, [[{"field": "name", "old": text}] for text in TEXTS], 0.2),
            "context": {name: value for name, value in context.items() if value},
        }
        yield {name: value for name, value in fields.items() if value is not None}


@dataclass(repr=False)
class Filled:
    """A store with the activities in it, and the same as a list."""

    store: Store
    log: list[Recorded]

    def page_through(self, asked: Filter, order: str, limits: list[int]) -> list[int]:
        """The seqs of all pages, one after the other; the limits take turns."""
        seqs: list[int] = []
        cursor = None
        for turn in range(10_000):
            limit = limits[turn % len(limits)]
            page = self.store.reader.page(
                self.store.acme, asked, order=order, limit=limit, cursor=cursor
            )
            seqs += [one.seq for one in page.activities]
            assert len(page.activities) <= limit
            cursor = page.next_cursor
            if cursor is None:
                return seqs
            assert len(page.activities) == limit
        raise AssertionError("the listing does not end")


@pytest.fixture(scope="module", params=[*BACKENDS, IN_SMALL_STEPS])
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Filled]:
    with open_store(request.param, tmp_path_factory.mktemp("store") / "data") as store:
        log: list[Recorded] = []
        recorder = store.here.recorder
        for fields in make_activities():
            one = sent(**fields)
            prepared = recorder.prepare(store.acme, one)
            seq = receipt(store.append(prepared)[0]).seq
            log.append(Recorded(seq, one, prepared.text))
            # The same in another workspace must never be seen.
            if seq % 3 == 0:
                store.writer.append(store.other, [recorder.prepare(store.other, one)])
        yield Filled(store, log)


def matches(field: Field) -> st.SearchStrategy[Match]:
    values = st.lists(st.sampled_from(VALUES[field]), min_size=1, max_size=3, unique=True)
    return st.builds(
        Match, field=st.just(field), values=values.map(tuple), negated=st.sampled_from([0, 0, 1])
        .map(bool),
    )  # fmt: skip


MATCHES = st.sampled_from(FIELDS).flatmap(matches)
WORDS = st.builds(
    Words,
    text=st.sampled_from([phrase for phrase in PHRASES if any(map(str.isalnum, phrase))]),
    prefix=st.booleans(),
    negated=st.sampled_from([0, 0, 1]).map(bool),
)
PARTS = sorted(
    {
        word[start:end]
        for phrase in PHRASES
        for word in phrase.split()
        if word.isalnum()
        for start in range(len(word))
        for end in range(start + 3, len(word) + 1)
    }
)[::7]
WORDS |= st.builds(
    Words,
    text=st.sampled_from(PARTS),
    prefix=st.booleans(),
    suffix=st.just(True),
    negated=st.sampled_from([0, 0, 1]).map(bool),
)
TIMES = st.none() | st.integers(START - 2, START + 42)
FILTERS = st.builds(
    Filter,
    matches=st.lists(MATCHES, max_size=3).map(tuple),
    words=st.lists(WORDS, max_size=2).map(tuple),
    since=TIMES,
    until=TIMES,
)
ORDERS = st.sampled_from(["desc", "asc"])


@given(FILTERS, ORDERS)
def test_a_filter_finds_just_what_it_says_in_order(
    filled: Filled, asked: Filter, order: str
) -> None:
    page = filled.store.reader.page(filled.store.acme, asked, order=order, limit=1_000)
    assert [one.seq for one in page.activities] == listed(filled.log, asked, order)
    assert page.next_cursor is None


@given(FILTERS, ORDERS, st.lists(st.integers(1, 60), min_size=1, max_size=4))
def test_pages_of_any_size_show_each_activity_once(
    filled: Filled, asked: Filter, order: str, limits: list[int]
) -> None:
    assert filled.page_through(asked, order, limits) == listed(filled.log, asked, order)


@pytest.mark.parametrize("negated", [False, True])
@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field in FIELDS for value in VALUES[field]]
)
def test_each_value_of_each_field_by_itself(
    filled: Filled, field: Field, value: str, negated: bool
) -> None:
    asked = Filter(matches=(Match(field=field, values=(value,), negated=negated),))
    assert filled.page_through(asked, "desc", [1_000]) == listed(filled.log, asked, "desc")


@pytest.mark.parametrize("prefix", [False, True])
@pytest.mark.parametrize("phrase", [one for one in PHRASES if one != '"'])
def test_each_phrase_by_itself(filled: Filled, phrase: str, prefix: bool) -> None:
    asked = Filter(words=(Words(text=phrase, prefix=prefix),))
    assert filled.page_through(asked, "asc", [1_000]) == listed(filled.log, asked, "asc")


@pytest.mark.parametrize("prefix", [False, True])
@pytest.mark.parametrize("part", PARTS)
def test_each_part_of_a_word_by_itself(filled: Filled, part: str, prefix: bool) -> None:
    asked = Filter(words=(Words(text=part, prefix=prefix, suffix=True),))
    assert filled.page_through(asked, "desc", [1_000]) == listed(filled.log, asked, "desc")


@pytest.mark.parametrize(
    ("asked", "reasons"),
    [
        ("*fe9*", {"cafe99", "cafe99x"}),
        ("*fe99", {"cafe99"}),
        ("*123*", {"7123", "7123-g"}),
        ("*e99x*", {"cafe99x"}),
        ("*99x", {"cafe99x"}),
        ("*CAFE*", {"cafe99", "cafe99x"}),
        ("*rüß*", {"grüße"}),
    ],
)
def test_a_part_is_found_in_numbers_and_other_words(
    store: Store, asked: str, reasons: set[str]
) -> None:
    for reason in ("cafe99", "cafe99x", "7123", "7123-g", "grüße"):
        store.record(reason=reason)
    found = store.reader.page(store.acme, parse(asked)).activities
    assert {one.reason for one in found} == reasons


def test_a_part_that_too_many_words_have_is_refused(store: Store) -> None:
    names = [f"common{number}" for number in range(PARTS_MAX)]
    store.record(details={"names": " ".join(names)})
    store.record(reason="more commons")
    with pytest.raises(ParamError, match="longer part"):
        store.reader.page(store.acme, parse("*common*"))
    with pytest.raises(ParamError, match="longer part"):
        store.reader.page(store.acme, parse("-*common*"))
    assert len(store.reader.page(store.acme, parse("*common99*")).activities) == 1


def test_words_that_no_activity_has_any_more_are_forgotten(store: Store) -> None:
    store.record(occurred_at=from_us(START), reason="ancient history")
    store.record(reason="modern history")

    def work(transaction: Transaction) -> None:
        transaction.move_index()
        transaction.remove(
            store.acme,
            after_key=-1,
            before_key=first_key(START + 1),
            before_seq=1_000,
            holds=[],
            limit=10,
        )
        after = ""
        while words := next_words(transaction.database, store.acme, after, 3):
            transaction.forget_words(store.acme, words)
            after = words[-1]

    store.writer.run(work)
    with store.reading() as connection:
        kept = {row.word for row in connection.execute(select(schema.word))}
    assert "ancient" not in kept
    assert {"modern", "history", "robin"} <= kept
    store.record(reason="ancient again")
    assert len(store.reader.page(store.acme, parse("*ncient")).activities) == 1


def test_the_words_of_another_workspace_find_nothing_here(store: Store) -> None:
    store.writer.append(store.other, [store.prepare(reason="elsewhere")])
    store.record()
    assert store.reader.page(store.acme, parse("*lsewher*")).activities == []
    assert len(store.reader.page(store.acme, parse("-*lsewher*")).activities) == 1


def test_the_samples_are_not_empty(filled: Filled) -> None:
    found = {
        field: sum(
            bool(listed(filled.log, Filter(matches=(Match(field=field, values=(value,)),)), "asc"))
            for value in VALUES[field]
        )
        for field in FIELDS
    }
    assert min(found.values()) >= 1
    assert sum(found.values()) > 40


def test_a_filter_with_as_many_conditions_as_are_allowed_can_be_answered(filled: Filled) -> None:
    blocks = tuple(f"10.{number}.0.0/17" for number in range(99))
    ids = tuple(map(str, range(100)))
    few = (
        Match(field="ip", values=(*blocks, "0.0.0.0/0")),
        Match(field="actor", values=ids),
        Match(field="session", values=ids, negated=True),
    )
    many = Filter(
        matches=(*few, *few, *few),
        words=tuple(Words(text=f"word{number}", negated=True) for number in range(41)),
    )
    expected = listed(filled.log, Filter(matches=few), "desc")
    assert filled.page_through(many, "desc", [100]) == expected
    assert expected


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        (-(10**17), None, ACTIVITIES),
        (None, 10**17, ACTIVITIES),
        (10**17, None, 0),
        (None, -(10**17), 0),
        (START, START, 0),
    ],
)
def test_times_beyond_any_clock_are_only_wide_ranges(
    filled: Filled, since: int | None, until: int | None, found: int
) -> None:
    asked = Filter(since=since, until=until)
    assert len(filled.page_through(asked, "asc", [1_000])) == found


def test_one_activity_is_found_by_its_id_in_its_workspace(filled: Filled) -> None:
    store = filled.store
    (first,) = store.reader.after(store.acme, 5, 1)
    assert first.seq == 5
    assert store.reader.get(store.acme, first.id) == first
    assert store.reader.get(store.other, first.id) is None
    assert store.reader.get(store.acme, "nothing") is None


def test_the_log_can_be_followed_in_the_order_of_recording(filled: Filled) -> None:
    store = filled.store
    seqs: list[int] = []
    while some := store.reader.after(store.acme, len(seqs), 70):
        seqs += [one.seq for one in some]
    assert seqs == list(range(ACTIVITIES))
    assert store.reader.next_seq(store.acme) == ACTIVITIES


def test_what_was_seen_is_listed_for_the_pickers(filled: Filled) -> None:
    store = filled.store
    sents = [one.sent for one in filled.log]
    assert store.reader.actions_seen(store.acme) == sorted({one.action for one in sents})
    types = {target.type for one in sents for target in one.targets}
    assert store.reader.target_types(store.acme) == sorted(types)
