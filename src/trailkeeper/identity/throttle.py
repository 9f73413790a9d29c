"""Slowing down guesses of passwords, per address and per account from one address.

An account is never locked as such: its owner, at another address, can still log in.
"""

from __future__ import annotations

import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

PER_ACCOUNT = RateLimitItemPerMinute(10, 5)
PER_ADDRESS = RateLimitItemPerMinute(60, 5)


class Throttle:
    """Counts failed log-ins in this process."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def wait_s(self, account: str, address: str) -> int:
        """Seconds to wait before the next try; 0 when it may be now."""
        wait = 0
        for item, keys in ((PER_ACCOUNT, (account, address)), (PER_ADDRESS, (address,))):
            if not self._limiter.test(item, *keys):
                reset = self._limiter.get_window_stats(item, *keys).reset_time
                wait = max(wait, math.ceil(reset - time.time()), 1)
        return wait

    def failed(self, account: str, address: str) -> None:
        """Count a failed log-in."""
        self._limiter.hit(PER_ACCOUNT, account, address)
        self._limiter.hit(PER_ADDRESS, address)
