"""`sync`: a folder of YAML files, kept in git, brought into the asset registry."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from trailkeeper.activity import Target
from trailkeeper.assets.sync import plan_text
from trailkeeper.assets.sync.apply import Applied, apply
from trailkeeper.assets.sync.commit import commit_of
from trailkeeper.assets.sync.export import export
from trailkeeper.assets.sync.files import read_folder
from trailkeeper.assets.sync.held import look
from trailkeeper.assets.sync.plan import Plan, make
from trailkeeper.assets.sync.problems import BadFiles
from trailkeeper.cli.text import shown
from trailkeeper.errors import InvalidInput
from trailkeeper.installation import Installation, InstallationError, opened

COMMIT_MAX = 200
Json = Annotated[bool, Parameter(name="--json")]
Flag = Annotated[bool, Parameter(negative="")]


def sync(
    directory: Path,
    *,
    data: Path,
    workspace: str,
    apply: Flag = False,
    adopt: Flag = False,
    export: Flag = False,
    allow_empty: Flag = False,
    commit: str | None = None,
    json_: Json = False,
) -> int:
    """Compare a folder of YAML files with the assets of a workspace, show what would be done, and
    do it with --apply, or after a yes on a terminal: all of it in one transaction, or nothing.

    What a sync has made is changed and deleted with its file. What was made by hand is left alone.
    Secrets never stand in files: a file names the environment variable that has one.

    Exits with 1 when the files, or what is in the registry, do not allow it.

    Parameters
    ----------
    directory
        The folder with the files.
    data
        The installation's data folder.
    workspace
        The workspace's name.
    apply
        Do it without asking.
    adopt
        Take over assets that were made by hand and have the names of files.
    export
        The other way: write the assets into the folder, which must be empty or not there.
    allow_empty
        Take a folder without any files to mean that all that a sync made is deleted.
    commit
        The id of the commit that the files are of, for the log; default: what git says of the
        folder, with -dirty where the files differ from it.
    json_
        Print one JSON object; nothing is asked.
    """
    if commit is not None and not (commit.isprintable() and 0 < len(commit) <= COMMIT_MAX):
        raise InvalidInput(f"--commit must have 1 to {COMMIT_MAX} printable characters")
    with opened(data) as installation:
        if export:
            return _export(installation, workspace, directory, as_json=json_)
        if not directory.is_dir():
            raise InstallationError(f"{directory} is no directory")
        try:
            sync_ = _Sync(installation, workspace, directory, commit or commit_of(directory))
            return sync_.run(apply_it=apply, adopt=adopt, allow_empty=allow_empty, as_json=json_)
        except BadFiles as bad:
            return _print_problems(bad, as_json=json_)


def at_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty()


class _Sync:
    """One run of the command."""

    def __init__(
        self, installation: Installation, workspace: str, directory: Path, commit: str | None
    ) -> None:
        self._registry = installation.registry
        self._by = installation.workspaces.by_operator(workspace)
        id = next(id for id, name in installation.workspaces.listed() if name == workspace)
        self._target = Target(type="workspace", id=id, name=workspace)
        self._directory = directory
        self._commit = commit

    def run(self, *, apply_it: bool, adopt: bool, allow_empty: bool, as_json: bool) -> int:
        held = look(self._registry, self._by.workspace)
        folder = read_folder(self._directory)
        plan = make(folder, held, os.environ, adopt=adopt)
        if not folder.files and plan.steps and not allow_empty:
            raise InvalidInput(
                f"{self._directory} holds no files; all that a sync made would be deleted."
                " If that is meant, say --allow-empty"
            )
        if not as_json:
            print("\n".join(shown(line) for line in plan_text.lines(plan)))
        wanted = apply_it or (not as_json and self._agreed(plan))
        applied = self._apply(plan) if wanted else None
        if as_json:
            print(json.dumps(_as_json(plan, self._commit, applied)))
        elif applied is not None:
            self._print(plan, applied)
        elif plan.steps:
            print("Nothing was changed. Apply it with --apply.")
        return 0

    def _agreed(self, plan: Plan) -> bool:
        """Whether somebody at a terminal says yes."""
        if not plan.steps or plan.hand_made or plan.unset or not at_terminal():
            return False
        return input("Apply it? Only yes is taken as a yes: ").strip() == "yes"

    def _apply(self, plan: Plan) -> Applied:
        return apply(
            self._registry,
            self._by,
            plan,
            os.environ,
            workspace=self._target,
            commit=self._commit,
        )

    def _print(self, plan: Plan, applied: Applied) -> None:
        for path, token in applied.tokens.items():
            print(f"{shown(path)}: its token, shown this once: {token}")
        if plan.steps:
            at = f" at commit {shown(self._commit)}" if self._commit else ""
            print(f"Applied{at}.")


def _export(installation: Installation, workspace: str, directory: Path, *, as_json: bool) -> int:
    key = installation.workspaces.find(workspace)
    try:
        count = export(look(installation.registry, key), directory)
    except OSError as error:
        raise InstallationError(f"{directory} cannot be written: {error.strerror}") from None
    print(json.dumps({"exported": count}) if as_json else f"{count} assets written")
    return 0


def _print_problems(bad: BadFiles, *, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"errors": msgspec.to_builtins(bad.problems)}))
        return 1
    for problem in bad.problems:
        print(shown(str(problem)), file=sys.stderr)
    count = len(bad.problems)
    print(
        f"trailkeeper: {count} {'problem' if count == 1 else 'problems'}; nothing was changed",
        file=sys.stderr,
    )
    return 1


def _as_json(plan: Plan, commit: str | None, applied: Applied | None) -> dict[str, Any]:
    return {
        **plan_text.as_json(plan),
        "commit": commit,
        "applied": applied is not None,
        "tokens": applied.tokens if applied else {},
    }
