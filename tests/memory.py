"""How much memory a command takes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# In a small process of its own: what a process has before it starts a command counts as the
# command's.
_MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def most_memory(command: Sequence[str | Path], **environment: str) -> tuple[int, str]:
    """The most bytes that a command had in memory, and what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *map(str, command)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    *printed, kilobytes = done.stdout.splitlines()
    return int(kilobytes) * 1024, "\n".join(printed)
