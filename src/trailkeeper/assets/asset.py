"""An asset as the registry gives it, and what else it answers with."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from trailkeeper.activity import Target
from trailkeeper.assets.kinds import KINDS, Kind

HOME = "home"
"""The id of the root folder, in the log and wherever a place is to be named."""

HOME_NAME = "Home"

ALL: Literal["all"] = "all"
"""For listings: whatever the folder is."""


class Asset(Struct, frozen=True, kw_only=True):
    """An asset at one time.

    `content` is the kind's struct, without secrets; `secrets` names those that are set. `version`
    counts the changes of name and content, `revision` all changes. Without a `folder_id` an asset
    of a kind that lives in folders is at the root. Times are microseconds. `key` is the database's.
    """

    key: int
    kind: str
    id: str
    name: str
    state: str | None
    version: int
    revision: int
    folder_id: str | None
    parent_id: str | None
    public: bool
    content: Any
    secrets: list[str]
    created_at: int
    created_by: str | None
    updated_at: int
    deleted_at: int | None

    @property
    def of(self) -> Kind:
        return KINDS[self.kind]

    @property
    def etag(self) -> str:
        return f'"{self.revision}"'

    @property
    def target(self) -> Target:
        return Target(type=self.kind, id=self.id, name=self.name)


class AssetPage(Struct, frozen=True):
    """Assets in order, and what to give as `after` for those that follow; None at the end."""

    assets: list[Asset]
    next: int | None


class Folder(Struct, frozen=True):
    """A folder for a tree; `count` is how many assets are in it itself, folders not counted."""

    id: str
    name: str
    parent_id: str | None
    count: int


class Version(Struct, frozen=True, kw_only=True):
    """A version of an asset; in listings without its content."""

    version: int
    name: str
    created_at: int
    author_id: str | None
    author_name: str | None
    content: Any = None


class Created(Struct, frozen=True):
    """An asset, and the token that it got, which is shown this once."""

    asset: Asset
    token: str | None
