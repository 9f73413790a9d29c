"""How a process of ours keeps its memory, for work that makes and drops much of it all the time."""

from __future__ import annotations

import contextlib
import ctypes
import gc

GC_THRESHOLD = (50_000, 20, 50)
"""What is made per request is freed by its references; looking for cycles after every 700 objects
costs as much as the requests."""

KEPT_BYTES = 64 * 1024 * 1024
"""So much freed memory is kept for the next batch: to give it back to the system and fetch it
again costs more than to use it."""

YOUNG_MAX = 5_000
"""A page leaves some hundred objects that refer to each other. After a few pages they are cleared
away in a millisecond; at GC_THRESHOLD somebody would wait for twenty."""

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3


def settle_memory() -> None:
    """Call it once, when the process has loaded what it needs: that stays for good, and the
    collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)
    # glibc's own; other C libraries are left as they are.
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(_M_MMAP_THRESHOLD, KEPT_BYTES)


def clear_away() -> None:
    """Call it after work that leaves objects which refer to each other, such as a page."""
    if gc.get_count()[0] > YOUNG_MAX:
        gc.collect(0)
