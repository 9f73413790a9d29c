"""`demo`: a project of made-up people, to look around in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from trailkeeper.cli.setup import PasswordFile, read_password
from trailkeeper.demo.play import play
from trailkeeper.installation import opened


def demo(
    *,
    data: Path,
    workspace: str,
    owner_password_file: PasswordFile | None = None,
    json_: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Fill a workspace with the project of a made-up integration team, by doing for real all that
    the log then has. Not for a workspace that is in use. A second call is refused.

    The people have random passwords that nobody knows; `user reset-password` gives them others.

    Parameters
    ----------
    data
        The installation's data folder.
    workspace
        The workspace's name.
    owner_password_file
        A file whose first line is the owner's password; then the owner takes part, too.
    json_
        Print a JSON object.
    """
    password = read_password(owner_password_file) if owner_password_file else None
    with opened(data) as installation:
        count = play(installation, workspace, password)
    print(json.dumps({"activities": count}) if json_ else f"{count} activities of a demo project")
