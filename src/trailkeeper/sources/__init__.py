"""Adapters that turn another system's events into activities, one file or table per system.

Sources are pure, from lines of bytes to `ActivityInput`s; reading files and writing to the ledger
do not belong here.
"""

from __future__ import annotations

from collections.abc import Callable

from trailkeeper.sources.base import Mapped, Refused, Result, Skipped, Source
from trailkeeper.sources.jsonl import JsonlSource
from trailkeeper.sources.n8n import N8nSource

SOURCES: dict[str, Callable[[], Source]] = {"n8n": N8nSource, "jsonl": JsonlSource}
"""A maker of sources for each format that can be imported."""

__all__ = ["SOURCES", "Mapped", "Refused", "Result", "Skipped", "Source"]
