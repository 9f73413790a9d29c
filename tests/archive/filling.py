"""A log of several days, as it would be had it been recorded then, and an archive of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
from tests.conftest import activity, make_site, wait_for

from trailkeeper.activity import ActivityInput, to_us
from trailkeeper.archive.archive import Archive
from trailkeeper.archive.archives import Standing
from trailkeeper.installation import Installation, opened
from trailkeeper.ledger import append

DAY_US = 86_400_000_000
FIRST = to_us(datetime(2026, 3, 1, 9, tzinfo=UTC))
"""In the first of the days, which are all long over."""


@contextmanager
def received_at(at: int) -> Iterator[None]:
    """What is recorded inside is received then, and a microsecond later each time."""
    with patch.object(append, "now_us", lambda: at):
        yield


def record(
    installation: Installation, workspace: int, at: int, fields: Iterable[dict[str, Any]]
) -> None:
    """Record activities that are received at a time."""
    sent = [msgspec.convert(one, ActivityInput) for one in fields]
    prepared = [installation.recorder.prepare(workspace, one) for one in sent]
    with received_at(at):
        for outcome in installation.writer.append(workspace, prepared):
            assert not isinstance(outcome, Exception), outcome


def fill(installation: Installation, workspace: int, days: int, each: int) -> int:
    """Some activities on each of some days; how many in all."""
    for day in range(days):
        record(
            installation,
            workspace,
            FIRST + day * DAY_US,
            (activity(id=f"d{day}-{n}", details={"word": f"w{n}x"}) for n in range(each)),
        )
    return days * each


@contextmanager
def acme(data: Path, folder: Path | None = None) -> Iterator[tuple[Installation, int]]:
    """An installation with the workspace Acme, and its key; `folder` is one that archives may be
    in."""
    environment = {"TRAILKEEPER_STREAM_ALLOWED_NETWORKS": "127.0.0.0/8"}
    if folder is not None:
        folder.mkdir(exist_ok=True)
        environment["TRAILKEEPER_STREAM_FOLDERS"] = str(folder)
    if not data.exists():
        # Made long ago, so that its own first activities are on a day of before.
        with received_at(FIRST - DAY_US):
            make_site(data)
    with patch.dict("os.environ", environment), opened(data) as installation:
        yield installation, installation.workspaces.find("Acme")


def set_archive(
    installation: Installation,
    kind: str,
    settings: dict[str, str],
    keep_days: int | None = None,
) -> Archive:
    by = installation.workspaces.by_operator("Acme")
    return installation.archives.set(by, kind, settings, keep_days)


def written(installation: Installation, seconds: float = 30) -> Standing:
    """After all days that are over have been archived. The followers run from then on."""
    installation.archive_keeper.close_days()
    start(installation)

    def done() -> Standing | None:
        one = installation.archives.get(installation.workspaces.find("Acme"))
        standing = installation.archives.standing(one)
        assert not standing.place.failures, standing.place.last_error
        return standing if standing.waiting == 0 else None

    return wait_for(done, seconds)


def start(installation: Installation) -> None:
    if installation.followers._thread.ident is None:
        installation.followers.start()
    installation.followers.look()
