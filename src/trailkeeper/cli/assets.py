"""`asset`: what can be done with single assets, made from the table of kinds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from trailkeeper.assets.asset import ALL, HOME_NAME, Asset
from trailkeeper.assets.records import differing
from trailkeeper.assets.sync.yaml_text import write
from trailkeeper.cli.asset_doing import Doing, Options, operation_named, run
from trailkeeper.cli.asset_input import content_of, folder_id, kind_named
from trailkeeper.cli.asset_text import lines, tell, view
from trailkeeper.cli.reading import print_activities
from trailkeeper.cli.text import shown
from trailkeeper.errors import InvalidInput
from trailkeeper.installation import InstallationError, opened
from trailkeeper.query.filters import Filter, Match

PAGE = 1_000

Data = Annotated[Path, Parameter(help="The installation's data folder.")]
Workspace = Annotated[str, Parameter(help="The workspace's name.")]
KindName = Annotated[str, Parameter(help="Such as recipe, connection, folder or lookup_table.")]
Id = Annotated[str, Parameter(help="The asset's id.")]
Json = Annotated[bool, Parameter(name="--json", help="Print JSON.")]
Flag = Annotated[bool, Parameter(negative="")]
File = Annotated[Path, Parameter(allow_leading_hyphen=True)]

asset = App(name="asset", help="The assets of a workspace: recipes, connections, folders …")


@asset.command(name="list")
def list_assets(
    kind: KindName,
    *,
    data: Data,
    workspace: Workspace,
    folder: str | None = None,
    state: str = "",
    find: str = "",
    deleted: Flag = False,
    limit: int = PAGE,
    json_: Json = False,
) -> None:
    """List the assets of a kind, by name.

    Parameters
    ----------
    folder
        Only those in the folder with this path, such as ERP/Orders, or this id; / is the root.
    state
        Only those in this state, such as running.
    find
        Only those with this in their name.
    deleted
        Those that are deleted.
    limit
        How many at most.
    """
    row = kind_named(kind)
    found: list[Asset] = []
    with opened(data) as installation:
        key, registry = installation.workspaces.find(workspace), installation.registry
        place = ALL if folder is None else folder_id(registry, key, folder)
        after = None
        while len(found) < limit:
            page = registry.page(
                key,
                row.name,
                folder=place,
                state=state,
                q=find,
                deleted=deleted,
                after=after,
                limit=min(PAGE, limit - len(found)),
            )
            found += page.assets
            if (after := page.next) is None:
                break
    if json_:
        print(json.dumps([view(one) for one in found]))
        return
    for one in found:
        print(f"{one.id}  {one.state or '-':12}  v{one.version:<4}  {shown(one.name)}")


@asset.command
def show(kind: KindName, id: Id, *, data: Data, workspace: Workspace, json_: Json = False) -> None:
    """Show an asset, a deleted one as it was at the end; its secrets are never shown."""
    row = kind_named(kind)
    with opened(data) as installation:
        key, registry = installation.workspaces.find(workspace), installation.registry
        one = registry.get(key, row.name, id, deleted=True)
        path = [HOME_NAME, *(folder.name for folder in registry.path_of(key, one.folder_id))]
    if json_:
        print(json.dumps(view(one)))
        return
    for label, value in lines(one, "/".join(path)):
        print(f"{label:9} {shown(value)}")
    for line in write(differing(one.content)).splitlines() if differing(one.content) else ():
        print(f"  {shown(line)}")


@asset.command
def create(
    kind: KindName,
    name: str,
    *,
    data: Data,
    workspace: Workspace,
    file: File | None = None,
    folder: str | None = None,
    parent: str | None = None,
    json_: Json = False,
) -> None:
    """Make an asset and print its id, and the token that it may have got, this once.

    Parameters
    ----------
    name
        The asset's name.
    file
        A JSON or YAML file with the fields of its content; - reads standard input.
    folder
        The folder's path, such as ERP/Orders, or its id; default: the root.
    parent
        The id of the collection of an endpoint, or of the customer of an access profile.
    """
    row = kind_named(kind)
    content = content_of(file)
    with opened(data) as installation:
        by, registry = installation.workspaces.by_operator(workspace), installation.registry
        made = registry.create(
            by,
            row.name,
            name,
            folder_id=folder_id(registry, by.workspace, folder),
            parent_id=parent,
            content=content,
        )
    if json_:
        print(json.dumps(view(made)))
        return
    print(made.asset.id)
    if made.token:
        print(made.token)


@asset.command
def update(
    kind: KindName,
    id: Id,
    *,
    data: Data,
    workspace: Workspace,
    file: File | None = None,
    name: str | None = None,
    revision: int | None = None,
    json_: Json = False,
) -> None:
    """Change an asset's content, or its name, or both.

    Parameters
    ----------
    file
        A JSON or YAML file with the fields that are to be replaced; - reads standard input.
    name
        The new name.
    revision
        Only if the asset is still at this revision.
    """
    row = kind_named(kind)
    content = content_of(file)
    if not content and name is None:
        raise InvalidInput("Nothing is to be changed: give --file or --name")
    with opened(data) as installation:
        by = installation.workspaces.by_operator(workspace)
        one = installation.registry.update(
            by, row.name, id, name=name, content=content, revision=revision
        )
    tell(one, as_json=json_)


@asset.command
def do(
    kind: KindName,
    id: Id,
    operation: str,
    *,
    data: Data,
    workspace: Workspace,
    reason: str | None = None,
    name: str | None = None,
    folder: str | None = None,
    public: bool | None = None,
    version: int | None = None,
    output: Path | None = None,
    json_: Json = False,
) -> None:
    """Do something with an asset: start, stop, connect, disconnect, activate, deactivate, release,
    rename, move, copy, set-access-scope, refresh-token, restore, undelete, export.

    Parameters
    ----------
    operation
        What to do; each kind has its own.
    reason
        Why a recipe is stopped.
    name
        The new name, to rename or copy.
    folder
        Where to move or copy it: a folder's path or id; / is the root.
    public
        What set-access-scope makes of a recipe.
    version
        Which version to restore.
    output
        Where to write the package that a manifest is exported into, too.
    """
    row = kind_named(kind)
    with opened(data) as installation:
        doing = Doing(
            registry=installation.registry,
            packages=installation.packages,
            by=installation.workspaces.by_operator(workspace),
            kind=row,
            id=id,
            operation=operation_named(row, operation),
            options=Options(
                reason=reason,
                name=name,
                folder=folder,
                public=public,
                version=version,
                output=output,
            ),
        )
        done = run(doing)
    tell(done, as_json=json_)


@asset.command(name="import")
def import_package(
    file: Path,
    *,
    data: Data,
    workspace: Workspace,
    name: str | None = None,
    folder: str | None = None,
    json_: Json = False,
) -> None:
    """Make all assets of a package in a new folder, or none of them.

    Parameters
    ----------
    file
        The package, as it was exported.
    name
        The new folder's name; default: the package's.
    folder
        Where the new folder is to be: a folder's path or id; default: the root.
    """
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise InstallationError(f"{file} cannot be read: {error.strerror}") from None
    with opened(data) as installation:
        by = installation.workspaces.by_operator(workspace)
        into = folder_id(installation.registry, by.workspace, folder)
        package = installation.packages.import_(by, raw, name, into, file_name=file.name)
    tell(package, as_json=json_)


@asset.command
def delete(
    kind: KindName,
    id: Id,
    *,
    data: Data,
    workspace: Workspace,
    recursive: Flag = False,
    json_: Json = False,
) -> None:
    """Delete an asset; `asset do … undelete` brings it back within 30 days.

    Parameters
    ----------
    recursive
        A folder with all that is in it.
    """
    row = kind_named(kind)
    with opened(data) as installation:
        by = installation.workspaces.by_operator(workspace)
        gone = installation.registry.delete(by, row.name, id, recursive=recursive)
    if json_:
        print(json.dumps([view(one) for one in gone]))
        return
    for one in gone:
        print(f"deleted {one.of.noun} {one.id} {shown(one.name)}")


@asset.command
def history(
    kind: KindName,
    id: Id,
    *,
    data: Data,
    workspace: Workspace,
    limit: int = 100,
    json_: Json = False,
) -> None:
    """Print what was done to an asset, from the log, newest first; as JSON, one object per line.

    Parameters
    ----------
    limit
        How many activities at most.
    """
    row = kind_named(kind)
    asked = Filter(matches=(Match(field="target", values=(f"{row.name}:{id}",)),))
    with opened(data) as installation:
        key = installation.workspaces.find(workspace)
        installation.registry.get(key, row.name, id, deleted=True)
        words = installation.actions.vocabulary(key)
        cursor, left = None, limit
        while left > 0:
            page = installation.reader.page(key, asked, limit=min(left, PAGE), cursor=cursor)
            print_activities(page.activities, words, json_)
            left -= len(page.activities)
            if not (cursor := page.next_cursor):
                break
