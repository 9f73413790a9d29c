"""What the log is told of an asset: the details of each record, made from the kind's row.

Together the records of an asset suffice to rebuild it, but for its secrets (see replay.py).
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from trailkeeper.activity import Change, Target
from trailkeeper.assets.asset import HOME, HOME_NAME, Asset
from trailkeeper.assets.content import Content
from trailkeeper.assets.diff import diff
from trailkeeper.assets.reads import Reads
from trailkeeper.redaction import REDACTED

TOLD_MAX_BYTES = 48 * 1024
"""Longer content may be cut in the log; then its SHA-256 stands beside it, which shows that the
version that is kept is the one meant."""


class Place(Struct, frozen=True):
    """Where assets are: a folder and its path, or a parent and its name. The root has no id."""

    id: str | None
    text: str
    target: Target


HOME_PLACE = Place(None, HOME_NAME, Target(type="folder", id=HOME, name=HOME_NAME))


class Tellers:
    """Tells of assets in the registry's present state."""

    def __init__(self, rows: Reads) -> None:
        self._rows = rows
        self._places: dict[tuple[str | None, str | None], Place] = {}

    def forget(self) -> None:
        """Folders or parents have changed."""
        self._places.clear()

    def place(self, one: Asset) -> Place:
        """Where an asset is; the root for kinds that are nowhere in particular."""
        key = (one.folder_id, one.parent_id)
        if key not in self._places:
            self._places[key] = self._look_up(one)
        return self._places[key]

    def path(self, one: Asset) -> str:
        """Where an asset is, for people: a folder's own path, else that of the folder."""
        text = self.place(one).text
        return f"{text}/{one.name}" if one.kind == "folder" else text

    def every(self, one: Asset) -> dict[str, Any]:
        """What stands in every record of an asset."""
        told = {name: getattr(one.content, name) for name in one.of.told}
        if one.of.parent_detail:
            told[one.of.parent_detail] = self.place(one).text
        if one.kind == "folder":
            told["path"] = self.path(one)
        return {name: value for name, value in told.items() if value != ""}

    def where(self, one: Asset) -> dict[str, Any]:
        """Where an asset is, for programs."""
        match one.of.place:
            case "folder":
                place = self.place(one)
                return {"folder_id": place.id, "folder": place.text}
            case "parent":
                return {"parent_id": one.parent_id}
            case "nowhere":
                return {}

    def whole(self, one: Asset) -> dict[str, Any]:
        """All that is to be known of an asset that is new."""
        content = differing(one.content) or None
        return {
            "state": one.state,
            "content": content,
            **self.where(one),
            **hash_of_long(content, one),
        }

    def _look_up(self, one: Asset) -> Place:
        if one.of.parent_kind and one.parent_id:
            parent = self._rows.get(one.of.parent_kind, one.parent_id, deleted=True)
            return Place(parent.id, parent.name, parent.target)
        path = self._rows.path(one.folder_id)
        if not path:
            return HOME_PLACE
        text = "/".join([HOME_NAME, *(folder.name for folder in path)])
        return Place(one.folder_id, text, path[-1].target)


def plain(content: Content) -> dict[str, Any]:
    """Content as JSON has it, every field of it."""
    return msgspec.to_builtins(content)


def differing(content: Content) -> dict[str, Any]:
    """The fields of the content that are not as they are by default."""
    default = plain(type(content)())
    return {name: value for name, value in plain(content).items() if value != default[name]}


def changes_of(old: Asset, new: Asset, were: dict[str, Any], are: dict[str, Any]) -> list[Change]:
    """What changed of name and content. Of secrets, which were and are these, only that they
    did."""
    before = {"name": old.name, **plain(old.content)}
    after = {"name": new.name, **plain(new.content)}
    told: list[Change] = []
    for name in {**were, **are}:
        open_before, open_after = before.pop(name), after.pop(name)
        if were.get(name) != are.get(name):
            told.append(
                Change(
                    field=f"/{name}",
                    old=REDACTED if name in were else open_before or UNSET,
                    new=REDACTED if name in are else open_after or UNSET,
                )
            )
    return diff(before, after) + told


def hash_of_long(told: Any, one: Asset) -> dict[str, str]:
    """The SHA-256 of an asset's content where what is told of it is long."""
    if len(msgspec.json.encode(told)) <= TOLD_MAX_BYTES:
        return {}
    return {"content_sha256": hashlib.sha256(msgspec.json.encode(one.content)).hexdigest()}
