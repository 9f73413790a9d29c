"""The folder tree: only the open branch is drawn, and never more than can be looked at."""

from __future__ import annotations

from trailkeeper.assets.asset import Folder
from trailkeeper.web.assets.tree import SHOWN, Node, choices, inside, path_names, tree

FOLDERS = [
    Folder("1", "Shop", None, 3),
    Folder("2", "Finance", None, 0),
    Folder("3", "Orders", "1", 2),
    Folder("4", "Archive", "3", 1),
]


def names(node: Node) -> list[str]:
    return [node.name, *(name for below in node.nodes for name in names(below))]


def test_only_the_open_branch_is_drawn() -> None:
    assert names(tree(FOLDERS, None, may_move=True)) == ["Home", "Shop", "Finance"]
    root = tree(FOLDERS, "3", may_move=True)
    assert names(root) == ["Home", "Shop", "Orders", "Archive", "Finance"]
    assert [one.is_open for one in root.nodes] == [True, False]
    assert root.nodes[0].nodes[0].is_current


def test_folders_are_dragged_only_by_who_may_move_them() -> None:
    assert [one.move for one in tree(FOLDERS, None, may_move=False).nodes] == ["", ""]
    assert tree(FOLDERS, None, may_move=True).nodes[0].move == "/folders/1/move"


def test_of_very_many_folders_some_are_drawn_and_the_open_one_is_among_them() -> None:
    many = [Folder(str(n), f"Folder {n:04}", None, 0) for n in range(1_000)]
    root = tree(many, "900", may_move=False)
    assert len(root.nodes) == SHOWN + 1
    assert root.hidden == 1_000 - SHOWN - 1
    assert root.nodes[-1].is_current
    assert len(tree(many, "900", may_move=False, whole=True).nodes) == 1_000


def test_folders_are_chosen_by_path_but_for_the_one_that_is_moved_and_what_is_in_it() -> None:
    assert path_names(FOLDERS)["4"] == "Shop / Orders / Archive"
    offered = choices(FOLDERS, "2", without="3")
    assert [one.path for one in offered] == ["Home", "Home / Finance", "Home / Shop"]
    assert [one.id for one in offered if one.is_chosen] == ["2"]


def test_what_goes_with_a_folder_is_counted_at_any_depth() -> None:
    assert inside(FOLDERS, "1") == (2, 6)
    assert inside(FOLDERS, "2") == (0, 0)
