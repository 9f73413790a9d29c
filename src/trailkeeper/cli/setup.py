"""`init` and `token`: making an installation and the keys to it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from trailkeeper.activity import now_us
from trailkeeper.identity.names import checked_email, checked_name
from trailkeeper.identity.passwords import check_password
from trailkeeper.identity.tokens import Scope
from trailkeeper.installation import InstallationError, create, opened, own_url

token = App(name="token", help="API tokens.")

EXPIRES_DAYS_MAX = 36_500

PasswordFile = Annotated[Path, Parameter(allow_leading_hyphen=True)]
"""`-` is standard input; without the setting it would be taken for an option."""


def read_password(file: Path) -> str:
    """The first line of a file; `-` is standard input. Raises InstallationError."""
    try:
        text = sys.stdin.readline() if str(file) == "-" else file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InstallationError(f"The password file {file} cannot be read: {error}") from None
    lines = text.splitlines()
    if not lines or not lines[0]:
        raise InstallationError(f"The password file {file} is empty")
    return lines[0]


def init(
    *,
    data: Path,
    workspace: str,
    owner_email: str,
    owner_password_file: PasswordFile,
    owner_name: str | None = None,
    database_url: str | None = None,
    json_: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Make a data folder with one workspace and its owner; prints their ids as one JSON object.

    Parameters
    ----------
    data
        The folder to make; one that holds an installation is refused.
    workspace
        The workspace's name.
    owner_email
        What the owner logs in with.
    owner_password_file
        A file whose first line is the owner's password; - reads standard input.
    owner_name
        The owner's name; default: the part of the e-mail address before the @.
    database_url
        An empty PostgreSQL database, postgresql://USER:PASSWORD@HOST/DATABASE, if the setting
        database_url does not say it; default: a SQLite file in the data folder.
    json_
        The output is always JSON; taken for uniformity.
    """
    del json_
    # All that can be wrong is checked before anything is made.
    password = read_password(owner_password_file)
    checked_name(workspace, "The workspace's name", "/name")
    email = checked_email(owner_email, "/email")
    name = checked_name(owner_name or email.partition("@")[0], "The owner's name", "/owner")
    check_password(password)
    url = own_url(data, database_url)
    create(data, url)
    with opened(data, database_url=url) as installation:
        for warning in installation.warnings:
            print(f"trailkeeper: {warning}", file=sys.stderr)
        made = installation.workspaces.create(workspace, email, name, password)
    print(
        json.dumps(
            {
                "workspace_id": made.workspace_id,
                "workspace": made.workspace,
                "owner_id": made.owner_id,
                "owner_email": made.owner_email,
                "data": str(data),
            }
        )
    )


@token.command(name="create")
def create_token(
    *,
    data: Path,
    workspace: str,
    name: str,
    scope: list[Scope],
    expires_days: int | None = None,
    json_: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Make an API token and print it, this once and nothing else; only its hash is kept.

    Parameters
    ----------
    data
        The installation's data folder.
    workspace
        The workspace's name.
    name
        What the token is for; it stands in the log as the actor's name.
    scope
        What it may do; may be given several times.
    expires_days
        Days until it ends; default: never.
    json_
        Print {"token": …} instead of the bare token.
    """
    if expires_days is not None and not 1 <= expires_days <= EXPIRES_DAYS_MAX:
        raise InstallationError(f"--expires-days must be from 1 to {EXPIRES_DAYS_MAX}")
    expires_at = now_us() + expires_days * 86_400_000_000 if expires_days else None
    with opened(data) as installation:
        made = installation.tokens.create(
            installation.workspaces.by_operator(workspace), name, scope, expires_at
        ).token
    print(json.dumps({"token": made}) if json_ else made)


@token.command(name="list")
def list_tokens(
    *,
    data: Path,
    workspace: str,
    json_: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """List the tokens of a workspace, newest first."""
    with opened(data) as installation:
        rows = installation.tokens.listed(installation.workspaces.find(workspace))
    if json_:
        print(msgspec.json.encode(rows).decode())
        return
    for row in rows:
        print(f"{row.id}  {row.state:8}  {row.name}  ({' '.join(row.scopes)})")


@token.command(name="revoke")
def revoke_token(*, data: Path, workspace: str, id: str) -> None:
    """Revoke a token at once and for good; `id` is the one that `token list` shows."""
    with opened(data) as installation:
        installation.tokens.revoke(installation.workspaces.by_operator(workspace), id)
    print(f"revoked {id}")
