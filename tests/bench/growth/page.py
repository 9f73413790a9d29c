"""A run as a page of the documentation, with its JSON and its pictures beside it."""

from __future__ import annotations

from pathlib import Path

import msgspec
from tests.bench.growth.figures import Growth
from tests.bench.growth.plots import draw
from tests.bench.growth.tables import tables

INTRODUCTION = """\
One installation with {workspaces} workspaces is filled stage by stage and measured at each. The
first workspace has half of all activities, the others share the rest by Zipf's law; 32,000 happen
in a week, mostly in working hours. What is read is the first workspace, over HTTP, on one
connection, 50 activities a page. The bare loop inserts the same rows into the same database, with
nothing around it. The last column of a table is how many times as much the last stage is.

{machine}

Commit {commit}, {at}; the run took {minutes:.0f} minutes. All figures are in [{json}]({json}).
"""


def write(growth: Growth, folder: Path) -> Path:
    """Write `growth-<store>.md`, its pictures and its JSON into a folder; returns the page."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"growth-{growth.store}"
    (folder / f"{name}.json").write_bytes(msgspec.json.format(msgspec.json.encode(growth)) + b"\n")
    pictures = draw(growth, folder) if growth.stages else []
    parts = [
        f"# Figures as the log grows: {growth.store}\n",
        INTRODUCTION.format(
            workspaces=growth.workspaces,
            machine="; ".join(growth.machine.lines()) + ".",
            commit=growth.commit,
            at=growth.at,
            minutes=growth.seconds / 60,
            json=f"{name}.json",
        ),
    ]
    if growth.failed:
        parts.append(f"**The run failed {growth.failed}.** What was measured before stands here.\n")
    parts += [f"![{path.stem.replace('-', ' ')}]({path.name})\n" for path in pictures]
    for one in tables(growth):
        parts.append(f"## {one.title}\n")
        lines = [one.head, ["---"] * len(one.head), *one.rows]
        parts.append("\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n")
    page = folder / f"{name}.md"
    page.write_text("\n".join(parts))
    return page
