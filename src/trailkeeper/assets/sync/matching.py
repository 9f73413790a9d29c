"""Which file is which asset: by what it is known by, else by its place and name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from trailkeeper.assets.asset import Asset
from trailkeeper.assets.reads import name_key
from trailkeeper.assets.sync.held import Held
from trailkeeper.assets.sync.one_file import AssetFile


def matched(files: Mapping[str, AssetFile], held: Held) -> dict[str, Asset]:
    """The assets that files describe, by the files' paths; a file without one is new.

    A file has the asset that a file of the same key (or, without keys, of the same path) was
    applied to before. Else it has the one that is where the file says, under the same name, unless
    another file has that.
    """
    by_identity, by_place, by_path = held.by_identity(), held.by_place(), held.by_path()
    found: dict[str, Asset] = {}
    for file in files.values():
        one = by_identity.get(file.identity)
        if one and one.kind == file.kind:
            found[file.path] = one
    taken = {one.id for one in found.values()}
    for file in _homes_first(files.values()):
        if file.path in found:
            continue
        where = found if file.home in files else by_path
        home = where.get(file.home) if file.home else None
        if file.home and home is None:
            continue
        one = by_place.get((file.kind, home.id if home else None, name_key(file.name)))
        if one and one.id not in taken:
            found[file.path] = one
            taken.add(one.id)
    return found


def _homes_first(files: Iterable[AssetFile]) -> list[AssetFile]:
    """Folders from the root down, then what is in them or nowhere, then what has a parent."""

    def order(file: AssetFile) -> tuple[int, int]:
        rank = 0 if file.kind == "folder" else 2 if file.of.place == "parent" else 1
        return rank, file.path.count("/")

    return sorted(files, key=order)
