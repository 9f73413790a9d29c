"""The command line in this process, without a second's start."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest

from trailkeeper.cli import main


def command(
    *arguments: str | Path, stdin: str = "", check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run it as `trailkeeper` would be."""
    given = ["trailkeeper", *map(str, arguments)]
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.object(sys, "argv", given),
        patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()))),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    code = ended.value.code
    assert isinstance(code, int)
    if check:
        assert code == 0, err.getvalue()
    return subprocess.CompletedProcess(given, code, out.getvalue(), err.getvalue())
