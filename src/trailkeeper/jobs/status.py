"""The words for how a job stands, and what they mean.

Senders use different words for the same: Workato's jobs of 2018 are `completed`, those of 2019
`succeeded`. A job keeps the word that was sent; searches go by its meaning.
"""

from __future__ import annotations

from typing import Literal

State = Literal["pending", "running", "unknown", "succeeded", "failed", "canceled"]
"""What a word means. `unknown` is for a job that has begun and of whose end nothing was heard."""

STATES: tuple[State, ...] = State.__args__

FINAL: frozenset[State] = frozenset({"succeeded", "failed", "canceled"})
"""A job in one of these has ended and never changes again."""

WORDS: dict[str, State] = {
    "pending": "pending",
    "queued": "pending",
    "waiting": "pending",
    "started": "running",
    "running": "running",
    "processing": "running",
    "unknown": "unknown",
    "succeeded": "succeeded",
    "completed": "succeeded",
    "failed": "failed",
    "crashed": "failed",
    "timed_out": "failed",
    "canceled": "canceled",
    "cancelled": "canceled",
    "aborted": "canceled",
    "stopped": "canceled",
}
"""Every word that is taken."""
