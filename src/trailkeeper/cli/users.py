"""`user`: people who can log in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from trailkeeper.cli.setup import PasswordFile, read_password
from trailkeeper.installation import opened
from trailkeeper.team.workspaces import COMMAND_LINE

user = App(name="user", help="People who can log in.")


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
            installation.workspaces.find(workspace), email, name, password, role, COMMAND_LINE
        )
    print(json.dumps({"user_id": id}) if json_ else id)
