"""Assets as the API shows them: one flat struct a kind, made from the table of kinds."""

from __future__ import annotations

from typing import Any, Literal, get_type_hints

from msgspec import UNSET, Struct, UnsetType, defstruct

from trailkeeper.activity import rfc3339
from trailkeeper.assets.asset import Asset, Created, Version
from trailkeeper.assets.kind import Kind
from trailkeeper.assets.kinds import KINDS


class AssetView(Struct, frozen=True, kw_only=True):
    """What assets of all kinds have; the fields of the kind's content stand beside these.

    `version` counts the changes of name and content, `revision` every change, and is the ETag.
    `secrets` names the secret fields that are set; their values are never shown. The token of an
    access profile is shown once, in the answer that made it.
    """

    id: str
    kind: str
    name: str
    state: str | None
    version: int
    revision: int
    public: bool
    secrets: list[str]
    created_at: str
    created_by: str | None
    updated_at: str
    deleted_at: str | UnsetType = UNSET
    folder_id: str | UnsetType | None = UNSET
    parent_id: str | UnsetType = UNSET
    token: str | UnsetType = UNSET


class VersionView(Struct, frozen=True, kw_only=True):
    """A version of an asset; with the fields of the content where one version was asked for."""

    version: int
    name: str
    created_at: str
    author_id: str | None
    author_name: str | None


class VersionList(Struct, frozen=True):
    """Newest first. `next_cursor` is null on the last page."""

    data: list[VersionView]
    next_cursor: str | None


def asset_view(one: Asset | Created) -> AssetView:
    """The view of an asset, with its token where it just got one."""
    asset, token = (one.asset, one.token) if isinstance(one, Created) else (one, None)
    kind = asset.of
    return VIEWS[kind.name](
        **_content(kind, asset.content),
        id=asset.id,
        kind=asset.kind,
        name=asset.name,
        state=asset.state,
        version=asset.version,
        revision=asset.revision,
        public=asset.public,
        secrets=asset.secrets,
        created_at=rfc3339(asset.created_at),
        created_by=asset.created_by,
        updated_at=rfc3339(asset.updated_at),
        **({"deleted_at": rfc3339(asset.deleted_at)} if asset.deleted_at else {}),
        **({"folder_id": asset.folder_id} if kind.place == "folder" else {}),
        **({"parent_id": asset.parent_id} if kind.place == "parent" else {}),
        **({"token": token} if token else {}),
    )


def version_view(one: Version, kind: Kind | None = None) -> VersionView:
    """The view of a version, with its content if its kind is given."""
    made = VERSION_VIEWS[kind.name] if kind else VersionView
    return made(
        **(_content(kind, one.content) if kind else {}),
        version=one.version,
        name=one.name,
        created_at=rfc3339(one.created_at),
        author_id=one.author_id,
        author_name=one.author_name,
    )


def _content(kind: Kind, content: Any) -> dict[str, Any]:
    """The fields of content but for the secret ones."""
    hidden = kind.secrets_in(content)
    names = (name for name in kind.content.__struct_fields__ if name not in hidden)
    return {name: getattr(content, name) for name in names}


def _fields(kind: Kind) -> dict[str, Any]:
    """The types of a kind's content, each field of which may be absent."""
    types = get_type_hints(kind.content, include_extras=True)
    return {name: types[name] for name in kind.content.__struct_fields__}


def _title(kind: Kind) -> str:
    return kind.name.title().replace("_", "")


def _view_of(kind: Kind, base: type[Any], ending: str, **more: Any) -> type[Any]:
    fields = [(name, type | UnsetType, UNSET) for name, type in {**_fields(kind), **more}.items()]
    return defstruct(
        f"{_title(kind)}{ending}",
        fields,
        bases=(base,),
        module=__name__,
        frozen=True,
        kw_only=True,
    )


def _state(kind: Kind) -> dict[str, Any]:
    return {"state": Literal[kind.states]} if kind.states else {}


def _page_of(kind: Kind) -> type[Any]:
    fields = [("data", list[VIEWS[kind.name]]), ("next_cursor", str | None)]
    return defstruct(f"{_title(kind)}List", fields, module=__name__, frozen=True)


def _input_of(kind: Kind, *, is_new: bool) -> type[Any]:
    place: dict[str, Any] = {}
    if kind.place == "folder":
        place = {"folder_id": str | int | None}
    if kind.place == "parent":
        place = {"parent_id": str | int}
    given = {name: type for name, type in _fields(kind).items() if name not in kind.managed}
    optional = {**(place if is_new else {"name": str}), **given}
    required = [("name", str)] if is_new else []
    return defstruct(
        f"{_title(kind)}{'Input' if is_new else 'Change'}",
        [*required, *((name, type | UnsetType, UNSET) for name, type in optional.items())],
        module=__name__,
        kw_only=True,
    )


VIEWS: dict[str, type[Any]] = {
    name: _view_of(kind, AssetView, "View", **_state(kind)) for name, kind in KINDS.items()
}
VERSION_VIEWS: dict[str, type[Any]] = {
    name: _view_of(kind, VersionView, "VersionView") for name, kind in KINDS.items()
}
PAGES: dict[str, type[Any]] = {name: _page_of(kind) for name, kind in KINDS.items()}
INPUTS = {name: _input_of(kind, is_new=True) for name, kind in KINDS.items()}
CHANGES = {name: _input_of(kind, is_new=False) for name, kind in KINDS.items()}
"""What is sent to make and to change an asset, for the description: the registry itself reads
it."""
