"""Fills one installation stage by stage, and has it measured at each."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import time_machine
from tests.bench import machine
from tests.bench.growth import stage
from tests.bench.growth.clock import Clock
from tests.bench.growth.figures import Growth, commit
from tests.bench.growth.fill import WORKSPACES, Log
from tests.bench.stores import Store

from trailkeeper.activity import now_us

STAGES = (100_000, 200_000)
QUICK_STAGES = (4_000, 15_000)
STAGE_MIN = 4_000
"""With fewer activities some reads would find less than a page."""

MARGIN_US = 3_600_000_000
"""The workspaces are so much older than the first activity, and the last one is as old: measuring
goes on in the time after it."""

MEASURE_S = 120.0
"""A stage is not begun unless there is so much time left to measure it."""


def measure(
    folder: Path,
    *,
    store: Store,
    stages: Sequence[int],
    scale: float = 1.0,
    workspaces: int = WORKSPACES,
    budget_s: float = 24 * 60,
    done: Callable[[Growth], None] = lambda _: None,
) -> Growth:
    """The figures at each of these numbers of activities, rising.

    `done` is called after each stage. What goes wrong, the time being up among it, ends the run;
    then `failed` says at which stage and why.
    """
    begun = time.monotonic()
    growth = Growth(
        store=store.name,
        commit=commit(),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=machine.look(folder),
        posts_per_s=stage.POSTS_PER_S,
        workspaces=workspaces,
        stages=[],
        asked=list(stages),
    )
    clock = Clock(max(stages), now_us() - MARGIN_US)
    with time_machine.travel((clock.at(0) - MARGIN_US) / 1e6, tick=True):
        log = Log(store.make(folder / "growth"), clock, workspaces)
        log.add_workspaces()
    size = 0
    try:
        for size in stages:
            filled = log.grow_to(size, begun + budget_s - MEASURE_S * scale)
            growth.stages.append(stage.measure(store, log, filled, scale))
            growth.seconds = time.monotonic() - begun
            done(growth)
    except Exception as error:  # noqa: BLE001 # the stages before are worth having
        traceback.print_exc()
        growth.failed = f"at {size:,} activities: {error}"
    growth.seconds = time.monotonic() - begun
    return growth
