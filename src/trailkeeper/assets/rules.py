"""What must hold whatever is done: places that are there, trees that are trees, names that lead to
something. Everything is looked up in the transaction that is open."""

from __future__ import annotations

from typing import Any

from trailkeeper.assets.asset import Asset
from trailkeeper.assets.content import Content
from trailkeeper.assets.kind import Kind, Operation
from trailkeeper.assets.kinds import KINDS
from trailkeeper.assets.reads import Reads
from trailkeeper.errors import Conflict, FieldError, InvalidInput, NotFound

FOLDER_DEPTH_MAX = 20
COPIES_MAX = 1_000


class Rules:
    """Asked before something is changed. Each question raises what is wrong."""

    def __init__(self, rows: Reads) -> None:
        self._rows = rows

    def place(
        self, kind: Kind, folder_id: str | None, parent_id: str | None
    ) -> dict[str, int | None]:
        """The columns of a place that is there. Raises InvalidInput for one that is not, Conflict
        for one too deep."""
        folder = parent = None
        if kind.place == "folder":
            folder = self._key("folder", folder_id, "/folder_id")
            if kind.name == "folder" and folder is not None:
                _check_depth(len(self._rows.path(folder_id)) + 1)
        elif kind.parent_kind:
            if parent_id is None:
                detail = f"is missing: each {kind.noun} belongs to one"
                raise InvalidInput(f"/parent_id {detail}", FieldError(detail, "/parent_id"))
            parent = self._key(kind.parent_kind, parent_id, "/parent_id")
        return {"folder": folder, "parent": parent}

    def tree(self, folder: Asset, into: str | None) -> None:
        """A folder neither comes into itself nor too deep. Raises Conflict."""
        path = self._rows.path(into)
        if folder.key in [one.key for one in path]:
            raise Conflict(
                f"{named(folder)} cannot be moved into itself",
                FieldError("is in the folder that is moved", "/folder_id"),
            )
        depths = {folder.id: 1}
        for one in reversed(self._rows.contents(folder.key)):
            if one.kind == "folder" and one.folder_id in depths:
                depths[one.id] = depths[one.folder_id] + 1
        _check_depth(len(path) + max(depths.values()))

    def references(self, kind: Kind, new: Content, old: Content | None) -> None:
        """What is named now and was not before is there. Raises InvalidInput."""
        for reference in kind.references:
            before = _ids(old, reference.field) if old else []
            for id in _ids(new, reference.field):
                if id not in before and not self._is_live(reference.kind, id):
                    detail = f"names no {KINDS[reference.kind].noun} of this workspace"
                    pointer = f"/{reference.field}"
                    raise InvalidInput(f"{pointer} {detail}", FieldError(detail, pointer))

    def held(self, one: Asset, state: str | None) -> None:
        """What an asset needs in a state is there. Raises Conflict."""
        for reference in one.of.references:
            if reference.holds_in(state):
                for id in _ids(one.content, reference.field):
                    if not self._is_live(reference.kind, id):
                        noun = KINDS[reference.kind].noun
                        raise Conflict(f"{named(one)} needs the {noun} {id}, which is deleted")

    def free_name(self, original: Asset, place: int | None) -> str:
        """A name for a copy. Raises Conflict after COPIES_MAX."""
        for number in range(1, COPIES_MAX):
            ending = " (copy)" if number == 1 else f" (copy {number})"
            name = original.name[: 200 - len(ending)] + ending
            if not self._rows.is_taken(original.kind, place, name):
                return name
        raise Conflict(f"There are many copies of {named(original)} already; give a name")

    def _key(self, kind: str, id: str | None, pointer: str) -> int | None:
        try:
            return self._rows.place_key(kind, id)
        except NotFound as error:
            detail = f"is no {KINDS[kind].noun} of this workspace"
            raise InvalidInput(error.detail, FieldError(detail, pointer)) from None

    def _is_live(self, kind: str, id: str) -> bool:
        found = self._rows.find(id)
        return found is not None and found.kind == kind and found.deleted_at is None


def operation_of(kind: Kind, name: str) -> Operation:
    """An operation of a kind. Raises NotFound for one that it has not."""
    if name not in kind.operations:
        raise NotFound(f"`{name}` is not an operation of a {kind.noun}")
    return kind.operations[name]


def legal(one: Asset, name: str) -> Operation:
    """An operation that the asset's state allows. Raises NotFound, Conflict."""
    operation = operation_of(one.of, name)
    if operation.from_states and one.state not in operation.from_states:
        raise Conflict(
            f"{named(one)} is {one.state}; to {operation.label.lower()} it, it must be"
            f" {' or '.join(operation.from_states)}"
        )
    return operation


def named(one: Asset) -> str:
    """An asset in a sentence, at its start."""
    return f"{one.of.label} {one.name!r}"


def _check_depth(depth: int) -> None:
    if depth > FOLDER_DEPTH_MAX:
        raise Conflict(
            f"Folders are nested at most {FOLDER_DEPTH_MAX} deep",
            FieldError("is too deep", "/folder_id"),
        )


def _ids(content: Any, field: str) -> list[str]:
    value: list[str] | str | None = getattr(content, field)
    return value if isinstance(value, list) else [value] if value else []
