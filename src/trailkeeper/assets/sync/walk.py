"""Finding and reading the files of a folder, whatever else lies there.

Nothing outside the folder is ever read, nothing that is hidden, and never more than the limits.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

from msgspec import Struct

from trailkeeper.assets.sync.layout import BESIDE, DIRECTORIES, ENDINGS
from trailkeeper.assets.sync.problems import FileProblem

FILES_MAX = 10_000
FILE_MAX_BYTES = 1024 * 1024
DEPTH_MAX = 24

_BESIDE_ENDINGS = {beside.ending for beside in BESIDE.values()}
_LEFT_ALONE = (".md", ".txt")


class Found(Struct, frozen=True):
    """The files of assets, and those beside them, by their names within the folder."""

    files: dict[str, Path]
    problems: list[FileProblem]


def walk(root: Path) -> Found:
    """All files of a folder that hold assets, in the order of their names. Hidden files, and texts
    such as README.md, are left alone; whatever else is not understood is a problem, because an
    asset that is overlooked would be deleted."""
    found = Found({}, [])
    real = root.resolve()
    waiting = [(real, "", 0)]
    while waiting and len(found.files) <= FILES_MAX:
        directory, name, depth = waiting.pop()
        try:
            entries = sorted(directory.iterdir())
        except OSError as error:
            found.problems.append(FileProblem(name or ".", f"cannot be read: {error.strerror}"))
            continue
        for entry in entries:
            inside = f"{name}/{entry.name}" if name else entry.name
            if entry.name.startswith("."):
                continue
            if problem := _refused(entry, inside, real, depth):
                found.problems.append(FileProblem(inside, problem))
            elif entry.is_dir():
                waiting.append((entry, inside, depth + 1))
            else:
                _take(found, entry, inside)
    if len(found.files) > FILES_MAX:
        return Found({}, [FileProblem(".", f"has more than {FILES_MAX:,} files")])
    return Found(dict(sorted(found.files.items())), found.problems)


def text_of(file: Path) -> str:
    """A file's text. Raises ValueError with what is wrong, without the file's name."""
    try:
        with file.open("rb") as stream:
            content = stream.read(FILE_MAX_BYTES + 1)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    if len(content) > FILE_MAX_BYTES:
        raise ValueError(f"is larger than {FILE_MAX_BYTES // 1024 // 1024} MiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 (byte {error.start})") from None


def _refused(entry: Path, inside: str, root: Path, depth: int) -> str | None:
    """Why an entry of a directory is not even looked at."""
    if not inside.isprintable():
        return "has characters in its name that cannot be shown"
    if entry.is_symlink():
        try:
            target = entry.resolve(strict=True)
        except (OSError, RuntimeError):
            return "is a link that leads nowhere"
        if not target.is_relative_to(root):
            return "is a link that leads out of the folder"
        if target.is_dir():
            return "is a link to a directory; only links to files are followed"
    if entry.is_dir():
        return f"is nested deeper than {DEPTH_MAX} directories" if depth >= DEPTH_MAX else None
    return None if entry.is_file() else "is neither a file nor a directory"


def _take(found: Found, entry: Path, inside: str) -> None:
    kind = inside.partition("/")[0]
    ending = entry.suffix.lower()
    inside = unicodedata.normalize("NFC", inside)
    known = ending in ENDINGS or ending in _BESIDE_ENDINGS
    if "/" in inside and kind in DIRECTORIES:
        if known:
            found.files[inside] = entry
        elif ending not in _LEFT_ALONE:
            wanted = ", ".join((*ENDINGS, *sorted(_BESIDE_ENDINGS)))
            found.problems.append(FileProblem(inside, f"is none of {wanted}"))
    elif known:
        names = ", ".join(DIRECTORIES)
        found.problems.append(FileProblem(inside, f"is in no directory of a kind: {names}"))
