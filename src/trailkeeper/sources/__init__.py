"""Adapters that turn another system's events into activities and jobs, one file or table for each.
Sources are pure, from lines of bytes to `ActivityInput`s and the bodies of jobs; reading files and
writing to the ledger is the importer's.
"""

from __future__ import annotations

from collections.abc import Callable

from trailkeeper.sources.base import Mapped, OfJob, Refused, Result, Skipped, Source, ToldJob
from trailkeeper.sources.jsonl import JsonlSource
from trailkeeper.sources.n8n import N8nSource

SOURCES: dict[str, Callable[[], Source]] = {"n8n": N8nSource, "jsonl": JsonlSource}
"""A maker of sources for each format that can be imported."""

__all__ = ["SOURCES", "Mapped", "OfJob", "Refused", "Result", "Skipped", "Source", "ToldJob"]
