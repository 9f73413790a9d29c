"""The command line: one file per group of commands. Results go to stdout, all else to stderr.

Exit codes: 0 done, 1 refused or not found, 2 wrong usage or could not run.
"""

from __future__ import annotations

import sys

from cyclopts import App
from rich.console import Console

from trailkeeper import __version__
from trailkeeper.backup.manifest import BackupError
from trailkeeper.cli import (
    archive,
    assets,
    backup,
    exports,
    imports,
    reading,
    retention,
    setup,
    streams,
    sync,
    users,
)
from trailkeeper.cli.text import shown
from trailkeeper.errors import Problem
from trailkeeper.identity.passwords import WeakPassword
from trailkeeper.installation import InstallationError
from trailkeeper.ledger.migrate import SchemaError
from trailkeeper.settings import SettingsError
from trailkeeper.team.workspaces import TeamError

EXPECTED = (
    InstallationError,
    BackupError,
    SettingsError,
    SchemaError,
    TeamError,
    WeakPassword,
    Problem,
)
"""What a user can put right: shown as one line, without a traceback."""

app = App(
    name="trailkeeper",
    help="Self-hosted activity audit log for integration platforms.",
    version=__version__,
    error_console=Console(stderr=True),
)
app.command(setup.init)
app.command(setup.token)
app.command(users.user)
app.command(users.workspace)
# By its name: only the server needs what it imports, and that takes half a second.
app.command("trailkeeper.cli.server:serve", name="serve")
app.command(assets.asset)
app.command("trailkeeper.cli.demo:demo", name="demo")
app.command(sync.sync)
app.command(reading.record)
app.command(imports.import_, name="import")
app.command(exports.export)
app.command(reading.search)
app.command(reading.tail)
app.command(backup.backup)
app.command(backup.restore)
app.command(streams.stream)
app.command(retention.retention)
app.command(retention.hold)
app.command(archive.archive)


def main() -> None:
    """Run the command of sys.argv and exit with its code."""
    try:
        result = app(sys.argv[1:])
    except EXPECTED as error:
        print(f"trailkeeper: {shown(str(error))}", file=sys.stderr)
        code = 1 if isinstance(error, InstallationError | BackupError | TeamError | Problem) else 2
        sys.exit(code)
    except BrokenPipeError:
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(result if isinstance(result, int) else 0)
