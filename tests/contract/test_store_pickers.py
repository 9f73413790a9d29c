"""What the pickers offer: actors and targets by name, e-mail address or id."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from tests.contract.stores import Store

from trailkeeper.activity import ActivityInput, Actor, Target, from_us
from trailkeeper.ledger import schema
from trailkeeper.ledger.reader import COUNT_MAX, Choice, Role
from trailkeeper.query.filters import Filter, Match, Words

PEOPLE = {
    "1": ("Zoë Müller", "zoe@example.com"),
    "2": ("Ada Admin", "ada@example.com"),
    "3": ("100% Bot", None),
    "4": ("100 Bots", None),
    "5": ("under_score", None),
    "6": ("underXscore", None),
    "7": ("back\\slash", None),
}


def offered(
    store: Store, text: str, role: Role = "actor", *, kind: str | None = None, limit: int = 20
) -> list[str]:
    choices = store.reader.choices(store.acme, role, text, type=kind, limit=limit)
    return [one.id for one in choices]


@pytest.fixture
def people(store: Store) -> Store:
    for number, (id_, (name, email)) in enumerate(PEOPLE.items()):
        actor = {"type": "user", "id": id_, "name": name, "email": email}
        store.record(actor=actor, occurred_at=from_us(number))
    return store


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("zoe", ["1"]),
        ("ZOË mull", ["1"]),
        ("muller zoe", ["1"]),
        ("müller", ["1"]),
        ("ada@example", ["2"]),
        ("EXAMPLE.COM", ["2", "1"]),
        ("admin", ["2"]),
        ("nobody", []),
        ("100%", ["3"]),
        ("%", ["3"]),
        ("_", ["5"]),
        ("r_s", ["5"]),
        ("\\", ["7"]),
        ("k\\s", ["7"]),
        ("100", ["4", "3"]),
        (" 100  bot ", ["4", "3"]),
    ],
)
def test_a_text_is_found_in_name_address_and_id(
    people: Store, text: str, expected: list[str]
) -> None:
    assert offered(people, text) == expected


def test_an_id_is_found(people: Store) -> None:
    assert offered(people, "7") == ["7"]


def test_what_starts_with_the_text_comes_first(store: Store) -> None:
    for name in ("Barbara Ada", "Ada Lovelace", "Xada"):
        store.record(actor={"type": "user", "id": name, "name": name})
    assert offered(store, "ada") == ["Ada Lovelace", "Barbara Ada", "Xada"]


def test_without_a_text_the_most_recent_come_first(people: Store) -> None:
    people.record(actor={"type": "user", "id": "2", "name": "Ada Admin"})
    assert offered(people, "") == ["2", "7", "6", "5", "4", "3", "1"]
    assert offered(people, "  ", limit=3) == ["2", "7", "6"]


def test_actors_and_targets_are_offered_apart(people: Store) -> None:
    assert offered(people, "", role="target") == ["42"]
    assert offered(people, "sync", role="actor") == []
    people.record(targets=[{"type": "user", "id": "1", "name": "Zoë Müller"}])
    assert offered(people, "zoe", role="target") == ["1"]


def test_a_picker_can_be_of_one_type(people: Store) -> None:
    people.record(targets=[{"type": "folder", "id": "42"}, {"type": "folder", "id": "43"}])
    for text in ("", "4"):
        assert sorted(offered(people, text, role="target", kind="folder")) == ["42", "43"]
    assert offered(people, "", role="target", kind="connection") == []


def test_each_choice_says_how_many_activities_it_has(people: Store) -> None:
    people.record(
        actor={"type": "user", "id": "2"},
        on_behalf_of={"type": "user", "id": "1"},
    )
    zoe, ada = (people.reader.entity(people.acme, "actor", f"user:{one}") for one in ("1", "2"))
    assert ada == Choice("user", "2", "Ada Admin", "ada@example.com", 2, more=False)
    assert zoe == Choice("user", "1", "Zoë Müller", "zoe@example.com", 2, more=False)
    recipe = people.reader.entity(people.acme, "target", "recipe:42")
    assert recipe is not None
    assert (recipe.count, recipe.ref) == (8, "recipe:42")


def test_counting_stops_at_a_limit_and_says_so(store: Store) -> None:
    store.append(*(store.prepare() for _ in range(COUNT_MAX)))
    (choice,) = store.reader.choices(store.acme, "actor", "robin")
    assert (choice.count, choice.more) == (COUNT_MAX, False)
    store.record()
    (choice,) = store.reader.choices(store.acme, "actor", "robin")
    assert (choice.count, choice.more) == (COUNT_MAX, True)


def test_choices_are_counted_in_what_the_rest_of_the_filter_leaves(people: Store) -> None:
    ada = {"type": "user", "id": "2", "name": "Ada Admin"}
    people.append(*(people.prepare(action="recipe.started", actor=ada) for _ in range(3)))
    people.record(action="recipe.started", actor={"type": "user", "id": "3", "name": "100% Bot"})
    started = Match(field="action", values=("recipe.started",))

    def counted(text: str, *matches: Match) -> list[tuple[str, int]]:
        found = people.reader.choices(
            people.acme, "actor", text, asked=Filter(matches=(started, *matches))
        )
        return [(one.id, one.count) for one in found]

    assert counted("") == [("2", 3), ("3", 1)]
    # Whoever is chosen already does not narrow what else could be.
    assert counted("", Match(field="actor", values=("user:3",))) == [("2", 3), ("3", 1)]
    assert counted("bot") == [("3", 1), ("4", 0)]
    assert counted("", Match(field="actor", values=("user:2",), negated=True)) == [("3", 1)]
    asked = Filter(matches=(started,), words=(Words(text="nowhere"),))
    assert people.reader.choices(people.acme, "target", "", asked=asked) == []


def test_another_workspace_is_not_offered(people: Store) -> None:
    assert people.reader.choices(people.other, "actor", "") == []
    assert people.reader.choices(people.other, "actor", "zoe") == []
    assert people.reader.entity(people.other, "actor", "user:1") is None


@pytest.mark.parametrize("ref", ["user:1", "1", "zoe@example.com", "ZOE@example.com", "Zoë Müller"])
def test_an_entity_is_found_by_any_of_its_names(people: Store, ref: str) -> None:
    found = people.reader.entity(people.acme, "actor", ref)
    assert found is not None
    assert found.ref == "user:1"


@pytest.mark.parametrize("ref", ["", ":", "user:", "user:99", "nobody", "zoë müller"])
def test_what_is_not_in_the_log_is_no_entity(people: Store, ref: str) -> None:
    assert people.reader.entity(people.acme, "actor", ref) is None


def test_a_log_is_empty_until_something_but_its_own_doings_is_in_it(store: Store) -> None:
    assert store.reader.is_empty(store.acme)
    own = store.here.recorder.own(
        store.acme,
        ActivityInput(
            action="user.logged_in",
            actor=Actor(type="user", id="1"),
            targets=[Target(type="user", id="1")],
        ),
    )
    store.append(own)
    assert store.reader.is_empty(store.acme)
    store.record()
    assert not store.reader.is_empty(store.acme)
    assert store.reader.is_empty(store.other)


def test_known_ids_are_those_that_are_recorded(store: Store) -> None:
    wanted = [f"id-{number}" for number in range(1_200)]
    store.append(*(store.prepare(id=one) for one in wanted[::2]))
    assert store.reader.known_ids(store.acme, wanted) == set(wanted[::2])
    assert store.reader.known_ids(store.acme, []) == set()
    assert store.reader.known_ids(store.other, wanted) == set()


def test_ids_made_from_another_are_counted(store: Store) -> None:
    store.append(*(store.prepare(id=one) for one in ("a", "a:1", "a:2", "ab", "a;", "b:1", "a9")))
    assert store.reader.count_derived(store.acme, "a") == 3
    assert store.reader.count_derived(store.acme, "b") == 1
    assert store.reader.count_derived(store.acme, "none") == 0


def test_names_that_were_erased_leave_the_id(people: Store) -> None:
    erase = update(schema.entity).values(name=None, email=None, folded="1")
    people.writer.run(lambda transaction: transaction.connection.execute(erase).rowcount)
    assert "1" in offered(people, "1")
