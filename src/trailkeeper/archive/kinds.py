"""The kinds of place an archive may be in: a folder, and the object stores that streams know."""

from __future__ import annotations

from typing import Any, cast

from trailkeeper.archive import folder
from trailkeeper.archive.folder import Folder, FolderSettings
from trailkeeper.archive.place import Place, StorePlace
from trailkeeper.errors import FieldError, InvalidInput
from trailkeeper.streaming.destination import Kind, Opening
from trailkeeper.streaming.destinations import DESTINATIONS
from trailkeeper.streaming.guard import Guard
from trailkeeper.streaming.object_store import ObjectStore

KINDS: dict[str, Kind] = {
    **{kind.name: kind for kind in DESTINATIONS.values() if kind.is_object_store},
    folder.KIND.name: folder.KIND,
}
"""In the order to offer them."""


def offered(guard: Guard) -> list[Kind]:
    """Those that may be set up in this installation."""
    return [kind for kind in KINDS.values() if kind.is_offered(guard)]


def kind_of(name: str) -> Kind:
    """Raises InvalidInput."""
    if name not in KINDS:
        detail = f"must be one of {', '.join(KINDS)}"
        raise InvalidInput(f"The destination {detail}", FieldError(detail, "/destination"))
    return KINDS[name]


def opened(kind: Kind, settings: Any, guard: Guard, archive_id: str, workspace_id: str) -> Place:
    """Raises InvalidInput."""
    opening = Opening(guard, archive_id, workspace_id)
    if isinstance(settings, FolderSettings):
        return Folder(settings, opening)
    return StorePlace(cast("ObjectStore", kind.open(settings, opening)))
