"""The operations of `asset do`, and the options that each takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import UNSET, Struct

from trailkeeper.assets.asset import Asset, Created
from trailkeeper.assets.kind import Kind, Operation
from trailkeeper.assets.packages import Packages
from trailkeeper.assets.registry import Registry
from trailkeeper.cli.asset_input import folder_id
from trailkeeper.errors import InvalidInput
from trailkeeper.identity.acting import By
from trailkeeper.installation import InstallationError

OWN_COMMAND = ("create", "update", "delete", "import")


class Options(Struct, frozen=True, kw_only=True):
    """What was given on the command line."""

    reason: str | None = None
    name: str | None = None
    folder: str | None = None
    public: bool | None = None
    version: int | None = None
    output: Path | None = None

    @property
    def given(self) -> set[str]:
        fields = self.__struct_fields__
        return {field for field in fields if getattr(self, field) is not None}


class Doing(Struct, frozen=True, kw_only=True):
    """An operation that somebody wants done."""

    registry: Registry
    packages: Packages
    by: By
    kind: Kind
    id: str
    operation: Operation
    options: Options

    @property
    def folder_id(self) -> str | None:
        return folder_id(self.registry, self.by.workspace, self.options.folder)


class _Does(Struct, frozen=True):
    """How an operation is done, and which options it must and may have."""

    do: Callable[[Doing], Asset | Created]
    must: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()


def run(doing: Doing) -> Asset | Created:
    """Do it. Raises InvalidInput for options that do not go with it, and what the registry
    raises."""
    does = _DOES.get(doing.operation.name) or _of_state(doing.operation)
    for option in sorted(does.must - doing.options.given):
        raise InvalidInput(f"`{doing.operation.name}` needs --{option}")
    for option in sorted(doing.options.given - does.must - does.may):
        raise InvalidInput(f"`{doing.operation.name}` takes no --{option}")
    return does.do(doing)


def operation_named(kind: Kind, name: str) -> Operation:
    """The operation of a kind. Raises InvalidInput with those there are."""
    if name in OWN_COMMAND and name in kind.operations:
        raise InvalidInput(f"Use `trailkeeper asset {name}`")
    if name not in kind.operations:
        there = ", ".join(one for one in kind.operations if one not in OWN_COMMAND) or "none"
        raise InvalidInput(f"A {kind.noun} has no operation {name[:80]!r}; it has: {there}")
    return kind.operations[name]


def _transition(doing: Doing) -> Asset:
    return doing.registry.transition(
        doing.by, doing.kind.name, doing.id, doing.operation.name, reason=doing.options.reason
    )


def _of_state(operation: Operation) -> _Does:
    return _Does(_transition, may=frozenset({"reason"} if operation.reason else ()))


def _rename(doing: Doing) -> Asset:
    return doing.registry.rename(doing.by, doing.kind.name, doing.id, doing.options.name or "")


def _move(doing: Doing) -> Asset:
    return doing.registry.move(doing.by, doing.kind.name, doing.id, doing.folder_id)


def _copy(doing: Doing) -> Asset:
    where: Any = UNSET if doing.options.folder is None else doing.folder_id
    return doing.registry.copy(
        doing.by, doing.kind.name, doing.id, name=doing.options.name, folder_id=where
    )


def _scope(doing: Doing) -> Asset:
    public = bool(doing.options.public)
    return doing.registry.set_access_scope(doing.by, doing.kind.name, doing.id, public)


def _refresh(doing: Doing) -> Created:
    return doing.registry.refresh_token(doing.by, doing.kind.name, doing.id)


def _undelete(doing: Doing) -> Asset:
    return doing.registry.undelete(doing.by, doing.kind.name, doing.id)


def _restore(doing: Doing) -> Asset:
    version = doing.options.version or 0
    return doing.registry.restore(doing.by, doing.kind.name, doing.id, version)


def _export(doing: Doing) -> Asset:
    package = doing.packages.export(doing.by, doing.id)
    if doing.options.output is not None:
        _, raw = doing.packages.file(doing.by.workspace, package.id)
        try:
            doing.options.output.write_bytes(raw)
        except OSError as error:
            raise InstallationError(
                f"{doing.options.output} cannot be written: {error.strerror}"
            ) from None
    return package


_DOES: dict[str, _Does] = {
    "rename": _Does(_rename, must=frozenset({"name"})),
    "move": _Does(_move, must=frozenset({"folder"})),
    "copy": _Does(_copy, may=frozenset({"name", "folder"})),
    "set-access-scope": _Does(_scope, must=frozenset({"public"})),
    "refresh-token": _Does(_refresh),
    "undelete": _Does(_undelete),
    "restore": _Does(_restore, must=frozenset({"version"})),
    "export": _Does(_export, may=frozenset({"output"})),
}
"""All others lead to another state."""
