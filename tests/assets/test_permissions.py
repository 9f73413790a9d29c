"""Who may do what: every operation asks for its privilege, and a refusal is on record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.assets.desk import Desk

from trailkeeper.assets.asset import Asset
from trailkeeper.assets.kinds import KINDS
from trailkeeper.assets.registry import Registry
from trailkeeper.errors import Forbidden
from trailkeeper.identity.acting import By
from trailkeeper.identity.privileges import BUILT_IN, PRIVILEGES
from trailkeeper.identity.tokens import privileges_of_scopes

Do = Callable[[Registry, By, Asset], Any]
DOES: dict[str, Do] = {
    "create": lambda registry, by, one: registry.create(by, one.kind, "New"),
    "update": lambda registry, by, one: registry.update(by, one.kind, one.id, name="X"),
    "rename": lambda registry, by, one: registry.rename(by, one.kind, one.id, "X"),
    "move": lambda registry, by, one: registry.move(by, one.kind, one.id, None),
    "copy": lambda registry, by, one: registry.copy(by, one.kind, one.id),
    "delete": lambda registry, by, one: registry.delete(by, one.kind, one.id),
    "undelete": lambda registry, by, one: registry.undelete(by, one.kind, one.id),
    "restore": lambda registry, by, one: registry.restore(by, one.kind, one.id, 1),
    "refresh-token": lambda registry, by, one: registry.refresh_token(by, one.kind, one.id),
    "set-access-scope": lambda registry, by, one: registry.set_access_scope(
        by, one.kind, one.id, True
    ),
}
OPERATIONS = [
    (kind.name, operation)
    for kind in KINDS.values()
    for operation in kind.operations
    if operation not in ("export", "import")
]


@pytest.mark.parametrize(("kind", "operation"), OPERATIONS)
def test_without_its_privilege_an_operation_is_refused_on_record(
    desk: Desk, kind: str, operation: str
) -> None:
    one = desk.make(kind)
    desk.new()
    needed = KINDS[kind].operations[operation].privilege
    robin = desk.holding(*(set(PRIVILEGES) - {needed}))

    def transition(registry: Registry, by: By, one: Asset) -> Asset:
        return registry.transition(by, one.kind, one.id, operation)

    with pytest.raises(Forbidden, match=f"`{needed}`"):
        DOES.get(operation, transition)(desk.registry, robin, one)
    denial = desk.the_new_one()
    assert (denial.action, denial.outcome, denial.actor.name) == (
        "access.denied", "failure", "Robin",
    )  # fmt: skip
    assert KINDS[kind].noun in (denial.targets[0].name or "")
    assert desk.get(one) == one


def test_an_operator_runs_recipes_but_does_not_edit_them(desk: Desk) -> None:
    recipe = desk.make("recipe")
    operator = desk.holding(*BUILT_IN["Operator"])
    desk.registry.transition(operator, "recipe", recipe.id, "start")
    assert desk.log()[-1].actor.name == "Robin"
    with pytest.raises(Forbidden):
        desk.registry.rename(operator, "recipe", recipe.id, "X")


def test_tokens_for_assets_may_all_of_this_and_readers_of_the_log_nothing() -> None:
    needed = {
        operation.privilege for kind in KINDS.values() for operation in kind.operations.values()
    }
    needed |= {kind.view for kind in KINDS.values()}
    assert needed <= privileges_of_scopes(frozenset({"assets:manage"}))
    for scope in ("activities:read", "activities:write", "jobs:write", "team:manage"):
        assert not needed & privileges_of_scopes(frozenset({scope}))
