"""Folders as a tree, of which only the open branch is drawn, and as paths."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from trailkeeper.assets.asset import HOME, HOME_NAME, Folder
from trailkeeper.web.assets.places import folder_path
from trailkeeper.web.text import visible

SEPARATOR = " / "
SHOWN = 100
"""Most folders of a level that are drawn, unless all are asked for."""


class Node(Struct, frozen=True, kw_only=True):
    """A folder in the tree; `nodes` are drawn below it if it is on the open branch, `hidden` more
    are not."""

    id: str
    name: str
    count: int | None
    href: str
    is_open: bool
    is_current: bool
    has_folders: bool
    move: str
    nodes: list[Node]
    hidden: int = 0


class Choice(Struct, frozen=True):
    """A folder to choose, by its path."""

    id: str
    path: str
    is_chosen: bool


def tree(
    folders: Iterable[Folder], current: str | None, *, may_move: bool, whole: bool = False
) -> Node:
    """The root with the branch down to the current folder; `whole` draws all of each level."""
    below = _by_parent(folders)
    known = {folder.id: folder for children in below.values() for folder in children}
    branch: set[str | None] = {None}
    step = current
    while step is not None and step in known:
        branch.add(step)
        step = known[step].parent_id

    def level(parent: str | None) -> list[Folder]:
        there = below.get(parent, [])
        if whole or len(there) <= SHOWN:
            return there
        return there[:SHOWN] + [one for one in there[SHOWN:] if one.id in branch]

    def node(folder: Folder) -> Node:
        is_open = folder.id in branch
        shown = level(folder.id) if is_open else []
        return Node(
            id=folder.id,
            name=visible(folder.name),
            count=folder.count,
            href=folder_path(folder.id),
            is_open=is_open,
            is_current=folder.id == current,
            has_folders=folder.id in below,
            move=f"/folders/{folder.id}/move" if may_move else "",
            nodes=[node(one) for one in shown],
            hidden=len(below.get(folder.id, [])) - len(shown) if is_open else 0,
        )

    return Node(
        id=HOME,
        name=HOME_NAME,
        count=None,
        href=folder_path(None),
        is_open=True,
        is_current=current is None,
        has_folders=bool(below),
        move="",
        nodes=[node(one) for one in level(None)],
        hidden=len(below.get(None, [])) - len(level(None)),
    )


def path_names(folders: Iterable[Folder]) -> dict[str | None, str]:
    """The path of every folder, without the root's name."""
    names: dict[str | None, str] = {}
    known = {folder.id: folder for folder in folders}
    for id in known:
        steps: list[str] = []
        step: str | None = id
        while step is not None and step in known:
            steps.append(visible(known[step].name))
            step = known[step].parent_id
        names[id] = SEPARATOR.join(reversed(steps))
    return names


def choices(
    folders: Iterable[Folder], chosen: str | None, *, without: str | None = None
) -> list[Choice]:
    """All folders to choose from by path, the root first. Neither `without` nor what is in it is
    among them: a folder cannot be moved into itself."""
    there = list(folders)
    hidden = _inside(there, without) if without else set[str]()
    names = path_names(there)
    paths = sorted(
        ((names[one.id], one.id) for one in there if one.id not in hidden),
        key=lambda pair: pair[0].casefold(),
    )
    home = Choice(HOME, HOME_NAME, chosen in (None, HOME))
    return [
        home,
        *(Choice(id, f"{HOME_NAME}{SEPARATOR}{path}", id == chosen) for path, id in paths),
    ]


def inside(folders: Iterable[Folder], id: str) -> tuple[int, int]:
    """How many folders and how many assets are in a folder, at any depth."""
    there = list(folders)
    within = _inside(there, id)
    return len(within) - 1, sum(one.count for one in there if one.id in within)


def _inside(folders: list[Folder], id: str) -> set[str]:
    below = _by_parent(folders)
    within, waiting = {id}, [id]
    while waiting:
        for one in below.get(waiting.pop(), []):
            within.add(one.id)
            waiting.append(one.id)
    return within


def _by_parent(folders: Iterable[Folder]) -> dict[str | None, list[Folder]]:
    below: dict[str | None, list[Folder]] = {}
    for folder in folders:
        below.setdefault(folder.parent_id, []).append(folder)
    return below
