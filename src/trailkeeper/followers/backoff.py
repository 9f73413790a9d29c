"""How long to wait before the next try."""

from __future__ import annotations

import random

FIRST_S = 1.0
MOST_S = 3_600.0
BREAKS_AFTER = 20
"""After so many failures in a row, which is about eight hours, the follower is paused."""

_chance = random.SystemRandom()


def delay_s(failures: int, retry_after_s: float | None = None) -> float:
    """Seconds until the next try after `failures` in a row: doubled each time up to an hour, and
    half of it by chance, so that many followers of one destination do not come at once. What the
    other side asked for is kept, but no longer than an hour."""
    if retry_after_s is not None:
        return min(max(retry_after_s, 0.0), MOST_S)
    whole = min(FIRST_S * 2.0 ** min(failures - 1, 20), MOST_S)
    return whole / 2 + _chance.uniform(0, whole / 2)
