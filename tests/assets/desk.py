"""A workspace of a real installation, for tests that work with its assets."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from trailkeeper.activity import Activity, Actor
from trailkeeper.assets.asset import Asset
from trailkeeper.assets.kinds import KINDS
from trailkeeper.assets.registry import Registry
from trailkeeper.identity.acting import By
from trailkeeper.installation import Installation

OWNER = "ada@example.com"
PASSWORD = "correct horse battery staple"
_numbers = itertools.count(1)


@dataclass
class Desk:
    """Someone who may do everything in a workspace of their own. `new` gives what was recorded
    since it was asked last."""

    here: Installation
    by: By
    seen: int = field(default=0)

    @property
    def registry(self) -> Registry:
        return self.here.registry

    @property
    def workspace(self) -> int:
        return self.by.workspace

    def make(self, kind: str, name: str = "", **given: Any) -> Asset:
        """A new asset; with what it needs where it needs a parent."""
        names = {"folder": ["folder_id"], "parent": ["parent_id"], "nowhere": []}
        place = {name: given.pop(name) for name in names[KINDS[kind].place] if name in given}
        parent = KINDS[kind].parent_kind
        if parent and "parent_id" not in place:
            place["parent_id"] = self.make(parent).id
        name = name or f"{KINDS[kind].label} {next(_numbers)}"
        return self.registry.create(self.by, kind, name, content=given, **place).asset

    def get(self, one: Asset) -> Asset:
        """The same asset as it is now, deleted or not."""
        return self.registry.get(self.workspace, one.kind, one.id, deleted=True)

    def log(self) -> list[Activity]:
        """All activities, in the order of the log."""
        found: list[Activity] = []
        while more := self.here.reader.after(self.workspace, len(found), 1_000):
            found += more
        return found

    def new(self) -> list[Activity]:
        """What was recorded since this was asked last."""
        log = self.log()
        fresh, self.seen = log[self.seen :], len(log)
        return fresh

    def the_new_one(self) -> Activity:
        (one,) = self.new()
        return one

    def holding(self, *privileges: str) -> By:
        """Someone else, who may do only this."""
        return replace(
            self.by,
            actor=Actor(type="user", id="7", name="Robin"),
            privileges=frozenset(privileges),
            is_owner=False,
        )


def open_desk(here: Installation) -> Desk:
    """A desk in a new workspace."""
    name = f"Workspace {next(_numbers)}"
    is_first = not here.workspaces.listed()
    here.workspaces.create(name, OWNER, "Ada Admin", PASSWORD if is_first else None)
    desk = Desk(here, here.workspaces.by_operator(name))
    desk.new()
    return desk


def changes_in(one: Activity) -> list[tuple[str, Any, Any]]:
    return [(change.field, change.old, change.new) for change in one.changes]


def targets_in(one: Activity) -> list[tuple[str, str | None]]:
    return [(target.type, target.name) for target in one.targets]
