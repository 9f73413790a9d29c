"""Telling the addresses for error notifications that a job has failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

import structlog

from trailkeeper.jobs.keep import Kept
from trailkeeper.jobs.message import message_of

Notify = Callable[[int, str, str], Any]
"""Tells a workspace's addresses: workspace, subject, text. One subject is throttled as one."""

NAME_MAX = 60

log = structlog.get_logger()


class Alarm:
    """One subject for each recipe, so that a recipe that always fails does not send a mail for
    every job. Jobs of tests alarm nobody."""

    def __init__(self, notify: Notify, public_url: str) -> None:
        self._notify = notify
        self._url = public_url

    def failures(self, jobs: Iterable[Kept]) -> list[Kept]:
        """Those to be told of: jobs that have just failed, the first of each recipe."""
        first: dict[str, Kept] = {}
        for one in jobs:
            if one.ended and one.state == "failed" and not one.is_test:
                first.setdefault(one.recipe_id, one)
        return list(first.values())

    def tell(self, workspace: int, failures: Iterable[Kept]) -> None:
        """Never raises: a mail that cannot be sent is no reason to refuse a job."""
        for one in failures:
            try:
                self._notify(workspace, _subject(one), self._text(one))
            except Exception:
                log.exception("nobody could be told of a failed job", job=one.id)

    def _text(self, one: Kept) -> str:
        said = {
            "Recipe": one.recipe_name or one.recipe_id,
            "Job": one.title or str(one.id),
            "Error": message_of(one.error) if one.error else one.error_type,
        }
        lines = [f"{name}: {value}" for name, value in said.items() if value]
        link = f"{self._url}/jobs/{quote(str(one.id), safe='')}"
        return "A job has failed.\n\n" + "\n".join(lines) + f"\n\n{link}\n"


def _subject(one: Kept) -> str:
    id, name = _plain(one.recipe_id), _plain(one.recipe_name or "")
    return f"A job of recipe {name} ({id}) failed" if name else f"A job of recipe {id} failed"


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)[:NAME_MAX]
