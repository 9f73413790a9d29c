"""`trailkeeper` on the command line, and `python -m trailkeeper`."""

from __future__ import annotations

from trailkeeper.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
