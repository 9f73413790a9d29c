"""All that was measured as the log grew, as it is written to a JSON file."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from msgspec import Struct
from tests.bench import machine
from tests.bench.stores import Part

ROOT = Path(__file__).parents[3]


class Latency(Struct, frozen=True):
    """A read's latencies, in milliseconds. `found`: activities in its answer. `cpu_ms`: what one
    takes of the server's processor time, which says more on a machine that others use too."""

    name: str
    requests: int
    p50_ms: float
    p99_ms: float
    found: int | None = None
    cpu_ms: float | None = None


class Ingest(Struct, frozen=True):
    """One way of recording: the median and the mean cost of an activity, in microseconds, and the
    processor time of it."""

    name: str
    activities: int
    median_us: float
    mean_us: float
    cpu_us: float | None


class Stage(Struct, frozen=True, kw_only=True):
    """The figures of a log of so many activities; `large` of them are the workspace's that is
    read."""

    asked: int
    """As it was asked for; Trailkeeper's own activities are more."""
    activities: int
    large: int
    filled: int
    """Activities that were filled in for this stage, and the mean cost of each of them."""
    fill_us: float | None
    parts: list[Part]
    ingest: list[Ingest]
    reads: list[Latency]
    beside: list[Latency]
    """The reads while posts arrive, and the posts themselves."""
    seconds: float
    load_average: float | None = None
    """Of the machine over the last minute of measuring: what others did is in the figures, too."""

    @property
    def asked_for(self) -> str:
        """What the stage is called."""
        return f"{self.asked:,}"

    @property
    def bytes_each(self) -> float:
        """Bytes on disk for one activity."""
        return sum(part.bytes for part in self.parts) / self.activities


class Growth(Struct, kw_only=True):
    """A whole run. `failed` says what went wrong; the stages before are right all the same."""

    store: str
    commit: str
    at: str
    machine: machine.Machine
    posts_per_s: float
    workspaces: int
    stages: list[Stage]
    asked: list[int]
    failed: str | None = None
    seconds: float = 0


def commit() -> str:
    """The commit that is checked out, and whether something differs from it."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return "unknown"

    def ask(*arguments: str) -> str:
        return subprocess.run(
            [git, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()

    differs = ask("status", "--porcelain", "--", "src", "tests/bench")
    return ask("rev-parse", "--short=12", "HEAD") + (" with changes" if differs else "")
