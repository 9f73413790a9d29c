"""`make bench`: every figure in one run of at most twelve minutes; with `--part growth --stages …`
(`make bench-growth`) how the figures change up to millions of activities.

Exits with 1 when something was not as it must be, such as an activity that was acknowledged and is
not there, or the time being up before the last stage. Figures decide nothing: what is fast enough
is for the reader to say.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from tests.bench import ingest, machine, reads, retention, slow, streaming
from tests.bench.growth import page as growth_page
from tests.bench.growth import run as growth
from tests.bench.growth import tables as growth_tables
from tests.bench.growth.figures import Growth
from tests.bench.stores import STORES, Store, store_of

PARTS = ("ingest", "slow", "reads", "retention", "streaming", "growth")
STREAMED = 100_000
"""Activities in the log that is streamed, unless fewer are asked for."""


class Figures(Struct, kw_only=True, omit_defaults=True):
    """All that was measured, as `--json` writes it. A part that did not run is absent."""

    machine: machine.Machine
    quick: bool
    ingest: list[ingest.Row] | None = None
    slow_fsync: slow.Slow | None = None
    slow_fsync_left_out: str | None = None
    reads: reads.Reads | None = None
    retention: retention.Retention | None = None
    streaming: streaming.Streaming | None = None
    growth: Growth | None = None
    seconds: float
    load_average_after: tuple[float, float, float]
    fsync_ms_after: float


def main(arguments: Sequence[str]) -> int:
    asked = _asked(arguments)
    if not asked.quick:
        # A fork shares memory with its parent; what is measured is started as a user's is.
        os.environ["TRAILKEEPER_TEST_COLD"] = "1"
    start = time.monotonic()
    scale, rounds = (0.05, 1) if asked.quick else (1.0, 5)
    count = asked.activities or (3_000 if asked.quick else 200_000)
    parts = asked.part or PARTS
    with (
        tempfile.TemporaryDirectory(prefix="trailkeeper-bench-", dir=asked.folder) as name,
        store_of(asked.store) as store,
    ):
        folder = Path(name)
        facts = machine.look(folder)
        print("\n".join(facts.lines()), flush=True)
        figures = Figures(
            machine=facts,
            quick=asked.quick,
            seconds=0,
            load_average_after=facts.load_average,
            fsync_ms_after=facts.fsync_ms,
        )
        if "ingest" in parts:
            figures.ingest = ingest.measure(folder, store, scale=scale, rounds=rounds, budget_s=80)
            ingest.show(figures.ingest)
        if "slow" in parts:
            try:
                figures.slow_fsync = slow.measure(folder, scale=scale, rounds=min(rounds, 3))
                slow.show(figures.slow_fsync)
            except slow.Unavailable as reason:
                figures.slow_fsync_left_out = str(reason)
                print(f"\nThe run with a slow fsync is left out: {reason}", flush=True)
        if "reads" in parts:
            requests = 10 if asked.quick else 200
            figures.reads = reads.measure(folder, store, activities=count, requests=requests)
            reads.show(figures.reads)
        if "retention" in parts:
            kept = asked.kept or (12_000 if asked.quick else 120_000)
            before_s = 2.0 if asked.quick else retention.BEFORE_S
            figures.retention = retention.measure(folder, activities=kept, before_s=before_s)
            retention.show(figures.retention)
        if "streaming" in parts:
            figures.streaming = streaming.measure(
                folder,
                activities=min(count, STREAMED),
                seconds=1 if asked.quick else 6,
                rounds=min(rounds, 3),
            )
            streaming.show(figures.streaming)
        if "growth" in parts:
            figures.growth = _growth(folder, store, asked)
        figures.fsync_ms_after = machine.fsync_ms(folder, machine.SYNCS)
    figures.seconds = time.monotonic() - start
    figures.load_average_after = os.getloadavg()
    after = " ".join(f"{one:.2f}" for one in figures.load_average_after)
    print(
        f"\nThe run took {figures.seconds:.0f} s. After it the load average is {after},"
        f" and an fsync takes {figures.fsync_ms_after:.2f} ms."
    )
    if asked.json:
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(figures)) + b"\n")
    if figures.growth and figures.growth.failed:
        print(f"The growth of the figures FAILED {figures.growth.failed}", file=sys.stderr)
        return 1
    return 0


def _growth(folder: Path, store: Store, asked: argparse.Namespace) -> Growth:
    """Measure, and print and keep what there is after each stage."""

    def keep(made: Growth) -> None:
        if asked.docs:
            growth_page.write(made, asked.docs)
        last = made.stages[-1]
        print(
            f"\n{last.asked_for} activities: measured after {made.seconds:,.0f} s in all",
            flush=True,
        )

    made = growth.measure(
        folder,
        store=store,
        stages=asked.stages or (growth.QUICK_STAGES if asked.quick else growth.STAGES),
        scale=0.02 if asked.quick else 1.0,
        workspaces=20 if asked.quick else growth.WORKSPACES,
        budget_s=asked.minutes * 60,
        done=keep,
    )
    growth_tables.show(made)
    if asked.docs:
        print(f"\nThe page is {growth_page.write(made, asked.docs)}")
    return made


def _stages(text: str) -> tuple[int, ...]:
    stages = tuple(int(one.replace("_", "")) for one in text.split(","))
    if list(stages) != sorted(set(stages)) or stages[0] < growth.STAGE_MIN:
        raise argparse.ArgumentTypeError(
            f"{text!r} must be rising numbers from {growth.STAGE_MIN:,} on, with commas between"
        )
    return stages


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--activities", type=int, help="in the log that is read (200,000)")
    parser.add_argument("--kept", type=int, help="in the log whose oldest month goes (120,000)")
    parser.add_argument("--quick", action="store_true", help="everything small, in under a minute")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this; may be repeated")
    parser.add_argument("--stages", type=_stages, help="sizes of the log that grows: 100000,200000")
    parser.add_argument("--store", choices=STORES, default="sqlite", help="sqlite")
    parser.add_argument("--minutes", type=float, default=24, help="what the growth may take (24)")
    parser.add_argument("--docs", type=Path, help="write the growth's page, JSON and plots there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--folder", type=Path, help="put the data in here; it is removed again")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
