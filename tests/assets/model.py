"""What the registry should do, said once more and as simply as can be: a model for random tests."""

from __future__ import annotations

import copy
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from trailkeeper.assets.kinds import KINDS

DEPTH = 3
"""How deep folders are nested in these tests."""


class Refused(Exception):
    """The model says that it cannot be done."""


@dataclass
class Thing:
    """An asset of the model; `place` is the id of its folder or parent."""

    kind: str
    id: str
    name: str
    place: str | None
    content: dict[str, Any]
    state: str | None = None
    version: int = 1
    public: bool = False
    deleted: bool = False
    secret: bool = False
    history: dict[int, tuple[str, dict[str, Any], bool]] = field(default_factory=dict)

    def keep(self) -> None:
        self.history[self.version] = (self.name, copy.deepcopy(self.content), self.secret)


@dataclass
class Model:
    """All assets of a workspace."""

    things: dict[str, Thing] = field(default_factory=dict)

    def create(self, kind: str, name: str, place: str | None, content: dict[str, Any]) -> Thing:
        """A new thing; it gets its id from whoever made the real one."""
        self._place(kind, place)
        states = KINDS[kind].states
        thing = Thing(kind, "", name, place, content, states[0] if states else None)
        self._free(thing)
        self._there(thing)
        return thing

    def add(self, thing: Thing, id: str) -> None:
        thing.id = id
        self.things[id] = thing
        thing.keep()

    def rename(self, id: str, name: str) -> None:
        thing = self.live(id)
        if name != thing.name:
            self._free(thing, name=name)
            thing.name = name
            self._new_version(thing)

    def update(self, id: str, content: dict[str, Any]) -> None:
        thing = self.live(id)
        self._legal(thing, "update")
        wanted = {**thing.content, **content}
        self._there(thing, wanted, thing.content)
        if wanted != thing.content:
            thing.content = copy.deepcopy(wanted)
            self._new_version(thing)
            if thing.kind == "connector":
                thing.state = "draft"

    def restore(self, id: str, version: int) -> None:
        thing = self.live(id)
        self._legal(thing, "update")
        if version not in thing.history:
            raise Refused
        name, content, _ = thing.history[version]
        content = {**content, **{one: thing.content[one] for one in KINDS[thing.kind].managed}}
        self._there(thing, content, thing.content)
        if name != thing.name:
            self._free(thing, name=name)
        if (name, content) != (thing.name, thing.content):
            thing.name, thing.content = name, copy.deepcopy(content)
            self._new_version(thing)
            if thing.kind == "connector":
                thing.state = "draft"

    def move(self, id: str, place: str | None) -> None:
        thing = self.live(id)
        if place == thing.place:
            return
        self._place(thing.kind, place)
        if thing.kind == "folder":
            if thing.id in self.path(place):
                raise Refused
            below = [len(self.path(one.id)) for one in self.inside(id) if one.kind == "folder"]
            height = max([len(self.path(id)), *below]) - len(self.path(id)) + 1
            if len(self.path(place)) + height > DEPTH:
                raise Refused
        self._free(thing, place=place)
        thing.place = place

    def copy(self, id: str, name: str, place: str | None) -> Thing:
        original = self.live(id)
        self._place(original.kind, place)
        made = Thing(original.kind, "", name, place, copy.deepcopy(original.content), "stopped")
        self._free(made)
        return made

    def transition(self, id: str, operation: str) -> None:
        thing = self.live(id)
        self._legal(thing, operation)
        if operation == "activate" and (recipe := thing.content["recipe_id"]):
            self.live(recipe)
        thing.state = KINDS[thing.kind].operations[operation].to_state
        if operation == "release":
            thing.content["released_version"] = thing.version

    def scope(self, id: str, public: bool) -> None:
        self.live(id).public = public

    def delete(self, id: str, recursive: bool) -> int:
        """How many were deleted."""
        thing = self.live(id)
        gone = [*self.inside(id), thing]
        if len(gone) > 1 and thing.kind == "folder" and not recursive:
            raise Refused
        for one in gone:
            self._legal(one, "delete")
        ids = {one.id for one in gone}
        for one in self.all_live():
            if one.id in ids:
                continue
            if one.kind == "access_profile" and one.content["policy_id"] in ids:
                raise Refused
            if one.state == "active" and one.content["recipe_id"] in ids:
                raise Refused
        for one in gone:
            one.deleted = True
        return len(gone)

    def undelete(self, id: str) -> None:
        thing = self.things[id]
        if not thing.deleted:
            raise Refused
        if thing.kind == "access_profile" and (policy := thing.content["policy_id"]):
            self.live(policy)
        if thing.state == "active" and (recipe := thing.content["recipe_id"]):
            self.live(recipe)
        place = thing.place
        if place is not None and self.things[place].deleted:
            if KINDS[thing.kind].parent_kind:
                raise Refused
            place = None
        self._place(thing.kind, place)
        self._free(thing, place=place)
        thing.place, thing.deleted = place, False

    # --- Looking

    def live(self, id: str) -> Thing:
        if id not in self.things or self.things[id].deleted:
            raise Refused
        return self.things[id]

    def all_live(self) -> list[Thing]:
        return [one for one in self.things.values() if not one.deleted]

    def inside(self, id: str) -> list[Thing]:
        """All that is in a thing, at any depth."""
        direct = [one for one in self.all_live() if one.place == id]
        return [inner for one in direct for inner in (*self.inside(one.id), one)]

    def path(self, id: str | None) -> list[str]:
        return [] if id is None else [*self.path(self.things[id].place), id]

    # --- Rules

    def _place(self, kind: str, place: str | None) -> None:
        wanted = "folder" if KINDS[kind].place == "folder" else KINDS[kind].parent_kind
        if wanted is None or (wanted == "folder" and place is None):
            return
        if place is None or self.live(place).kind != wanted:
            raise Refused
        if kind == "folder" and len(self.path(place)) + 1 > DEPTH:
            raise Refused

    def _free(self, thing: Thing, name: str | None = None, place: Any = ...) -> None:
        wanted = (thing.kind, thing.place if place is ... else place, _key(name or thing.name))
        for one in self.all_live():
            if one is not thing and (one.kind, one.place, _key(one.name)) == wanted:
                raise Refused

    def _there(
        self, thing: Thing, content: dict[str, Any] | None = None, before: Any = None
    ) -> None:
        """What is named newly is there."""
        for reference in KINDS[thing.kind].references:
            id = (content or thing.content).get(reference.field)
            known = before and before.get(reference.field) == id
            if id and not known and self.live(id).kind != reference.kind:
                raise Refused

    def _legal(self, thing: Thing, operation: str) -> None:
        states = KINDS[thing.kind].operations[operation].from_states
        if states and thing.state not in states:
            raise Refused

    def _new_version(self, thing: Thing) -> None:
        thing.version += 1
        thing.keep()


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())
