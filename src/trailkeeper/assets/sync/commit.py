"""Which commit a folder of files is of."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

DIRTY = "-dirty"
_TIMEOUT_S = 30


def commit_of(root: Path) -> str | None:
    """The id of the commit that a folder is of, with `-dirty` where its files differ from that;
    None where it is in no git work tree, or git is not there."""
    head = _git(root, "rev-parse", "--verify", "--quiet", "HEAD")
    if not head:
        return None
    changed = _git(root, "status", "--porcelain", "--untracked-files=all", "--", ".")
    return head if changed == "" else head + DIRTY


def _git(root: Path, *arguments: str) -> str | None:
    """What git says; None where it fails. What a repository's own settings would have it run is
    not run."""
    program = shutil.which("git")
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 # no shell, and no argument from outside
            [program, "-C", str(root.resolve()), "-c", "core.fsmonitor=false", *arguments],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
