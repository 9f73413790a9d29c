"""`import`: activities and jobs from another system's files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from trailkeeper.activity import ActivityInput, Target
from trailkeeper.cli.text import shown
from trailkeeper.installation import Installation, opened
from trailkeeper.sources import SOURCES
from trailkeeper.sources.importer import Importer, Summary
from trailkeeper.team.workspaces import COMMAND_LINE

REFUSALS_SHOWN = 20


def import_(
    *files: Path,
    data: Path,
    workspace: str,
    format_: Annotated[Literal["n8n", "jsonl"], Parameter(name="--format")],
    json_: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Import activities and jobs; what is there already is left alone, so it may be repeated.

    Prints at the end how many activities were imported or already there, and how many lines were
    skipped or refused; jobs, of which many lines tell, are counted on their own. Exits with 2 when
    a file cannot be read.

    Parameters
    ----------
    files
        The files, in the order in which they were written.
    data
        The installation's data folder.
    workspace
        The workspace's name.
    format_
        n8n: n8n's event log; jsonl: one activity per line, as the API takes and returns them.
    json_
        Print the summary as one JSON object.
    """
    if not files:
        print("trailkeeper: name at least one file to import", file=sys.stderr)
        return 2
    summary = Summary()
    unreadable: list[str] = []
    with opened(data) as installation:
        key = installation.workspaces.find(workspace)
        importer = Importer(
            installation.reader,
            installation.recorder,
            installation.writer,
            installation.jobs,
            key,
            format_,
            SOURCES[format_],
        )
        with _progress(quiet=json_) as progress:
            for file in files:
                try:
                    task = progress.add_task(shown(file.name), total=file.stat().st_size)
                    importer.run(
                        file, summary, lambda done, task=task: progress.update(task, completed=done)
                    )
                except OSError as error:
                    unreadable.append(f"{file}: {error.strerror}")
        if summary.has_news:
            _record(installation, key, format_, files, summary)
    _print(summary, json_)
    for line in unreadable:
        print(f"trailkeeper: cannot read {shown(line)}", file=sys.stderr)
    return 2 if unreadable else 0


def _progress(*, quiet: bool) -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=quiet or not console.is_terminal,
    )


def _record(
    installation: Installation, key: int, form: str, files: tuple[Path, ...], summary: Summary
) -> None:
    imported = ActivityInput(
        action="activities.imported",
        actor=COMMAND_LINE,
        targets=[Target(type="audit_log", id="activities", name="Activity audit log")],
        details={
            "format": form,
            "files": [file.name for file in files],
            "imported": summary.imported,
            "already_there": summary.already_there,
            "skipped": summary.skipped,
            "refused": summary.refused,
            "jobs": summary.jobs.imported + summary.jobs.updated,
        },
    )
    installation.writer.append(key, [installation.recorder.own(key, imported)])


def _print(summary: Summary, as_json: bool) -> None:
    if as_json:
        print(msgspec.json.encode(summary).decode())
        return
    print(
        f"{summary.imported} imported, {summary.already_there} already there,"
        f" {summary.skipped} skipped, {summary.refused} refused"
    )
    jobs = summary.jobs
    if any((jobs.imported, jobs.updated, jobs.already_there, jobs.refused)):
        print(
            f"jobs: {jobs.imported} imported, {jobs.updated} updated,"
            f" {jobs.already_there} already there, {jobs.refused} refused"
        )
    for reason, count in sorted(summary.skipped_reasons.items(), key=lambda item: -item[1]):
        print(f"  skipped {count}: {shown(reason)}")
    for refusal in summary.refusals[:REFUSALS_SHOWN]:
        print(f"  refused {shown(refusal.file)}:{refusal.line}: {shown(refusal.reason)}")
    refused = summary.refused + jobs.refused
    if refused > REFUSALS_SHOWN:
        print(f"  … and {refused - REFUSALS_SHOWN} more refused (--json names them)")
