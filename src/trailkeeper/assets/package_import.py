"""What an import would do, and doing it: a package's assets into a new folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from msgspec import Struct
from sqlalchemy import Connection, select

from trailkeeper.assets.asset import HOME_NAME, Asset
from trailkeeper.assets.changes import Changes
from trailkeeper.assets.findings import FINDINGS_MAX
from trailkeeper.assets.kinds import KINDS
from trailkeeper.assets.links import Link, link_fields, relinked
from trailkeeper.assets.package_check import folder_of, place_of
from trailkeeper.assets.package_format import Item, JsonObject, Package
from trailkeeper.assets.reads import Reads, name_key
from trailkeeper.assets.rules import FOLDER_DEPTH_MAX
from trailkeeper.errors import Conflict, FieldError, InvalidInput, NotFound
from trailkeeper.ledger.schema import asset

Progress = Callable[[int, int], None]


class Into(Struct, frozen=True):
    """Where an import goes: into a new folder of this name, in a folder or at the root."""

    folder_name: str
    parent_id: str | None


class Missing(Struct, frozen=True):
    """What the package's assets name, and neither the package nor the workspace has (or the
    workspace has twice). The links to it are left out."""

    kind: str
    name: str
    used_by: list[str]


class SecretToSet(Struct, frozen=True):
    """A secret that no package holds: it is to be set after the import."""

    kind: str
    name: str
    field: str


def conflicts(rows: Reads, package: Package, into: Into) -> list[FieldError]:
    """What stands in the way of an import. Raises InvalidInput for a folder that is not there."""
    try:
        parent = rows.place_key("folder", into.parent_id)
    except NotFound as error:
        detail = FieldError("is no folder of this workspace", "/folder_id")
        raise InvalidInput(error.detail, detail) from None
    return list(_conflicts(rows, package, into, parent))


def _conflicts(
    rows: Reads, package: Package, into: Into, parent: int | None
) -> Iterator[FieldError]:
    if rows.is_taken("folder", parent, into.folder_name):
        yield FieldError(f"The folder {into.folder_name!r} is there already", "/folder_name")
    deepest = max((len(place_of(item)) + 1 for item in folders_of(package)), default=0)
    if len(rows.path(into.parent_id)) + 1 + deepest > FOLDER_DEPTH_MAX:
        yield FieldError(f"Folders would be nested more than {FOLDER_DEPTH_MAX} deep", "/folder_id")
    for item in package.items:
        kind = KINDS[item.listed.kind]
        if kind.place == "nowhere" and rows.is_taken(kind.name, None, item.listed.name):
            what = f"The workspace has the {kind.noun} {item.listed.name!r} already"
            yield FieldError(what, f"/{item.listed.path}")


def refuse(found: list[FieldError]) -> None:
    """Raises Conflict for what stands in the way."""
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise Conflict(
            f"This package cannot be imported here: {found[0].detail}{more}", *found[:FINDINGS_MAX]
        )


def found_outside(connection: Connection, workspace: int, package: Package) -> dict[str, str]:
    """The ids that the workspace has for what the package names outside itself: of the one asset
    of that kind and name."""
    ids: dict[str, str] = {}
    for outside in package.outside:
        there = connection.execute(
            select(asset.c.id)
            .where(
                asset.c.workspace == workspace,
                asset.c.kind == outside.kind,
                asset.c.name_key == name_key(outside.name),
                asset.c.deleted_at.is_(None),
            )
            .limit(2)
        ).all()
        if len(there) == 1:
            ids[outside.key] = there[0].id
    return ids


def missing(package: Package, there: dict[str, str]) -> list[Missing]:
    """What is named and is nowhere."""
    return [
        Missing(
            outside.kind,
            outside.name,
            [item.listed.name for item in package.items if outside.key in item.listed.references],
        )
        for outside in package.outside
        if outside.key not in there
    ]


def secrets_to_set(package: Package) -> list[SecretToSet]:
    """The secrets that were set where the package comes from."""
    return [
        SecretToSet(item.listed.kind, item.listed.name, field)
        for item in package.items
        for field in item.listed.secrets
    ]


def folders_of(package: Package) -> list[Item]:
    """The package's folders, what lies deepest last."""
    folders = [item for item in package.items if item.listed.kind == "folder"]
    return sorted(folders, key=lambda item: len(item.listed.folder))


def counts(package: Package) -> dict[str, int]:
    """How many assets of each kind there are."""
    return dict(Counter(item.listed.kind for item in package.items))


class Importing:
    """An import in an open transaction."""

    def __init__(self, changes: Changes, package: Package, outside: dict[str, str]) -> None:
        self._changes = changes
        self._package = package
        self._outside = outside
        self._paths = {item.listed.path for item in package.items}
        self._ids: dict[str, str] = {}
        self._folders: dict[tuple[str, ...], str] = {}
        self._late: list[Item] = []

    def run(self, into: Into, progress: Progress) -> Asset:
        """Make the folder and all assets in it; returns the folder. Raises Conflict, InvalidInput:
        then the transaction is to be given up."""
        refuse(conflicts(self._changes.rows, self._package, into))
        total = len(self._package.items)
        made = self._changes.create("folder", into.folder_name, folder_id=into.parent_id).asset
        self._folders[()] = made.id
        for done, item in enumerate(in_order(self._package), 1):
            self._create(item)
            progress(done, total)
        for item in self._late:
            self._complete(item)
        return made

    def path(self, folder: Asset) -> str:
        """A folder's path as records have it."""
        return "/".join([HOME_NAME, *(one.name for one in self._changes.rows.path(folder.id))])

    def _create(self, item: Item) -> None:
        listed, kind = item.listed, KINDS[item.listed.kind]
        in_folder = kind.place == "folder"
        if any(key in self._paths and key not in self._ids for key in listed.references):
            self._late.append(item)
        made = self._changes.create(
            kind.name,
            listed.name,
            folder_id=self._folders[place_of(item)] if in_folder else None,
            parent_id=self._ids[listed.parent] if listed.parent else None,
            content=self._content(item),
        ).asset
        self._ids[listed.path] = made.id
        if kind.name == "folder":
            self._folders[folder_of(item)] = made.id

    def _content(self, item: Item) -> JsonObject:
        return relinked(KINDS[item.listed.kind], item.content, self._id)

    def _id(self, link: Link) -> str | None:
        return self._ids.get(link.id) or self._outside.get(link.id)

    def _complete(self, item: Item) -> None:
        """Set the links to assets that were made after this one: where they name each other in a
        circle, its first version could not have them."""
        kind = KINDS[item.listed.kind]
        content = self._content(item)
        fields = {name: content[name] for name in link_fields(kind) if name in content}
        self._changes.update(kind.name, self._ids[item.listed.path], content=fields)


def in_order(package: Package) -> list[Item]:
    """The package's assets: folders first, then each after what it names or belongs to, but where
    they name each other in a circle."""
    folders = folders_of(package)
    rest = {item.listed.path: item for item in package.items if item.listed.kind != "folder"}
    needs = {path: sorted(_needs(item) & rest.keys()) for path, item in rest.items()}
    ordered: list[Item] = []
    seen: set[str] = set()
    for start in rest:
        if start in seen:
            continue
        seen.add(start)
        way = [(start, iter(needs[start]))]
        while way:
            path, left = way[-1]
            following = next((one for one in left if one not in seen), None)
            if following is None:
                ordered.append(rest[path])
                way.pop()
            else:
                seen.add(following)
                way.append((following, iter(needs[following])))
    return folders + ordered


def _needs(item: Item) -> set[str]:
    return {*item.listed.references, *filter(None, [item.listed.parent])}
