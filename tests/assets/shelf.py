"""A folder of files beside a workspace, for tests of the sync."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

from tests.assets.desk import Desk

from trailkeeper.activity import Target
from trailkeeper.assets.asset import Asset
from trailkeeper.assets.sync.apply import Applied, apply
from trailkeeper.assets.sync.files import read_folder
from trailkeeper.assets.sync.held import Held, look
from trailkeeper.assets.sync.plan import Plan, make


@dataclass
class Shelf:
    """Files, and what becomes of them in the desk's workspace."""

    desk: Desk
    root: Path
    environ: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, text: str = "description: ''") -> Shelf:
        """Write a file; with `name` being `recipes/X` it is recipes/X.yaml."""
        file = self.root / (name if name.endswith((".csv", ".yml")) else f"{name}.yaml")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), "utf-8")
        return self

    def drop(self, name: str) -> Shelf:
        (self.root / f"{name}.yaml").unlink()
        return self

    def rename(self, old: str, new: str) -> Shelf:
        target = self.root / f"{new}.yaml"
        target.parent.mkdir(parents=True, exist_ok=True)
        (self.root / f"{old}.yaml").rename(target)
        return self

    def held(self) -> Held:
        return look(self.desk.registry, self.desk.workspace)

    def plan(self, *, adopt: bool = False) -> Plan:
        return make(read_folder(self.root), self.held(), self.environ, adopt=adopt)

    def carry_out(self, plan: Plan, commit: str | None = None) -> Applied:
        workspace = Target(type="workspace", id="w", name="Workspace")
        return apply(
            self.desk.registry,
            self.desk.by,
            plan,
            self.environ,
            workspace=workspace,
            commit=commit,
        )

    def sync(self, *, adopt: bool = False, commit: str | None = None) -> list[str]:
        """Plan and apply; the actions that this recorded, but for the summary."""
        self.desk.new()
        self.carry_out(self.plan(adopt=adopt), commit)
        return [one.action for one in self.desk.new() if one.action != "assets.synced"]

    def steps(self, *, adopt: bool = False) -> dict[str, list[str]]:
        """What a plan would do, by path."""
        return {step.path: list(step.verbs) for step in self.plan(adopt=adopt).steps}

    def there(self, path: str) -> Asset:
        """The asset that a file of this path would be of."""
        return self.held().by_path()[path]
