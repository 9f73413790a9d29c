"""What a kind of asset is, and what can be done with one: the shape of the table in kinds.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from trailkeeper.assets.content import Content
from trailkeeper.catalogue import catalogue
from trailkeeper.errors import FieldError
from trailkeeper.identity.privileges import Privilege

Place = Literal["folder", "parent", "nowhere"]
Check = Callable[[Any], Iterable[FieldError]]

UNDELETED = "asset.undeleted"


class Operation(Struct, frozen=True, kw_only=True):
    """Something that can be done with an asset: which action that records, and who may.

    Without `from_states` it can be done in any state. `stamps` is a field of the content that gets
    the asset's version, `reason` the detail that a given reason becomes; `details` are always told.
    """

    name: str
    action: str
    label: str
    privilege: Privilege
    from_states: tuple[str, ...] = ()
    to_state: str | None = None
    stamps: str | None = None
    reason: str | None = None
    details: dict[str, Any] = {}


class Reference(Struct, frozen=True, kw_only=True):
    """A field that holds the id of another asset, or a list of ids, each of which must be there
    when it is given. One that `holds` keeps what it names from being deleted, while the asset is
    in a state of `in_states`, if there are any."""

    field: str
    kind: str
    holds: bool = False
    in_states: tuple[str, ...] = ()

    def holds_in(self, state: str | None) -> bool:
        return self.holds and (not self.in_states or state in self.in_states)


class Kind(Struct, frozen=True, kw_only=True):
    """A kind of asset.

    `secret_fields` are sealed and stand neither in the content nor in the log; with `secret_if`
    only where that field is true. `managed` fields are set by operations, never by hand. `told`
    fields stand in the details of every record. With `token_prefix` an asset has a token, of which
    only the hash is kept. What lives in an asset is deleted with it where `takes_contents`.
    """

    name: str
    path: str
    label: str
    plural: str
    category: str
    content: type[Content]
    view: Privilege
    edit: Privilege
    operations: dict[str, Operation]
    place: Place = "nowhere"
    parent_kind: str | None = None
    parent_aliases: tuple[str, ...] = ()
    takes_contents: bool = False
    states: tuple[str, ...] = ()
    secret_fields: tuple[str, ...] = ()
    secret_if: str | None = None
    managed: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    check: Check | None = None
    token_prefix: str | None = None

    @property
    def icon(self) -> str:
        return catalogue().by_category[self.category].icon

    @property
    def noun(self) -> str:
        """Its label within a sentence."""
        first, space, rest = self.label.partition(" ")
        return f"{first if first.isupper() else first.lower()}{space}{rest}"

    @property
    def parent_detail(self) -> str | None:
        """The detail with the parent's name, as the catalogue calls it."""
        return self.parent_kind.removeprefix("api_") if self.parent_kind else None

    def secrets_in(self, content: Content) -> tuple[str, ...]:
        """Which fields of this content are secret."""
        is_secret = self.secret_if is None or getattr(content, self.secret_if)
        return self.secret_fields if is_secret else ()


_VERBS = {
    "create": ("created", "Create"),
    "update": ("updated", "Update"),
    "rename": ("renamed", "Rename"),
    "move": ("moved", "Move"),
    "copy": ("copied", "Copy"),
    "delete": ("deleted", "Delete"),
    "start": ("started", "Start"),
    "stop": ("stopped", "Stop"),
    "set-access-scope": ("access_scope_updated", "Set the access scope"),
    "connect": ("connected", "Connect"),
    "disconnect": ("disconnected", "Disconnect"),
    "release": ("released", "Release the latest version"),
    "activate": ("activated", "Activate"),
    "deactivate": ("deactivated", "Deactivate"),
    "refresh-token": ("token_refreshed", "Refresh the token"),
    "export": ("exported", "Export"),
    "import": ("imported", "Import"),
}
"""What each operation records, `<kind>.<this>`, and what it is called."""


def does(
    name: str,
    *,
    privilege: Privilege | None = None,
    action: str | None = None,
    change: tuple[str, str] | None = None,
    from_state: str | None = None,
    to_state: str | None = None,
    stamps: str | None = None,
    reason: str | None = None,
    **details: Any,
) -> Callable[[str, Privilege], Operation]:
    """An operation that is more than its name says; `change` is from one state to another."""
    start, end = change or (from_state, to_state)
    verb, label = _VERBS[name]

    def made(kind: str, edit: Privilege) -> Operation:
        return Operation(
            name=name,
            action=action or f"{kind}.{verb}",
            label=label,
            privilege=privilege or edit,
            from_states=(start,) if start else (),
            to_state=end,
            stamps=stamps,
            reason=reason,
            details=details,
        )

    return made


def operations(
    kind: str, edit: Privilege, *wanted: str | Callable[[str, Privilege], Operation]
) -> dict[str, Operation]:
    """What can be done with a kind. What can be deleted can be brought back, and what can be
    updated can be set back to an earlier version."""
    made = [(does(one) if isinstance(one, str) else one)(kind, edit) for one in wanted]
    by_name = {one.name: one for one in made}
    if "delete" in by_name:
        by_name["undelete"] = Operation(
            name="undelete", action=UNDELETED, label="Undelete", privilege=edit
        )
    if update := by_name.get("update"):
        by_name["restore"] = replace(update, name="restore", label="Restore a version")
    return by_name
