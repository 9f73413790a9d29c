"""How the registry lies in a folder: one file per asset, a directory per kind, folders within.

A file's path without its ending is what other files call the asset by, such as
`recipes/ERP/Sync product SKUs`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

from msgspec import Struct, inspect

from trailkeeper.assets.content import Use
from trailkeeper.assets.kind import Kind
from trailkeeper.assets.kinds import KINDS

ENDING = ".yaml"
ENDINGS = (ENDING, ".yml")

STEM_MAX_BYTES = 120
_UNSAFE = re.compile(r'[/\\:*?"<>|%\x00-\x1f\x7f]|^\.|[. ]$')

DIRECTORIES: dict[str, Kind] = {
    kind.path: kind for kind in KINDS.values() if "create" in kind.operations
}
"""The kinds that can be in files, by their directory. Packages come from exports and imports."""

FOLDERS = KINDS["folder"].path


class Beside(Struct, frozen=True):
    """A field of a kind that has a file of its own beside the asset's."""

    field: str
    ending: str


BESIDE: dict[str, Beside] = {"lookup_table": Beside("rows", ".csv")}


def home_of(kind: Kind, directories: tuple[str, ...]) -> str | None:
    """The path of the folder or parent whose contents are in these directories."""
    if not directories:
        return None
    top = KINDS[kind.parent_kind].path if kind.parent_kind else FOLDERS
    return "/".join((top, *directories))


def path_in(kind: Kind, home: str | None, stem: str) -> str:
    """The path of an asset in its folder or parent."""
    inside = home.split("/")[1:] if home else []
    return "/".join((kind.path, *inside, stem))


def stem_of(name: str) -> str:
    """What a file is called that holds an asset of this name: the name itself wherever every
    system can have such a file."""
    name = unicodedata.normalize("NFC", name)
    stem = _UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", name)
    if len(stem.encode()) <= STEM_MAX_BYTES:
        return stem
    mark = hashlib.sha256(name.encode()).hexdigest()[:8]
    return stem.encode()[: STEM_MAX_BYTES - 9].decode(errors="ignore") + "~" + mark


def lists_of_uses(kind: Kind) -> tuple[str, ...]:
    """The fields of a kind that list other assets of any kind."""
    return _USES[kind.name]


def _is_uses(type: inspect.Type) -> bool:
    return (
        isinstance(type, inspect.ListType)
        and isinstance(type.item_type, inspect.StructType)
        and type.item_type.cls is Use
    )


def _uses(kind: Kind) -> tuple[str, ...]:
    known = inspect.type_info(kind.content)
    fields = known.fields if isinstance(known, inspect.StructType) else ()
    return tuple(field.name for field in fields if _is_uses(field.type))


_USES = {kind.name: _uses(kind) for kind in KINDS.values()}
