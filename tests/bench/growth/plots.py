"""The figures of a run as pictures for the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from tests.bench.growth.figures import Growth, Latency, Stage
from tests.bench.growth.stage import BESIDE, SINGLES
from tests.bench.growth.tables import disk_parts

REST, BUSY = "#1f5fa8", "#c2571a"
"""A blue and an orange that differ for colour-blind eyes and in grey."""

BARS = ("#1f5fa8", "#c2571a", "#5b8c5a", "#8a6fb0", "#c9a227", "#5f6b73", "#b5bcc2")
COLUMNS = 3

STYLE = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e3e6e8",
    "axes.axisbelow": True,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "legend.frameon": False,
}


def draw(growth: Growth, folder: Path) -> list[Path]:
    """Write the pictures of a run with at least one stage; returns their paths."""
    made: list[Path] = []
    with mpl.rc_context(STYLE):
        for name, picture in (
            ("reads", _reads(growth)),
            ("recording", _recording(growth)),
            ("disk", _disk(growth)),
        ):
            path = folder / f"growth-{growth.store}-{name}.png"
            picture.savefig(path, dpi=110)
            made.append(path)
    return made


def _reads(growth: Growth) -> Figure:
    stages = growth.stages
    rows = -(-len(BESIDE) // COLUMNS)
    figure = Figure(figsize=(10, 2.6 * rows + 0.9), layout="constrained")
    all_axes: Sequence[Axes] = list(figure.subplots(rows, COLUMNS, sharex=True).flat)
    for axes, name in zip(all_axes, BESIDE, strict=False):
        axes.set_title(name, loc="left")
        for of, colour, said in (
            ([one.reads for one in stages], REST, "at rest"),
            (
                [one.beside for one in stages],
                BUSY,
                f"while {growth.posts_per_s:.0f} posts a second arrive",
            ),
        ):
            _lines(axes, stages, of, name, colour, said)
        axes.set_ylim(0, axes.get_ylim()[1] * 1.05)
        axes.set_xscale("log")
        _sizes_below(axes, stages)
    for axes in all_axes[len(BESIDE) :]:
        axes.set_visible(False)
    for axes in all_axes[::COLUMNS]:
        axes.set_ylabel("ms")
    handles, labels = all_axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    figure.suptitle(f"Reads over HTTP as the log grows ({growth.store}), activities in the log")
    return figure


def _lines(
    axes: Axes,
    stages: Sequence[Stage],
    of: Sequence[list[Latency]],
    name: str,
    colour: str,
    said: str,
) -> None:
    found = [(stage.asked, one) for stage, some in zip(stages, of, strict=True)
             for one in some if one.name == name]  # fmt: skip
    sizes = [size for size, _ in found]
    for values, style, part in (
        ([one.p50_ms for _, one in found], "-", "p50"),
        ([one.p99_ms for _, one in found], ":", "p99"),
    ):
        axes.plot(sizes, values, style, marker="o", markersize=4, color=colour,
                  label=f"{part} {said}")  # fmt: skip


def _recording(growth: Growth) -> Figure:
    stages = growth.stages
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    batches, singles = figure.subplots(1, 2)
    sizes = [stage.asked for stage in stages]
    for at, one in enumerate(stages[0].ingest):
        axes: Axes = singles if one.name == SINGLES.name else batches
        costs = [stage.ingest[at].mean_us for stage in stages]
        axes.plot(sizes, costs, marker="o", color=BARS[at], label=one.name)
    for axes, title in ((batches, "In batches"), (singles, "One by one")):
        axes.set_title(title, loc="left")
        axes.set_xscale("log")
        axes.set_ylim(0, axes.get_ylim()[1] * 1.05)
        _sizes_below(axes, stages)
        axes.set_xlabel("activities in the log")
    batches.set_ylabel("us for one activity, mean")
    figure.suptitle(f"What it costs to record an activity ({growth.store})")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def _disk(growth: Growth) -> Figure:
    stages = growth.stages
    figure = Figure(figsize=(8, 4.4), layout="constrained")
    axes: Axes = figure.subplots()
    left = [0.0] * len(stages)
    names = [stage.asked_for for stage in stages]
    for (part, each), colour in zip(disk_parts(stages).items(), BARS, strict=False):
        axes.barh(names, each, left=left, color=colour, label=part, height=0.6)
        left = [before + more for before, more in zip(left, each, strict=True)]
    for at, whole in enumerate(left):
        axes.text(whole, at, f" {whole:,.0f}", va="center")
    axes.margins(x=0.12)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("bytes for one activity")
    axes.set_ylabel("activities in the log")
    axes.set_title(f"Where the bytes are ({growth.store})", loc="left")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def _sizes_below(axes: Axes, stages: Sequence[Stage]) -> None:
    axes.set_xticks([stage.asked for stage in stages], [_short(stage.asked) for stage in stages])
    axes.minorticks_off()
    axes.margins(x=0.1)


def _short(count: int) -> str:
    for unit, name in ((1_000_000, " M"), (1_000, " k")):
        if count >= unit:
            return f"{count / unit:g}{name}"
    return str(count)
