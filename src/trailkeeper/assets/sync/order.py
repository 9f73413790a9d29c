"""The order in which steps can be done.

What an asset is in, or names, is there before it; what has its name and place is gone before it;
and what is deleted is empty and named by nothing by then. Where that goes round in a circle,
something in it gives way first: it gets another name until its turn comes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from msgspec import Struct

from trailkeeper.assets.asset import Asset
from trailkeeper.assets.reads import name_key
from trailkeeper.assets.records import plain
from trailkeeper.assets.sync.held import Place, home_id, place_of
from trailkeeper.assets.sync.plan import Plan, Step
from trailkeeper.assets.sync.references import paths_in
from trailkeeper.errors import Conflict

Edge = tuple[int, int]
"""The first step (by its place in the list) is done before the second."""


class Order(Struct, frozen=True):
    """The steps in order, and those whose assets give way before all of them."""

    gives_way: list[Step]
    steps: list[Step]


def in_order(plan: Plan) -> Order:
    """An order for all steps of a plan. Where new assets name each other in a circle, one of them
    comes before what it names."""
    steps = plan.steps
    must, takes = set(_must(steps)), set(_takes(plan))
    should = set(_should(steps)) - must - takes
    gives_way: set[int] = set()
    while True:
        sorter: TopologicalSorter[int] = TopologicalSorter(dict.fromkeys(range(len(steps)), ()))
        for before, after in must | takes | should:
            sorter.add(after, before)
        try:
            order = [steps[at] for at in sorter.static_order()]
            return Order([steps[at] for at in sorted(gives_way)], order)
        except CycleError as error:
            # In a circle each is done before the one that follows it. It has an edge that can be
            # done without: the others lead from folders down, and then to what is deleted.
            circle: list[int] = error.args[1]
            around = set(pairwise(circle))
            if around & should:
                should -= around
            elif around & takes:
                given_way, _ = min(around & takes)
                gives_way.add(given_way)
                takes = {edge for edge in takes if edge[0] != given_way}
            else:
                names = ", ".join(sorted({steps[at].path for at in circle}))
                raise Conflict(f"There is no order in which these can be done: {names}") from None


def _must(steps: Sequence[Step]) -> Iterator[Edge]:
    """Folders and parents come before what is in them; what is deleted comes after what leaves
    it, or names it no more."""
    by_path = {step.path: at for at, step in enumerate(steps) if step.file}
    deleted = {step.asset.id: at for at, step in enumerate(steps) if step.asset and not step.file}
    for at, step in enumerate(steps):
        if step.file and step.file.home in by_path:
            yield by_path[step.file.home], at
        for id in _around(step.asset) if step.asset else ():
            if deleted.get(id, at) != at:
                yield at, deleted[id]


def _takes(plan: Plan) -> Iterator[Edge]:
    """What has a name and place leaves before what takes them."""
    by_place = {place_of(step.asset): at for at, step in enumerate(plan.steps) if step.asset}
    for at, step in enumerate(plan.steps):
        place = _wanted(plan, step)
        if place in by_place and by_place[place] != at:
            yield by_place[place], at


def _should(steps: Sequence[Step]) -> Iterator[Edge]:
    """New assets come before those that name them."""
    made = {step.path: at for at, step in enumerate(steps) if step.asset is None}
    for at, step in enumerate(steps):
        if step.file:
            for named in paths_in(step.file.of, step.file.content):
                if made.get(named.id, at) != at:
                    yield made[named.id], at


def _wanted(plan: Plan, step: Step) -> Place | None:
    """The place that a step takes."""
    file = step.file
    if file is None:
        return None
    home = plan.ids.get(file.home, file.home) if file.home else None
    return file.kind, home, name_key(file.name)


def _around(one: Asset) -> Iterator[str]:
    """The ids of what an asset is in, and of what cannot be deleted as long as it names that."""
    if home := home_id(one):
        yield home
    content = plain(one.content)
    for reference in one.of.references:
        if reference.holds and content[reference.field]:
            yield content[reference.field]
