"""Many at once, and failures half-way: state and record stand or fall together."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select
from tests.assets.desk import Desk, changes_in

from trailkeeper.assets.changes import Changes
from trailkeeper.assets.kinds import KINDS
from trailkeeper.assets.rows import Rows
from trailkeeper.errors import Conflict, PreconditionFailed
from trailkeeper.identity.store import Store
from trailkeeper.ledger.schema import asset, asset_version, workspace

THREADS = 50


class Broken(RuntimeError):
    """What goes wrong half-way."""


def test_fifty_threads_stop_and_start_one_recipe(desk: Desk) -> None:
    recipe = desk.make("recipe")
    desk.new()
    together = threading.Barrier(THREADS)

    def work(number: int) -> list[str]:
        together.wait(20)
        done: list[str] = []
        for turn in range(4):
            operation = "start" if (number + turn) % 2 else "stop"
            try:
                desk.registry.transition(desk.by, "recipe", recipe.id, operation)
            except Conflict:
                continue
            done.append(operation)
        return done

    with ThreadPoolExecutor(THREADS) as pool:
        succeeded = Counter(one for done in pool.map(work, range(THREADS)) for one in done)
    records = desk.new()
    recorded = Counter("start" if one.action == "recipe.started" else "stop" for one in records)
    assert recorded == succeeded
    assert sum(recorded.values()) >= THREADS // 2
    state = "stopped"
    for one in records:
        ((field, old, new),) = changes_in(one)
        assert (field, old) == ("/state", state)
        state = new
    found = desk.get(recipe)
    assert (found.state, found.revision) == (state, 1 + len(records))


def test_of_many_who_change_the_same_revision_one_succeeds(desk: Desk) -> None:
    recipe = desk.make("recipe")

    def work(number: int) -> bool:
        try:
            desk.registry.rename(desk.by, "recipe", recipe.id, f"Name {number}", revision=1)
        except PreconditionFailed:
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(work, range(20))) == 1
    assert desk.get(recipe).revision == 2


def test_of_many_who_want_the_same_name_one_gets_it(desk: Desk) -> None:
    def work(_: int) -> bool:
        try:
            desk.make("recipe", "The only one")
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(work, range(20))) == 1
    assert [one.action for one in desk.new()] == ["recipe.created"]


STEPS = [
    (Rows, "next_id"),
    (Rows, "insert"),
    (Rows, "update"),
    (Rows, "keep_version"),
    (Store, "record"),
]


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("where", "step"), STEPS)
def test_a_failure_between_two_steps_leaves_neither_state_nor_record(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, where: type[Any], step: str, is_after: bool
) -> None:
    folder = desk.make("folder")
    recipe = desk.make("recipe", folder_id=folder.id)
    before, log = tables(desk), desk.log()
    real = getattr(where, step)

    def breaks(*arguments: Any, **named: Any) -> Any:
        if is_after:
            real(*arguments, **named)
        raise Broken

    attempts = {
        "create": lambda: desk.make("recipe"),
        "copy": lambda: desk.registry.copy(desk.by, "recipe", recipe.id),
        "update": lambda: desk.registry.update(
            desk.by, "recipe", recipe.id, name="X", content={"description": "x"}
        ),
        "move": lambda: desk.registry.move(desk.by, "recipe", recipe.id, None),
        "start": lambda: desk.registry.transition(desk.by, "recipe", recipe.id, "start"),
        "delete": lambda: desk.registry.delete(desk.by, "folder", folder.id, recursive=True),
    }
    broken = 0
    for attempt in attempts.values():
        with monkeypatch.context() as patch:
            patch.setattr(where, step, breaks)
            try:
                attempt()
            except Broken:
                broken += 1
                assert tables(desk) == before
                assert desk.log() == log
            else:
                before, log = tables(desk), desk.log()
    assert broken


def test_many_changes_are_one_transaction(desk: Desk) -> None:
    before, log = tables(desk), desk.log()

    def work(changes: Changes) -> None:
        folder = changes.create("folder", "All of it").asset
        for number in range(10):
            changes.create("recipe", f"R{number}", folder_id=folder.id)
        changes.create("recipe", "r9", folder_id=folder.id)

    with pytest.raises(Conflict):
        desk.registry.apply(desk.by, work)
    assert tables(desk) == before
    assert desk.log() == log


def test_what_is_said_of_all_changes_is_in_each_record(desk: Desk) -> None:
    def work(changes: Changes) -> str:
        folder = changes.create("folder", "F").asset
        recipe = changes.create("recipe", "R", folder_id=folder.id).asset
        changes.update("recipe", recipe.id, content={"description": "x"})
        return changes.get("recipe", recipe.id).content.description

    assert desk.registry.apply(desk.by, work, {"commit": "a1b2c3"}) == "x"
    records = desk.new()
    assert [one.action for one in records] == ["folder.created", "recipe.created", "recipe.updated"]
    assert {one.details["commit"] for one in records} == {"a1b2c3"}


def test_a_record_tells_of_places_as_the_same_transaction_left_them(desk: Desk) -> None:
    collection = desk.make("api_collection", "Old")
    endpoint = desk.make("api_endpoint", parent_id=collection.id)
    folder = desk.make("folder", "Old")
    recipe = desk.make("recipe", folder_id=folder.id)
    desk.new()

    def work(changes: Changes) -> None:
        for number in range(2):
            description = {"description": str(number)}
            changes.update("api_endpoint", endpoint.id, content=description)
            changes.copy("recipe", recipe.id)
            changes.update("api_collection", collection.id, name="New")
            changes.rename("folder", folder.id, "New")

    desk.registry.apply(desk.by, work)
    records = desk.new()
    told = [
        one.details for one in records if one.action in ("api_endpoint.updated", "recipe.copied")
    ]
    assert [one.get("collection") or one["folder"] for one in told] == [
        "Old", "Home/Old", "New", "Home/New",
    ]  # fmt: skip


def test_every_kind_can_be_made_in_one_transaction(desk: Desk) -> None:
    def work(changes: Changes) -> None:
        for name, kind in KINDS.items():
            parent = changes.create(kind.parent_kind, "Parent").asset if kind.parent_kind else None
            operation = "create" if "create" in kind.operations else "import"
            changes.create(
                name, "One", parent_id=parent.id if parent else None, operation=operation
            )

    desk.registry.apply(desk.by, work)
    assert len(desk.new()) == len(KINDS) + 2


def tables(desk: Desk) -> list[Any]:
    """All that the tables hold of the workspace's assets."""
    with desk.here.engine.connect() as connection:
        assets = connection.execute(
            select(asset).where(asset.c.workspace == desk.workspace).order_by(asset.c.key)
        ).all()
        keys = [row.key for row in assets]
        versions = connection.execute(
            select(asset_version)
            .where(asset_version.c.asset.in_(keys))
            .order_by(asset_version.c.asset, asset_version.c.version)
        ).all()
        all_versions = connection.execute(select(func.count()).select_from(asset_version)).scalar()
        next_id = connection.execute(
            select(workspace.c.next_asset_id).where(workspace.c.key == desk.workspace)
        ).scalar()
    return [assets, versions, all_versions, next_id]
