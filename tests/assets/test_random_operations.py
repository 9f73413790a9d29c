"""Random operations: registry, model and log agree, and the log rebuilds every asset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tests.assets.desk import open_desk
from tests.assets.model import DEPTH, Model, Refused, Thing

from trailkeeper.assets import rules
from trailkeeper.assets.asset import Asset
from trailkeeper.assets.kinds import KINDS
from trailkeeper.assets.records import plain
from trailkeeper.assets.replay import Replayed, replay
from trailkeeper.errors import Forbidden, Problem
from trailkeeper.identity.acting import By
from trailkeeper.installation import Installation
from trailkeeper.redaction import REDACTED

MADE = [
    *("folder", "folder", "recipe", "recipe", "connection", "connector", "lookup_table"),
    *("api_collection", "api_endpoint", "api_customer", "access_profile", "api_policy"),
]
STARTED_WITH = [
    *("folder", "folder", "recipe", "recipe", "connection", "connector", "lookup_table"),
    *("api_policy", "api_collection", "api_customer", "api_endpoint", "access_profile"),
]
TRANSITIONS = ["start", "stop", "connect", "disconnect", "release", "activate", "deactivate"]

names = st.sampled_from(["One", "ONE", "Two", "Zwei ß", "Zwei SS", "Drei"])
which = st.integers(0, 30)
scalars = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "a", "b"])
keys = st.sampled_from(["steps", "in", "a/b", "as", "password", "token_count", "~"])
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
codes = st.dictionaries(keys, json_values, max_size=4)
rows = st.lists(st.lists(st.sampled_from(["x", "y", ""]), min_size=2, max_size=2), max_size=5)
texts = st.sampled_from(["", "Text", "Another"])


EFFORT = settings(
    max_examples=30,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


class RandomOperations(RuleBasedStateMachine):
    """Anybody tries anything. What the model refuses is refused, and the other way round."""

    def __init__(self, here: Installation) -> None:
        super().__init__()
        self.desk = open_desk(here)
        self.registry, self.by = self.desk.registry, self.desk.by
        self.model = Model()

    @initialize()
    def start(self) -> None:
        for number, kind in enumerate(STARTED_WITH):
            self.create(kind, f"First {number}", number, "", number)

    def attempt(
        self, predicted: Callable[[], Any], real: Callable[[], Any], expected: int = 1
    ) -> tuple[Any, Any] | None:
        """Do it in the model and for real: both do it, or both refuse. What was done was recorded
        once, what changed nothing or was refused not at all."""
        before = self.state()
        try:
            told = predicted()
        except Refused:
            try:
                real()
            except Problem:
                assert self.desk.new() == []
                return None
            raise AssertionError("it was done, though the model refuses it") from None
        done = real()
        records = self.desk.new()
        if isinstance(told, int):
            expected = told
        changed = isinstance(told, Thing) or self.state() != before
        assert len(records) == (expected if changed else 0)
        return told, done

    # --- What is done

    @rule(kind=st.sampled_from(MADE), name=names, place=which, text=texts, refers=which)
    def create(self, kind: str, name: str, place: int, text: str, refers: int) -> None:
        content: dict[str, Any] = {"description": text}
        for reference in KINDS[kind].references:
            if reference.kind != "api_collection":
                content[reference.field] = self.pick(refers, reference.kind)
        where = self.place_for(kind, place)
        made = self.attempt(
            lambda: self.model.create(kind, name, where, {**default(kind), **content}),
            lambda: (
                self.registry.create(
                    self.by, kind, name, content=content, **place_as(kind, where)
                ).asset
            ),
        )
        if made:
            self.model.add(made[0], made[1].id)

    @rule(one=which, code=codes, text=texts)
    def update_recipe(self, one: int, code: dict[str, Any], text: str) -> None:
        self.update(self.pick(one, "recipe"), "recipe", {"code": code, "description": text})

    @rule(one=which, values=rows)
    def update_table(self, one: int, values: list[list[str]]) -> None:
        columns = [{"name": "a", "type": "string"}, {"name": "b", "type": "string"}]
        content = {"columns": columns, "rows": values}
        self.update(self.pick(one, "lookup_table"), "lookup_table", content)

    @rule(one=which, kind=st.sampled_from(["connection", "connector", "api_policy"]), text=texts)
    def update_other(self, one: int, kind: str, text: str) -> None:
        self.update(self.pick(one, kind), kind, {"description": text})

    @rule(one=which, recipe=which)
    def update_endpoint(self, one: int, recipe: int) -> None:
        content = {"recipe_id": self.pick(recipe, "recipe")}
        self.update(self.pick(one, "api_endpoint"), "api_endpoint", content)

    def update(self, id: str, kind: str, content: dict[str, Any]) -> None:
        self.attempt(
            lambda: self.model.update(id, content),
            lambda: self.registry.update(self.by, kind, id, content=content),
        )

    @rule(one=which, kind=st.sampled_from(["folder", "recipe"]), name=names)
    def rename(self, one: int, kind: str, name: str) -> None:
        id = self.pick(one, kind)
        self.attempt(
            lambda: self.model.rename(id, name),
            lambda: self.registry.rename(self.by, kind, id, name),
        )

    @rule(one=which, kind=st.sampled_from(["folder", "recipe"]), into=which)
    def move(self, one: int, kind: str, into: int) -> None:
        id, place = self.pick(one, kind), self.place_for(kind, into)
        self.attempt(
            lambda: self.model.move(id, place),
            lambda: self.registry.move(self.by, kind, id, place),
        )

    @rule(one=which, name=names, into=which)
    def copy(self, one: int, name: str, into: int) -> None:
        id, place = self.pick(one, "recipe"), self.place_for("recipe", into)
        made = self.attempt(
            lambda: self.model.copy(id, name, place),
            lambda: self.registry.copy(self.by, "recipe", id, name=name, folder_id=place),
        )
        if made:
            self.model.add(made[0], made[1].id)

    @rule(one=which, operation=st.sampled_from(TRANSITIONS))
    def transition(self, one: int, operation: str) -> None:
        (kind,) = [name for name, kind in KINDS.items() if operation in kind.operations]
        id = self.pick(one, kind)
        self.attempt(
            lambda: self.model.transition(id, operation),
            lambda: self.registry.transition(self.by, kind, id, operation),
        )

    @rule(one=which, public=st.booleans())
    def scope(self, one: int, public: bool) -> None:
        id = self.pick(one, "recipe")
        self.attempt(
            lambda: self.model.scope(id, public),
            lambda: self.registry.set_access_scope(self.by, "recipe", id, public),
        )

    @rule(one=which, kind=st.sampled_from(MADE), recursive=st.booleans())
    def delete(self, one: int, kind: str, recursive: bool) -> None:
        id = self.pick(one, kind)
        self.attempt(
            lambda: self.model.delete(id, recursive),
            lambda: self.registry.delete(self.by, kind, id, recursive=recursive),
        )

    @rule(one=which)
    def undelete(self, one: int) -> None:
        gone = [thing for thing in self.model.things.values() if thing.deleted]
        if gone:
            thing = gone[one % len(gone)]
            self.attempt(
                lambda: self.model.undelete(thing.id),
                lambda: self.registry.undelete(self.by, thing.kind, thing.id),
            )

    @rule(one=which, kind=st.sampled_from(["recipe", "lookup_table", "connector"]), version=which)
    def restore(self, one: int, kind: str, version: int) -> None:
        id = self.pick(one, kind)
        there = self.model.things.get(id)
        number = version % (there.version + 1) if there else 1
        self.attempt(
            lambda: self.model.restore(id, number),
            lambda: self.registry.restore(self.by, kind, id, number),
        )

    @rule(one=which, kind=st.sampled_from(["recipe", "api_policy"]))
    def somebody_who_may_not(self, one: int, kind: str) -> None:
        robin: By = self.desk.holding("recipes.view", "recipes.run")
        before = self.state()
        try:
            self.registry.delete(robin, kind, self.pick(one, kind))
        except Forbidden:
            assert [record.action for record in self.desk.new()] == ["access.denied"]
        assert self.state() == before

    # --- What there is

    def pick(self, number: int, kind: str) -> str:
        """The id of one of this kind, now and then of a deleted one or of none."""
        ids = [one.id for one in self.model.things.values() if one.kind == kind]
        live = [id for id in ids if not self.model.things[id].deleted]
        wanted = live if live and number % 5 else ids
        return wanted[number % len(wanted)] if wanted else "77777"

    def place_for(self, kind: str, number: int) -> str | None:
        parent = KINDS[kind].parent_kind
        if parent:
            return self.pick(number, parent)
        return self.pick(number, "folder") if KINDS[kind].place == "folder" and number % 3 else None

    def state(self) -> dict[str, dict[str, Any]]:
        """All assets as the registry has them."""
        found: dict[str, dict[str, Any]] = {}
        for id in self.model.things:
            asset = self.registry.find(self.desk.workspace, id)
            assert asset
            found[id] = facts_of(asset)
        return found

    @invariant()
    def registry_and_model_agree(self) -> None:
        assert self.state() == {id: facts_of(one) for id, one in self.model.things.items()}

    @invariant()
    def the_log_rebuilds_every_asset(self) -> None:
        state = self.state()
        replayed = replay(self.desk.log())
        assert replayed.keys() == state.keys()
        for id, one in replayed.items():
            assert one.exact
            assert agrees(facts_of(one), state[id]), (facts_of(one), state[id])


def default(kind: str) -> dict[str, Any]:
    return plain(KINDS[kind].content())


def place_as(kind: str, place: str | None) -> dict[str, Any]:
    return {f"{KINDS[kind].place}_id": place} if KINDS[kind].place != "nowhere" else {}


def facts_of(one: Asset | Thing | Replayed) -> dict[str, Any]:
    """What registry, model and log must say alike."""
    facts: dict[str, Any] = {
        name: getattr(one, name) for name in ("kind", "name", "state", "version", "public")
    }
    if isinstance(one, Thing):
        return {**facts, "place": one.place, "content": one.content, "deleted": one.deleted}
    is_asset = isinstance(one, Asset)
    return {
        **facts,
        "place": one.folder_id or one.parent_id,
        "content": plain(one.content) if is_asset else one.content,
        "deleted": bool(one.deleted_at) if is_asset else one.deleted,
    }


def agrees(told: Any, real: Any) -> bool:
    """Whether the log's value is the real one, but for what is redacted."""
    if told == REDACTED:
        return True
    if isinstance(told, dict) and isinstance(real, dict):
        return told.keys() == real.keys() and all(agrees(told[key], real[key]) for key in told)
    if isinstance(told, list) and isinstance(real, list):
        return len(told) == len(real) and all(map(agrees, told, real))
    return type(told) is type(real) and told == real


def test_registry_model_and_log_agree(here: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "FOLDER_DEPTH_MAX", DEPTH)
    run_state_machine_as_test(lambda: RandomOperations(here), settings=EFFORT)
