"""The assets that a folder of files describes, and all that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from msgspec import Struct

from trailkeeper.assets.kinds import KINDS
from trailkeeper.assets.reads import name_key
from trailkeeper.assets.sync.layout import BESIDE, DIRECTORIES, ENDINGS, home_of
from trailkeeper.assets.sync.one_file import AssetFile, BesideProblem, read_one
from trailkeeper.assets.sync.problems import FileProblem
from trailkeeper.assets.sync.walk import text_of, walk
from trailkeeper.assets.sync.yaml_text import YamlProblem


class Folder(Struct, frozen=True):
    """All that a folder of files describes, by path, and what is wrong with it. `broken` are the
    paths of files that could not be read."""

    files: dict[str, AssetFile]
    problems: list[FileProblem]
    broken: frozenset[str]


def read_folder(root: Path) -> Folder:
    """Read a folder. Nothing is raised for what is in it: all problems are in the answer."""
    found = walk(root)
    problems = list(found.problems)
    broken: set[str] = set()
    texts: dict[str, str] = {}
    for name, file in found.files.items():
        try:
            texts[name] = text_of(file)
        except ValueError as error:
            problems.append(FileProblem(name, str(error)))
            broken.add(_path(name))
    main = [name for name in texts if _is_main(name)]
    beside = {name: text for name, text in texts.items() if not _is_main(name)}
    files: dict[str, AssetFile] = {}
    for name in main:
        path = _path(name)
        own = _taken(beside, path)
        try:
            made, wrong = read_one(name, path, texts[name], own)
        except YamlProblem as error:
            problems.append(FileProblem(name, error.detail, error.line, error.field))
            broken.add(path)
            continue
        except BesideProblem as error:
            problems.append(error.problem)
            broken.add(path)
            continue
        if path in files:
            wrong.append(FileProblem(name, f"is there twice: also {files[path].file}"))
        if wrong:
            problems += wrong
            broken.add(path)
        files[path] = made
    problems += [FileProblem(name, "has no YAML file of its name beside it") for name in beside]
    _add_implied(files, broken)
    problems += _repeated(files.values())
    problems.sort(key=lambda one: (one.file, one.line or 0))
    return Folder(files, problems, frozenset(broken))


def _taken(beside: dict[str, str], path: str) -> dict[str, str]:
    """The texts that belong to the file with this path; they are taken out of `beside`."""
    where = BESIDE.get(DIRECTORIES[path.partition("/")[0]].name)
    name = path + where.ending if where else ""
    return {name: beside.pop(name)} if name in beside else {}


def _add_implied(files: dict[str, AssetFile], broken: set[str]) -> None:
    """Add the folders that are only directories."""
    for file in list(files.values()):
        home, kind = file.home, file.of
        while home and kind.place == "folder" and home not in files and home not in broken:
            above, stem = home.split("/")[1:-1], home.rpartition("/")[2]
            files[home] = AssetFile(
                path=home,
                file=file.file,
                kind="folder",
                name=stem,
                home=home_of(KINDS["folder"], tuple(above)),
                implied=True,
            )
            home = files[home].home


def _repeated(files: Iterable[AssetFile]) -> Iterator[FileProblem]:
    """Two files with one key, or with one name at one place."""
    keys: dict[str, AssetFile] = {}
    names: dict[tuple[str, str | None, str], AssetFile] = {}
    for file in sorted(files, key=lambda one: one.implied):
        if file.key and (other := keys.setdefault(file.key, file)) is not file:
            yield file.problem(f"is the key of {other.file}, too", "/key")
        place = (file.kind, file.home, name_key(file.name))
        if (other := names.setdefault(place, file)) is not file:
            yield file.problem(f"has the name of {other.file}: {file.name!r}", "/name")


def _is_main(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in ENDINGS


def _path(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))
