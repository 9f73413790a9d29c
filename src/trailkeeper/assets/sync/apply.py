"""A plan carried out: every step and every record of it in one transaction, or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from trailkeeper.activity import Target
from trailkeeper.assets.asset import Asset
from trailkeeper.assets.changes import Changes
from trailkeeper.assets.kinds import KINDS
from trailkeeper.assets.reads import name_key
from trailkeeper.assets.registry import Registry
from trailkeeper.assets.sync import marks, references, secrets
from trailkeeper.assets.sync.compare import way
from trailkeeper.assets.sync.one_file import AssetFile
from trailkeeper.assets.sync.order import Order, in_order
from trailkeeper.assets.sync.plan import Plan, Step
from trailkeeper.assets.sync.problems import BadFiles, HandMade
from trailkeeper.errors import Conflict, NotFound, PreconditionFailed
from trailkeeper.identity.acting import By

SYNCED = "assets.synced"
REASON = "sync"
"""Why a recipe is stopped while it is changed."""

NAME_SHORT = 150


class Applied(Struct, frozen=True):
    """What came of it: the tokens of new assets, shown this once, by the assets' paths."""

    tokens: dict[str, str]


def apply(
    registry: Registry,
    by: By,
    plan: Plan,
    environ: Mapping[str, str],
    *,
    workspace: Target,
    commit: str | None = None,
) -> Applied:
    """Carry a plan out. Every record has the commit in its details, and the last one tells of the
    whole. A plan without steps records nothing.

    Raises BadFiles where a variable is missing, HandMade, Forbidden, PreconditionFailed for what
    was changed since the plan was made, Conflict; then nothing is changed.
    """
    if plan.unset:
        raise BadFiles(plan.unset)
    if plan.hand_made:
        raise HandMade(plan.hand_made)
    order = in_order(plan)
    for kind, operation in dict.fromkeys(_needed(order)):
        registry.require(by, kind, operation)

    def work(changes: Changes) -> Applied:
        doing = _Doing(changes, plan, environ)
        doing.all(order)
        if plan.steps:
            changes.also(_summary(by, plan, workspace, commit))
        return Applied(doing.tokens)

    return registry.apply(by, work, {"commit": commit} if commit else None)


class _Doing:
    """The steps of a plan in an open transaction."""

    def __init__(self, changes: Changes, plan: Plan, environ: Mapping[str, str]) -> None:
        self._changes = changes
        self._plan = plan
        self._environ = environ
        self._ids = dict(plan.ids)
        self.tokens: dict[str, str] = {}

    def all(self, order: Order) -> None:
        for step in order.steps:
            self._check(step)
        for step in order.gives_way:
            self._give_way(step)
        open_ends: list[tuple[AssetFile, Step]] = []
        for step in order.steps:
            if step.file is None:
                self._delete(step)
            elif self._bring(step, step.file):
                self._settle(step, step.file)
            else:
                open_ends.append((step.file, step))
        for file, step in open_ends:
            fields = references.fields_of(file.of)
            self._changes.update(
                file.kind, self._ids[file.path], content=self._content(file, fields)
            )
            self._settle(step, file)
        for one, identity in self._plan.marks:
            self._mark(one, identity)

    def _check(self, step: Step) -> None:
        if step.asset is None:
            return
        try:
            now = self._changes.get(step.kind, step.asset.id)
        except NotFound:
            now = None
        if now is None or now.revision != step.asset.revision:
            raise PreconditionFailed(
                f"{step.path} was changed since the plan was made; nothing was applied."
                " Look at a new plan"
            )

    def _give_way(self, step: Step) -> None:
        """Give an asset a name that is in nobody's way, until its turn comes."""
        one = self._get(step)
        allowed = one.of.operations["update"].from_states if "update" in one.of.operations else ()
        if "rename" not in one.of.operations and allowed and one.state not in allowed:
            one = self._go(one, allowed[0])
        self._changes.update(one.kind, one.id, name=_out_of_the_way(one))

    def _get(self, step: Step) -> Asset:
        """The asset of a step as it is now."""
        return self._changes.get(step.kind, step.asset.id if step.asset else "")

    def _bring(self, step: Step, file: AssetFile) -> bool:
        """Make or change an asset; whether all that it names is there already."""
        whole = all(link.id in self._ids for link in references.paths_in(file.of, file.content))
        one = self._change(step, file) if step.asset else self._create(file)
        if step.asset is None or step.adopts:
            self._mark(one, file.identity)
        return whole

    def _create(self, file: AssetFile) -> Asset:
        home = self._ids[file.home] if file.home else None
        inside = file.of.place == "parent"
        made = self._changes.create(
            file.kind,
            file.name,
            folder_id=None if inside else home,
            parent_id=home if inside else None,
            content=self._content(file, (*file.content, *file.secrets)),
        )
        self._ids[file.path] = made.asset.id
        if made.token:
            self.tokens[file.path] = made.token
        return made.asset

    def _change(self, step: Step, file: AssetFile) -> Asset:
        one, wanted = self._get(step), step.difference
        if wanted.rests and one.state == (step.asset and step.asset.state):
            one = self._go(one, one.of.operations["update"].from_states[0])
        name = file.name if file.name != one.name else None
        if name is not None and "rename" in one.of.operations:
            one, name = self._rename_and_move(file, one, name, moved=wanted.moved), None
        elif wanted.moved:
            one = self._move(file, one)
        if name is not None or wanted.fields:
            content = self._content(file, wanted.fields)
            one = self._changes.update(file.kind, one.id, name=name, content=content)
        return one

    def _rename_and_move(self, file: AssetFile, one: Asset, name: str, *, moved: bool) -> Asset:
        """To another name and place. That place is free; where the asset is the name may be taken
        still, and where it goes its old one."""
        if not moved:
            return self._changes.rename(file.kind, one.id, name)
        if not self._taken(file, one, one.folder_id, name):
            return self._move(file, self._changes.rename(file.kind, one.id, name))
        home = self._ids[file.home] if file.home else None
        if self._taken(file, one, home, one.name):
            one = self._changes.rename(file.kind, one.id, _out_of_the_way(one))
        return self._changes.rename(file.kind, self._move(file, one).id, name)

    def _taken(self, file: AssetFile, one: Asset, folder: str | None, name: str) -> bool:
        """Whether another asset has this name in a folder now."""
        if folder == one.folder_id and name_key(name) == name_key(one.name):
            return False
        rows = self._changes.rows
        return rows.is_taken(file.kind, rows.place_key("folder", folder), name)

    def _move(self, file: AssetFile, one: Asset) -> Asset:
        return self._changes.move(file.kind, one.id, self._ids[file.home] if file.home else None)

    def _settle(self, step: Step, file: AssetFile) -> None:
        """Bring scope and state to what they are to be at the end."""
        id = self._ids[file.path]
        if step.difference.public is not None:
            self._changes.set_access_scope(file.kind, id, step.difference.public)
        if step.difference.state is not None:
            self._go(self._changes.get(file.kind, id), step.difference.state)

    def _delete(self, step: Step) -> None:
        one = self._get(step)
        allowed = one.of.operations["delete"].from_states
        if allowed and one.state not in allowed:
            self._go(one, allowed[0])
        self._changes.delete(one.kind, one.id)
        marks.drop(self._changes.connection, self._changes.by.workspace, one.key)

    def _go(self, one: Asset, state: str) -> Asset:
        operation = way(one.of, one.state, state)
        if operation is None:
            raise Conflict(f"No operation makes {one.name!r} {state}: it is {one.state}")
        return self._changes.transition(one.kind, one.id, operation.name, reason=REASON)

    def _content(self, file: AssetFile, fields: tuple[str, ...]) -> dict[str, Any]:
        """These fields as the registry takes them, without the assets that are not there yet."""
        given = {name: file.content[name] for name in fields if name in file.content}
        there = references.only(file.of, given, self._ids)
        found = references.with_ids(file.of, there, self._ids.get)
        for name in fields:
            if name in file.secrets:
                secret = file.secrets[name]
                found[name] = secrets.resolved(file.of, name, secret, self._environ)
        return found

    def _mark(self, one: Asset, identity: str) -> None:
        marks.put(self._changes.connection, self._changes.by.workspace, one.key, identity)


def _out_of_the_way(one: Asset) -> str:
    """A name that nothing else has."""
    return f"{one.name[:NAME_SHORT]} ~{one.id}"


def _needed(order: Order) -> Iterator[tuple[str, str]]:
    """The operations that the steps are made of, by kind."""
    for step in order.steps:
        operations = KINDS[step.kind].operations
        for verb in step.verbs:
            if verb != "adopt" and (verb != "update" or step.difference.fields):
                yield step.kind, verb if verb in operations else "update"
        if step.difference.public is not None:
            yield step.kind, "set-access-scope"
        if step.difference.state is not None or step.difference.rests:
            for operation in operations.values():
                if operation.to_state and operation.from_states:
                    yield step.kind, operation.name
    for step in order.gives_way:
        yield step.kind, "rename" if "rename" in KINDS[step.kind].operations else "update"


def _summary(by: By, plan: Plan, workspace: Target, commit: str | None) -> Any:
    verbs = [set(step.verbs) for step in plan.steps]
    details: dict[str, Any] = {
        "created": sum("create" in one for one in verbs),
        "updated": sum(bool(one & {"update", "rename", "move"}) for one in verbs),
        "deleted": sum("delete" in one for one in verbs),
        "adopted": sum("adopt" in one for one in verbs),
    }
    return by.activity(
        SYNCED, workspace, details={"commit": commit, **details} if commit else details
    )
