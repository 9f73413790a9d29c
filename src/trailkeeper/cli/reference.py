"""Writes docs/reference/command-line.md from the commands themselves."""

from __future__ import annotations

import sys
from pathlib import Path

from trailkeeper.cli import app


def page() -> str:
    """The page as Markdown."""
    sys.argv[:] = ["trailkeeper"]  # cyclopts shows the command that it was started with
    return app.generate_docs(output_format="markdown").rstrip() + "\n"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(page())
