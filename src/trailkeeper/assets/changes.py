"""What is done to assets inside one transaction of the writer.

Each verb changes the state and notes an activity; `record` appends them all at the end. Everything
that is read here is the newest state. Permissions are not checked here: registry.py does that.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from trailkeeper.activity import Change, Target, now_us
from trailkeeper.assets.asset import HOME, Asset, Created
from trailkeeper.assets.content import Content
from trailkeeper.assets.kinds import KINDS
from trailkeeper.assets.records import plain
from trailkeeper.assets.rows import encoded
from trailkeeper.assets.rules import legal, named, operation_of
from trailkeeper.assets.values import checked_content, checked_name
from trailkeeper.assets.work import Work, new_token
from trailkeeper.errors import Conflict, FieldError, InvalidInput, NotFound

DELETED_MAX = 10_000
"""Assets deleted in one transaction, for which everyone else waits."""

UNDELETE_DAYS = 30
DAY_US = 86_400_000_000
REASON_MAX = 1_000


class Changes(Work):
    """The operations on assets, in an open transaction, for one actor."""

    # --- Making

    def create(
        self,
        kind: str,
        name: str,
        *,
        folder_id: str | None = None,
        parent_id: str | None = None,
        content: dict[str, Any] | Content | None = None,
        operation: str = "create",
        details: dict[str, Any] | None = None,
        targets: tuple[Target, ...] = (),
    ) -> Created:
        """A new asset. Its record has these further details and targets. Raises InvalidInput,
        Conflict."""
        row = KINDS[kind]
        does = operation_of(row, operation)
        values = plain(content) if isinstance(content, Content) else content or {}
        made = checked_content(row, values, self._checked)
        self._rules.references(row, made, None)
        place = self._rules.place(row, folder_id, parent_id)
        return self._make(row, name, place, made, does, details or {}, targets)

    def copy(
        self,
        kind: str,
        id: str,
        *,
        name: str | None = None,
        folder_id: str | UnsetType | None = UNSET,
        revision: int | None = None,
    ) -> Asset:
        """A copy of an asset, in its initial state, where it is or in another folder. Without a
        name it gets one that is free there. Raises NotFound, InvalidInput, Conflict,
        PreconditionFailed."""
        original = self._opened(kind, id, revision)
        does = legal(original, "copy")
        folder = original.folder_id if isinstance(folder_id, UnsetType) else folder_id
        place = self._rules.place(original.of, folder, None)
        name = self._rules.free_name(original, place["folder"]) if name is None else name
        details = {"parent_id": original.id, "source_name": original.name}
        return self._make(
            original.of, name, place, original.content, does, details, (original.target,)
        ).asset

    # --- Name, content, place

    def update(
        self,
        kind: str,
        id: str,
        *,
        name: str | None = None,
        content: dict[str, Any] | None = None,
        revision: int | None = None,
    ) -> Asset:
        """Other content, of which each field that is given replaces the old one, or another name.
        Nothing is recorded where nothing changes. Raises NotFound, InvalidInput, Conflict,
        PreconditionFailed."""
        old = self._opened(kind, id, revision)
        if name is not None and "rename" in old.of.operations:
            old, name = self.rename(kind, id, name), None
        if name is None and not content:
            return old
        if "update" not in old.of.operations:
            detail = f"cannot be changed once the {old.of.noun} is there"
            pointer = f"/{next(iter(content or ()), 'name')}"
            raise InvalidInput(f"{pointer} {detail}", FieldError(detail, pointer))
        return self._renew(old, name, content or {}, {})

    def restore(self, kind: str, id: str, version: int, *, revision: int | None = None) -> Asset:
        """Name and content of an earlier version, as a new one. Secrets stay as they are. Raises
        NotFound, Conflict, PreconditionFailed."""
        old = self._opened(kind, id, revision)
        legal(old, "restore")
        there = self.rows.version(old, version)
        kept = (*old.of.managed, *old.of.secrets_in(there.content))
        content = {name: value for name, value in plain(there.content).items() if name not in kept}
        try:
            return self._renew(old, there.name, content, {"restored_version": version})
        except InvalidInput as error:
            raise Conflict(f"Version {version} does not fit any more: {error.detail}") from error

    def rename(self, kind: str, id: str, name: str, *, revision: int | None = None) -> Asset:
        """Another name. Raises NotFound, InvalidInput, Conflict, PreconditionFailed."""
        old = self._opened(kind, id, revision)
        does = legal(old, "rename")
        name = checked_name(name)
        if name == old.name:
            return old
        new = self._new_version(old, name=name)
        self._note(
            new,
            does,
            {"previous_name": old.name, "version": new.version},
            [Change(field="/name", old=old.name, new=name)],
        )
        return new

    def move(
        self, kind: str, id: str, folder_id: str | None, *, revision: int | None = None
    ) -> Asset:
        """Into another folder, None for the root. Raises NotFound, InvalidInput, Conflict,
        PreconditionFailed."""
        old = self._opened(kind, id, revision)
        does = legal(old, "move")
        folder_id = None if folder_id == HOME else folder_id
        if folder_id == old.folder_id:
            return old
        place = self._rules.place(old.of, folder_id, None)
        if kind == "folder":
            self._rules.tree(old, folder_id)
        left, previous_path = self._tellers.place(old), self._tellers.path(old)
        new = self._change(old, **place)
        came = self._tellers.place(new)
        details = {
            "path": self._tellers.path(new),
            "previous_path": previous_path,
            "folder_id": came.id,
            "previous_folder_id": left.id,
        }
        self._note(new, does, details, None, came.target, left.target)
        return new

    # --- State

    def transition(
        self,
        kind: str,
        id: str,
        operation: str,
        *,
        reason: str | None = None,
        revision: int | None = None,
    ) -> Asset:
        """To another state. Raises NotFound, PreconditionFailed, and Conflict where the state does
        not allow it."""
        old = self._opened(kind, id, revision)
        does = legal(old, operation)
        if does.to_state is None or not does.from_states:
            raise NotFound(f"`{operation}` does not take a {old.of.noun} to another state")
        self._rules.held(old, does.to_state)
        values: dict[str, Any] = {"state": does.to_state}
        details: dict[str, Any] = {}
        changes = [Change(field="/state", old=old.state, new=does.to_state)]
        if does.stamps:
            before = getattr(old.content, does.stamps)
            values["content"] = encoded(replace(old.content, **{does.stamps: old.version}))
            details["version"] = old.version
            changes.append(Change(field=f"/{does.stamps}", old=before, new=old.version))
        if reason and does.reason:
            details[does.reason] = reason.strip()[:REASON_MAX]
        new = self._change(old, **values)
        self._note(new, does, details, changes)
        return new

    def set_access_scope(
        self, kind: str, id: str, public: bool, *, revision: int | None = None
    ) -> Asset:
        """Whether others may see it. Raises NotFound, PreconditionFailed."""
        old = self._opened(kind, id, revision)
        does = legal(old, "set-access-scope")
        if old.public == public:
            return old
        new = self._change(old, public=public)
        changes = [Change(field="/public", old=old.public, new=public)]
        self._note(new, does, {"public": public}, changes)
        return new

    def refresh_token(self, kind: str, id: str, *, revision: int | None = None) -> Created:
        """A new token; the old one is refused at once. Raises NotFound, PreconditionFailed."""
        old = self._opened(kind, id, revision)
        does = legal(old, "refresh-token")
        token, kept = new_token(old.of)
        new = self._change(old, secrets={**self.rows.secrets(old), **kept})
        self._note(new, does)
        return Created(new, token)

    # --- Deleting

    def delete(
        self, kind: str, id: str, *, recursive: bool = False, revision: int | None = None
    ) -> list[Asset]:
        """Delete an asset, and with it what lives in it, each recorded by itself, what lies
        deepest first; a folder only if it is empty or that is asked for. Returns what is deleted.
        Raises NotFound, PreconditionFailed, and Conflict where something is in use."""
        old = self._opened(kind, id, revision)
        inside = self.rows.contents(old.key)
        if inside and not recursive and not old.of.takes_contents:
            raise Conflict(f"{named(old)} is not empty: {len(inside):,} assets are in it")
        if len(inside) > DELETED_MAX:
            raise Conflict(f"At most {DELETED_MAX:,} assets are deleted at once; go by folders")
        gone = [*inside, old]
        for one in gone:
            legal(one, "delete")
        if holders := self.rows.holders(gone):
            names = ", ".join(named(one) for one in holders[:10])
            raise Conflict(f"{named(old)} is in use by {names}")
        at = now_us()
        for one in gone:
            self._note(one, legal(one, "delete"), self._tellers.where(one))
            self.rows.update(one, deleted_at=at, updated_at=at)
        self._count(-len(gone))
        self._tellers.forget()
        return gone

    def undelete(self, kind: str, id: str, *, revision: int | None = None) -> Asset:
        """Bring a deleted asset back where it was, or to the root if its folder is gone. Raises
        NotFound, PreconditionFailed, and Conflict for what is not deleted, was for too long, lacks
        what it needs or has its name taken."""
        old = self._opened(kind, id, revision, deleted=True)
        does = operation_of(old.of, "undelete")
        if old.deleted_at is None:
            raise Conflict(f"{named(old)} is not deleted")
        if now_us() - old.deleted_at > UNDELETE_DAYS * DAY_US:
            raise Conflict(f"{named(old)} was deleted more than {UNDELETE_DAYS} days ago")
        self._rules.held(old, old.state)
        self._count(1)
        try:
            place = self._rules.place(old.of, old.folder_id, old.parent_id)
        except InvalidInput as error:
            if old.of.place == "parent":
                raise Conflict(f"{named(old)} belongs to what is deleted, too") from error
            place = {"folder": None, "parent": None}
        new = self._change(old, deleted_at=None, **place)
        details = {"kind": kind, "state": new.state, **self._tellers.where(new)}
        self._note(new, does, details)
        return new
