"""The bodies of the operations on assets, and what each does."""

from __future__ import annotations

from typing import Protocol

from msgspec import UNSET, Struct, UnsetType

from trailkeeper.assets.asset import Asset, Created
from trailkeeper.assets.kind import Operation
from trailkeeper.assets.registry import Registry
from trailkeeper.identity.acting import By


class On(Struct, frozen=True):
    """What is operated on, and by whom."""

    registry: Registry
    by: By
    kind: str
    id: str
    operation: str
    revision: int | None


class Asked(Protocol):
    """A body that was read."""

    def do(self, on: On) -> Asset | Created: ...


class _Body(Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Rename(_Body, frozen=True):
    name: str

    def do(self, on: On) -> Asset:
        return on.registry.rename(on.by, on.kind, on.id, self.name, revision=on.revision)


class Move(_Body, frozen=True):
    """null is the root."""

    folder_id: str | int | None

    def do(self, on: On) -> Asset:
        folder = as_id(self.folder_id)
        return on.registry.move(on.by, on.kind, on.id, folder, revision=on.revision)


class Copy(_Body, frozen=True):
    """Without a name it gets one that is free; without a folder it stays in the same."""

    name: str | None = None
    folder_id: str | int | UnsetType | None = UNSET

    def do(self, on: On) -> Asset:
        folder = UNSET if isinstance(self.folder_id, UnsetType) else as_id(self.folder_id)
        return on.registry.copy(
            on.by, on.kind, on.id, name=self.name, folder_id=folder, revision=on.revision
        )


class SetAccessScope(_Body, frozen=True):
    public: bool

    def do(self, on: On) -> Asset:
        return on.registry.set_access_scope(
            on.by, on.kind, on.id, self.public, revision=on.revision
        )


class RefreshToken(_Body, frozen=True):
    def do(self, on: On) -> Created:
        return on.registry.refresh_token(on.by, on.kind, on.id, revision=on.revision)


class Restore(_Body, frozen=True):
    version: int

    def do(self, on: On) -> Asset:
        return on.registry.restore(on.by, on.kind, on.id, self.version, revision=on.revision)


class Undelete(_Body, frozen=True):
    def do(self, on: On) -> Asset:
        return on.registry.undelete(on.by, on.kind, on.id, revision=on.revision)


class Transition(_Body, frozen=True):
    def do(self, on: On) -> Asset:
        return on.registry.transition(on.by, on.kind, on.id, on.operation, revision=on.revision)


class Stop(_Body, frozen=True):
    stop_reason: str | None = None

    def do(self, on: On) -> Asset:
        return on.registry.transition(
            on.by,
            on.kind,
            on.id,
            on.operation,
            reason=self.stop_reason,
            revision=on.revision,
        )


_BODIES: dict[str, type[Asked]] = {
    "rename": Rename,
    "move": Move,
    "copy": Copy,
    "set-access-scope": SetAccessScope,
    "refresh-token": RefreshToken,
    "restore": Restore,
    "undelete": Undelete,
}


def body_of(operation: Operation) -> type[Asked] | None:
    """What is sent with an operation on one asset; None for those that are done elsewhere."""
    if operation.name in _BODIES:
        return _BODIES[operation.name]
    if operation.name in ("create", "update", "delete") or operation.to_state is None:
        return None
    return Stop if operation.reason else Transition


def as_id(id: str | int | None) -> str | None:
    """An id as text; Workato's clients send numbers."""
    return str(id) if isinstance(id, int) else id
