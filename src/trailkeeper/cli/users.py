"""`user` and `workspace`: people who can log in, and where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from trailkeeper.activity import rfc3339
from trailkeeper.cli.setup import PasswordFile, read_password
from trailkeeper.cli.text import shown
from trailkeeper.installation import opened

user = App(name="user", help="People who can log in.")
workspace = App(name="workspace", help="Workspaces: one installation has as many as you like.")


@user.command
def add(
    *,
    data: Path,
    workspace: str,
    email: str,
    name: str,
    password_file: PasswordFile,
    role: str = "Operator",
    json_: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Make a user who is a member of the workspace; the role Admin may see the audit log.

    Parameters
    ----------
    data
        The installation's data folder.
    workspace
        The workspace's name.
    email
        What the user logs in with.
    name
        The user's name.
    password_file
        A file whose first line is the password; - reads standard input.
    role
        Admin, Analyst or Operator.
    json_
        Print a JSON object instead of the id.
    """
    password = read_password(password_file)
    with opened(data) as installation:
        id = installation.workspaces.add_member(
            installation.workspaces.by_operator(workspace), email, name, password, role
        )
    print(json.dumps({"user_id": id}) if json_ else id)


@user.command(name="list")
def list_users(
    *,
    data: Path,
    workspace: str,
    json_: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """List the collaborators of a workspace.

    Parameters
    ----------
    data
        The installation's data folder.
    workspace
        The workspace's name.
    json_
        Print one JSON array.
    """
    with opened(data) as installation:
        found = installation.members.listed(installation.workspaces.find(workspace))
    if json_:
        rows = [
            {
                "id": one.id,
                "email": one.email,
                "name": one.name,
                "role": one.role,
                "two_factor": one.has_two_factor,
                "joined_at": rfc3339(one.joined_at),
            }
            for one in found
        ]
        print(json.dumps(rows))
        return
    for one in found:
        second = "two-factor" if one.has_two_factor else "-"
        print(f"{one.id}  {one.role:10}  {second:10}  {shown(one.email)}  ({shown(one.name)})")


@user.command(name="reset-password")
def reset_password(*, data: Path, workspace: str, email: str, password_file: PasswordFile) -> None:
    """Give a collaborator a new password; their sessions end. Recorded.

    Parameters
    ----------
    data
        The installation's data folder.
    workspace
        The workspace's name.
    email
        What the user logs in with.
    password_file
        A file whose first line is the new password; - reads standard input.
    """
    password = read_password(password_file)
    with opened(data) as installation:
        by = installation.workspaces.by_operator(workspace)
        installation.operators.reset_password(by, email, password)
    print(f"the password of {shown(email)} was changed; their sessions have ended")


@user.command(name="disable-two-factor")
def disable_two_factor(*, data: Path, workspace: str, email: str) -> None:
    """Turn off a collaborator's two-factor authentication, for one who lost phone and recovery
    codes; their sessions end. Recorded.

    Parameters
    ----------
    data
        The installation's data folder.
    workspace
        The workspace's name.
    email
        What the user logs in with.
    """
    with opened(data) as installation:
        by = installation.workspaces.by_operator(workspace)
        installation.operators.disable_two_factor(by, email)
    print(f"two-factor authentication of {shown(email)} is off; their sessions have ended")


@workspace.command(name="create")
def create_workspace(
    *,
    data: Path,
    name: str,
    owner_email: str,
    owner_name: str | None = None,
    owner_password_file: PasswordFile | None = None,
    json_: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Make another workspace and print its id. Its owner is a user of this installation, or a new
    one, who then needs a password.

    Parameters
    ----------
    data
        The installation's data folder.
    name
        The new workspace's name.
    owner_email
        What the owner logs in with.
    owner_name
        The name of a new owner; default: the part of the e-mail address before the @.
    owner_password_file
        A file whose first line is a new owner's password; - reads standard input.
    json_
        Print a JSON object instead of the id.
    """
    password = read_password(owner_password_file) if owner_password_file else None
    with opened(data) as installation:
        made = installation.workspaces.create(
            name, owner_email, owner_name or owner_email.partition("@")[0], password
        )
    if json_:
        print(json.dumps({"workspace_id": made.workspace_id, "owner_id": made.owner_id}))
    else:
        print(made.workspace_id)


@workspace.command(name="list")
def list_workspaces(
    *, data: Path, json_: Annotated[bool, Parameter(name="--json")] = False
) -> None:
    """List the workspaces of an installation.

    Parameters
    ----------
    data
        The installation's data folder.
    json_
        Print one JSON array.
    """
    with opened(data) as installation:
        found = installation.workspaces.listed()
    if json_:
        print(json.dumps([{"id": id, "name": name} for id, name in found]))
        return
    for id, name in found:
        print(f"{id}  {shown(name)}")
