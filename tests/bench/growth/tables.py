"""The figures of a run as tables: a column for each stage, and how much more the last one is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from msgspec import Struct
from tests.bench import table
from tests.bench.growth.figures import Growth, Ingest, Latency, Stage

GROWN_FROM = 200_000
"""Growth is counted from the first stage of at least so many, where there is a later one."""


class Table(Struct, frozen=True):
    """A table under its title; the first column is what the row is about."""

    title: str
    head: list[str]
    rows: list[list[str]]


def tables(growth: Growth) -> list[Table]:
    """All tables of a run; none before its first stage is done."""
    stages = growth.stages
    if not stages:
        return []
    rate = f"{growth.posts_per_s:,.0f}"
    return [
        _wall(stages),
        _costs(stages, "Processor time of recording an activity, us", lambda one: one.cpu_us),
        _latencies("Reads at rest over HTTP, p50 · p99 ms", stages, lambda one: one.reads),
        _latencies(
            f"Reads while {rate} single posts a second arrive, p50 · p99 ms",
            stages,
            lambda one: one.beside,
        ),
        _processor(stages),
        _disk(stages),
    ]


def base_of(stages: Sequence[Stage]) -> Stage:
    """The stage from which growth is counted."""
    return next((one for one in stages[:-1] if one.activities >= GROWN_FROM), stages[0])


def show(growth: Growth) -> None:
    """Print the tables."""
    for one in tables(growth):
        table.show(one.title, one.head, one.rows)
    if growth.failed:
        print(f"\nFAILED {growth.failed}", flush=True)


def _head(first: str, stages: Sequence[Stage]) -> list[str]:
    base, last = base_of(stages).asked_for, stages[-1].asked_for
    grown = [f"{last} : {base}"] if len(stages) > 1 else []
    return [first, *(one.asked_for for one in stages), *grown]


def _row(
    name: str, texts: list[str], values: Sequence[float | None], stages: Sequence[Stage]
) -> list[str]:
    if len(stages) < 2:
        return [name, *texts]
    base, last = values[list(stages).index(base_of(stages))], values[-1]
    return [name, *texts, f"{last / base:.2f}" if base and last else ""]


def _costs(stages: Sequence[Stage], title: str, of: Callable[[Ingest], float | None]) -> Table:
    rows: list[list[str]] = []
    for at, one in enumerate(stages[0].ingest):
        costs = [of(stage.ingest[at]) for stage in stages]
        rows.append(_row(one.name, _texts(costs), costs, stages))
    return Table(title, _head("recorded by", stages), rows)


def _wall(stages: Sequence[Stage]) -> Table:
    """The time of the clock, with what the stages' filling took."""
    made = _costs(stages, "Cost of recording an activity, mean, us", lambda one: one.mean_us)
    fills = [stage.fill_us for stage in stages]
    made.rows.append(_row("filling up to here, all workspaces", _texts(fills), fills, stages))
    ratios = [f"{stage.ingest[1].mean_us / stage.ingest[0].mean_us:.2f}" for stage in stages]
    made.rows.append(
        _row("the writer's rate to the bare loop's", ratios, [None] * len(stages), stages)
    )
    loads = [stage.load_average for stage in stages]
    made.rows.append(
        _row("the machine's load average", _texts(loads), [None] * len(stages), stages)
    )
    return made


def _processor(stages: Sequence[Stage]) -> Table:
    rows: list[list[str]] = []
    for one in stages[-1].reads:
        costs = [
            next((read.cpu_ms for read in stage.reads if read.name == one.name), None)
            for stage in stages
        ]
        texts = ["" if cost is None else table.ms(cost) for cost in costs]
        rows.append(_row(one.name, texts, costs, stages))
    return Table("Processor time of the server for a read, ms", _head("read", stages), rows)


def _texts(costs: Sequence[float | None]) -> list[str]:
    return ["" if cost is None else f"{cost:.1f}" for cost in costs]


def _latencies(title: str, stages: Sequence[Stage], of: Callable[[Stage], list[Latency]]) -> Table:
    rows: list[list[str]] = []
    for name in dict.fromkeys(one.name for stage in stages for one in of(stage)):
        found: list[Latency | None] = [
            next((one for one in of(stage) if one.name == name), None) for stage in stages
        ]
        texts = [f"{table.ms(one.p50_ms)} · {table.ms(one.p99_ms)}" if one else "" for one in found]
        rows.append(_row(name, texts, [one.p50_ms if one else None for one in found], stages))
    return Table(title, _head("read", stages), rows)


def disk_parts(stages: Sequence[Stage], most: int = 6) -> dict[str, list[float]]:
    """Bytes for one activity at each stage, by part: the largest parts, and all others together."""
    names = Counter[str]()
    for part in stages[-1].parts:
        names[part.name] += part.bytes
    large = [name for name, _ in names.most_common(most)]
    each = {name: [0.0] * len(stages) for name in [*large, "all others"]}
    for at, stage in enumerate(stages):
        for part in stage.parts:
            name = part.name if part.name in large else "all others"
            each[name][at] += part.bytes / stage.activities
    return each


def _disk(stages: Sequence[Stage]) -> Table:
    rows: list[list[str]] = []
    for name, each in disk_parts(stages).items():
        rows.append(_row(name, [table.whole(one) for one in each], each, stages))
    whole = [stage.bytes_each for stage in stages]
    rows.append(_row("all", [table.whole(one) for one in whole], whole, stages))
    return Table("Bytes on disk for one activity", _head("of", stages), rows)
