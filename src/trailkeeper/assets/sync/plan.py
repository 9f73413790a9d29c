"""What has to be done so that the registry is as the files say."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Literal

from msgspec import Struct

from trailkeeper.activity import Change
from trailkeeper.assets.asset import Asset
from trailkeeper.assets.sync.compare import Compare, Difference
from trailkeeper.assets.sync.files import Folder
from trailkeeper.assets.sync.held import Held, home_id
from trailkeeper.assets.sync.matching import matched
from trailkeeper.assets.sync.one_file import AssetFile
from trailkeeper.assets.sync.problems import BadFiles, FileProblem
from trailkeeper.assets.sync.references import paths_in

Verb = Literal["create", "adopt", "rename", "move", "update", "delete"]


class Step(Struct, frozen=True, kw_only=True):
    """All that is done to one asset. Without an `asset` it is made, without a `file` deleted;
    `path` is what it is called by."""

    kind: str
    path: str
    file: AssetFile | None = None
    asset: Asset | None = None
    difference: Difference = Difference()
    adopts: bool = False

    @property
    def verbs(self) -> list[Verb]:
        """What is done, in one word each."""
        if self.file is None:
            return ["delete"]
        if self.asset is None:
            return ["create"]
        found: list[Verb] = ["adopt"] if self.adopts else []
        if self.difference.name is not None:
            found.append("rename")
        if self.difference.moved:
            found.append("move")
        if self.difference.changes:
            found.append("update")
        return found

    @property
    def changes(self) -> list[Change]:
        """What of it changes, field by field; of a secret, only that it does."""
        return self.difference.changes


class Plan(Struct, frozen=True, kw_only=True):
    """The steps, by their paths, and what stays as it is.

    `ids` are those of the assets that are there, by the paths of their files; `marks` the assets
    that are only known by something else from now on. `unmanaged` did not come from files and are
    left alone; `hand_made` are those of them that files would change: nothing can be applied then.
    `unset` are the variables that would be needed. `notes` are for people.
    """

    steps: list[Step]
    ids: dict[str, str]
    marks: list[tuple[Asset, str]]
    unmanaged: list[Asset]
    hand_made: list[str]
    unset: list[FileProblem]
    notes: list[str]

    def counts(self) -> dict[Verb, int]:
        """How many assets each verb is done to."""
        verbs = ("create", "adopt", "rename", "move", "update", "delete")
        return {verb: sum(verb in step.verbs for step in self.steps) for verb in verbs}


def make(folder: Folder, held: Held, environ: Mapping[str, str], *, adopt: bool) -> Plan:
    """The plan that makes the registry what the folder says. With `adopt` it takes over what was
    made by hand under the names that files have. Raises BadFiles with all that is wrong."""
    found = matched(folder.files, held)
    ids = {path: one.id for path, one in found.items()}
    known = {**_left_alone(held, folder), **ids}
    paths = {**held.paths, **{id: path for path, id in known.items()}}
    compare = Compare(held, known, paths, environ)
    there = {*known, *folder.files, *folder.broken}
    problems = list(folder.problems)
    steps: list[Step] = []
    marks: list[tuple[Asset, str]] = []
    hand_made: list[str] = []
    for file in folder.files.values():
        if file.path in folder.broken:
            continue
        problems += _unknown_paths(file, there)
        one = found.get(file.path)
        difference = compare.difference(file, one)
        managed = one is not None and one.id in held.marks
        step = Step(
            kind=file.kind,
            path=file.path,
            file=file,
            asset=one,
            difference=difference,
            adopts=one is not None and not managed and adopt and not file.implied,
        )
        if one and not managed and not adopt:
            if step.verbs:
                hand_made.append(file.path)
            continue
        if one and managed and held.marks[one.id] != file.identity:
            marks.append((one, file.identity))
        if step.verbs:
            steps.append(step)
    problems += compare.problems
    if problems:
        raise BadFiles(problems)
    deleted, notes = _deleted(held, set(ids.values()), steps)
    adopted = {step.asset.id for step in steps if step.adopts and step.asset}
    return Plan(
        steps=sorted([*steps, *deleted], key=lambda one: one.path),
        ids=known,
        marks=marks,
        unmanaged=[
            one for id, one in held.assets.items() if id not in held.marks and id not in adopted
        ],
        hand_made=hand_made,
        unset=compare.unset,
        notes=[*compare.notes, *notes],
    )


def _left_alone(held: Held, folder: Folder) -> dict[str, str]:
    """Assets that were made by hand can be named by the path that a file of theirs would have."""
    taken = {*folder.files, *folder.broken}
    return {
        path: id for id, path in held.paths.items() if path not in taken and id not in held.marks
    }


def _unknown_paths(file: AssetFile, there: Container[str]) -> Iterator[FileProblem]:
    for link in paths_in(file.of, file.content):
        if link.id not in there:
            detail = f"names {link.id!r}, which is neither a file nor there"
            yield file.problem(detail, link.pointer)
    if file.home and file.home not in there:
        yield file.problem(f"is in {file.home}, which is neither a file nor there")


def _deleted(held: Held, wanted: set[str], steps: list[Step]) -> tuple[list[Step], list[str]]:
    """What came from files that are gone. What cannot be deleted, or has something in it that
    stays, is left and noted."""
    gone = {id: held.assets[id] for id in held.marks if id not in wanted}
    notes = [
        f"{held.paths[id]} has no file any more, but a {one.of.noun} cannot be deleted: it is left"
        for id, one in gone.items()
        if "delete" not in one.of.operations
    ]
    gone = {id: one for id, one in gone.items() if "delete" in one.of.operations}
    homes = {id: home_id(one) for id, one in held.assets.items()}
    moved = [step for step in steps if step.difference.moved]
    homes |= {step.asset.id: step.difference.home for step in moved if step.asset}
    kept = {home for id, home in homes.items() if home and id not in gone}
    kept |= {step.difference.home for step in steps if step.difference.home}
    for id in _and_around(kept, homes) & gone.keys():
        del gone[id]
        notes.append(f"{held.paths[id]} has no file any more, but is not empty: it is left")
    return [Step(kind=one.kind, path=held.paths[id], asset=one) for id, one in gone.items()], notes


def _and_around(kept: set[str], homes: Mapping[str, str | None]) -> set[str]:
    """Homes, and the folders that they are in themselves."""
    found: set[str] = set()
    for home in kept:
        here: str | None = home
        while here and here not in found:
            found.add(here)
            here = homes.get(here)
    return found
