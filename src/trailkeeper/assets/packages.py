"""Packages: exports of a manifest's assets into a file, and imports of such files."""

from __future__ import annotations

import hashlib
import re
import threading
from typing import Any

from msgspec import Struct
from sqlalchemy import insert, select

from trailkeeper.activity import from_us, now_us
from trailkeeper.assets.asset import HOME_NAME, Asset
from trailkeeper.assets.changes import Changes
from trailkeeper.assets.kinds import KINDS
from trailkeeper.assets.package_check import check_package
from trailkeeper.assets.package_format import Package, read_package, write_package
from trailkeeper.assets.package_gather import packed, slug
from trailkeeper.assets.package_import import (
    Importing,
    Into,
    Missing,
    Progress,
    SecretToSet,
    conflicts,
    counts,
    found_outside,
    missing,
    refuse,
    secrets_to_set,
)
from trailkeeper.assets.registry import Registry
from trailkeeper.assets.values import checked_name
from trailkeeper.errors import Conflict, FieldError, NotFound, TooManyRequests
from trailkeeper.identity.acting import By
from trailkeeper.identity.store import Store
from trailkeeper.ledger.dialect import one_moment
from trailkeeper.ledger.schema import package_file

FILE_NAME_MAX = 150
NAMES_TRIED = 1_000
LOOKS_AT_ONCE = 2
LOOK_TURN_S = 5


class Planned(Struct, frozen=True):
    """An asset that an import would make; `folder` is its place in the new folder."""

    kind: str
    name: str
    folder: list[str]


class Look(Struct, frozen=True, kw_only=True):
    """What an import would do. With `conflicts`, or while `lacking` names privileges that the
    caller does not hold, it would be refused. What is `missing` is left out of the assets that name
    it, and `secrets` are to be set again."""

    name: str
    workspace: str
    exported_at: str
    sha256: str
    folder_name: str
    assets: list[Planned]
    conflicts: list[FieldError]
    missing: list[Missing]
    secrets: list[SecretToSet]
    lacking: list[str]


class Prepared(Struct, frozen=True, kw_only=True):
    """An import that was checked. `checked` are the hashes of its contents."""

    package: Package
    raw: bytes
    into: Into
    file_name: str
    checked: frozenset[bytes]


class Packages:
    """The packages of all workspaces."""

    def __init__(self, registry: Registry, store: Store) -> None:
        self._registry = registry
        self._store = store
        self._looks = threading.BoundedSemaphore(LOOKS_AT_ONCE)

    def export(self, by: By, manifest_id: str) -> Asset:
        """Put a manifest's assets into a file, and record that; returns the package. Nobody exports
        what they may not see. Raises Forbidden, NotFound, Conflict."""
        self._registry.require(by, "manifest", "export")
        with self._registry.reading(by.workspace) as (connection, rows), one_moment(connection):
            manifest = rows.get("manifest", manifest_id)
            workspace = self._store.workspace_target(connection, by.workspace)
            package = packed(rows, manifest, workspace.name or workspace.id)
            path = rows.path(manifest.content.folder_id)
        views = {KINDS[item.listed.kind].view for item in package.items}
        self._store.require_all(by, views, "Export assets")
        raw = write_package(package)
        at = from_us(now_us()).strftime("%Y%m%d-%H%M%S")
        return self._registry.apply(
            by,
            lambda changes: _keep(
                changes,
                package,
                raw,
                file_name=f"{slug(manifest.name)}-{at}.zip",
                direction="export",
                folder_id=manifest.content.folder_id,
                folder_path="/".join([HOME_NAME, *(folder.name for folder in path)])
                if path
                else None,
                manifest=manifest,
            ),
        )

    def file(self, workspace: int, package_id: str) -> tuple[str, bytes]:
        """The name and the bytes of a package's file. Raises NotFound."""
        with self._registry.reading(workspace) as (connection, rows):
            package = rows.get("package", package_id)
            raw = connection.execute(
                select(package_file.c.bytes).where(package_file.c.asset == package.key)
            ).scalar()
        if raw is None:
            raise NotFound(f"The file of package {package_id[:80]} is not kept here")
        return package.content.file_name, raw

    def has_file(self, workspace: int, package_id: str) -> bool:
        """Whether a package's file is kept still. Raises NotFound."""
        with self._registry.reading(workspace) as (connection, rows):
            package = rows.get("package", package_id, deleted=True)
            found = select(package_file.c.asset).where(package_file.c.asset == package.key)
            return connection.execute(found).first() is not None

    def look(
        self,
        by: By,
        raw: bytes,
        folder_name: str | None = None,
        parent_folder_id: str | None = None,
    ) -> Look:
        """What an import of this file would do; it changes nothing. Raises Forbidden, InvalidInput
        for what is no package, and TooManyRequests while others are looked at."""
        self._registry.require(by, "package", "import")
        if not self._looks.acquire(timeout=LOOK_TURN_S):
            raise TooManyRequests("Other packages are being read; try again", retry_after_s=5)
        try:
            package = read_package(raw)
            check_package(package)
        finally:
            self._looks.release()
        into = _into(package, folder_name, parent_folder_id)
        with self._registry.reading(by.workspace) as (connection, rows):
            found = conflicts(rows, package, into)
            there = found_outside(connection, by.workspace, package)
        needed = {KINDS[kind].operations["create"].privilege for kind in _kinds(package)}
        return Look(
            name=package.name,
            workspace=package.workspace,
            exported_at=package.exported_at,
            sha256=hashlib.sha256(raw).hexdigest(),
            folder_name=into.folder_name,
            assets=[
                Planned(item.listed.kind, item.listed.name, item.listed.folder)
                for item in package.items
            ],
            conflicts=found,
            missing=missing(package, there),
            secrets=secrets_to_set(package),
            lacking=sorted(needed - by.privileges),
        )

    def prepare(
        self,
        by: By,
        raw: bytes,
        folder_name: str | None = None,
        parent_folder_id: str | None = None,
        *,
        file_name: str | None = None,
    ) -> Prepared:
        """Check all of an import that can be checked before it is its turn; the new folder is named
        as the package, unless another name is given. It changes nothing. Raises Forbidden,
        InvalidInput, and Conflict with all that stands in the way."""
        self._registry.require(by, "package", "import")
        package = read_package(raw)
        checked = check_package(package)
        into = _into(package, folder_name, parent_folder_id)
        for kind in _kinds(package):
            self._registry.require(by, kind, "create")
        with self._registry.reading(by.workspace) as (_, rows):
            refuse(conflicts(rows, package, into))
        name = safe_file_name(file_name or f"{slug(package.name)}.zip")
        return Prepared(package=package, raw=raw, into=into, file_name=name, checked=checked)

    def carry_out(self, by: By, prepared: Prepared, progress: Progress) -> Asset:
        """Do an import that was prepared for this caller; returns the package. Raises Conflict."""

        def work(changes: Changes) -> Asset:
            outside = found_outside(changes.connection, by.workspace, prepared.package)
            importing = Importing(changes, prepared.package, outside)
            folder = importing.run(prepared.into, progress)
            return _keep(
                changes,
                prepared.package,
                prepared.raw,
                file_name=prepared.file_name,
                direction="import",
                folder_id=folder.id,
                folder_path=importing.path(folder),
            )

        return self._registry.apply(by, work, checked=prepared.checked)

    def import_(
        self,
        by: By,
        raw: bytes,
        folder_name: str | None = None,
        parent_folder_id: str | None = None,
        *,
        file_name: str | None = None,
        progress: Progress = lambda _done, _total: None,
    ) -> Asset:
        """Make all assets of a file in a new folder; returns the package. All are made, each
        recorded by itself, or none. `progress` is told how many are done, of how many. Raises
        Forbidden, InvalidInput, Conflict."""
        prepared = self.prepare(by, raw, folder_name, parent_folder_id, file_name=file_name)
        return self.carry_out(by, prepared, progress)


def safe_file_name(name: str) -> str:
    """A stranger's file name as one that does no harm anywhere; it ends with `.zip`."""
    last = re.split(r"[/\\]", name)[-1]
    plain = "".join(char if char.isprintable() and char not in '<>:"|?*%' else "_" for char in last)
    stem = re.sub(r"\.zip\Z", "", plain, flags=re.IGNORECASE).strip(" .")[:FILE_NAME_MAX]
    return f"{stem or 'package'}.zip"


def _into(package: Package, folder_name: str | None, parent_id: str | None) -> Into:
    return Into(checked_name(package.name if folder_name is None else folder_name), parent_id)


def _kinds(package: Package) -> list[str]:
    """The kinds of what an import makes, its folder among them."""
    return sorted({"folder", *(item.listed.kind for item in package.items)})


def _keep(
    changes: Changes,
    package: Package,
    raw: bytes,
    *,
    file_name: str,
    direction: str,
    folder_id: str | None,
    folder_path: str | None,
    manifest: Asset | None = None,
) -> Asset:
    """Make the package's own asset and record what was done, and keep the file."""
    digest = hashlib.sha256(raw).hexdigest()
    name = _free_name(changes, file_name)
    content: dict[str, Any] = {
        "file_name": name,
        "sha256": digest,
        "size": len(raw),
        "direction": direction,
        "manifest_id": manifest.id if manifest else None,
        "folder_id": folder_id,
        "assets": len(package.items),
    }
    made = changes.create(
        "package",
        name,
        content=content,
        operation=direction,
        details={"folder_path": folder_path, "sha256": digest, "counts": counts(package)},
        targets=(manifest.target,) if manifest else (),
    ).asset
    changes.connection.execute(insert(package_file).values(asset=made.key, bytes=raw))
    return made


def _free_name(changes: Changes, file_name: str) -> str:
    """The file's name, with a number if there is one of this name already."""
    stem = file_name.removesuffix(".zip")
    for number in range(1, NAMES_TRIED):
        name = file_name if number == 1 else f"{stem}-{number}.zip"
        if not changes.rows.is_taken("package", None, name):
            return name
    raise Conflict(f"There are many packages named {file_name!r} already; give another name")
