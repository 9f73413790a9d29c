"""A connection on which nothing takes for ever, however slowly the other side goes on."""

from __future__ import annotations

import ssl
import time
from typing import Any

import httpcore

SEND_S = 120.0
"""A request must have gone out within so many seconds."""

ANSWER_S = 60.0
"""A whole answer must have come within so many seconds after that."""

PIECE = 64 * 1024


class TimedStream(httpcore.NetworkStream):
    """Bounds a request and its answer as wholes; the time-out that a library sets begins anew with
    each byte."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self._is_reading = True
        self._since = 0.0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = self._left(ANSWER_S, is_reading=True)
        if left <= 0:
            raise httpcore.ReadTimeout(f"the answer took longer than {ANSWER_S:.0f} s")
        return self._inner.read(max_bytes, min(timeout or left, left))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), PIECE):
            left = self._left(SEND_S, is_reading=False)
            if left <= 0:
                raise httpcore.WriteTimeout(f"sending took longer than {SEND_S:.0f} s")
            self._inner.write(buffer[start : start + PIECE], min(timeout or left, left))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return TimedStream(self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def _left(self, most: float, *, is_reading: bool) -> float:
        """Seconds that are left of a phase: sending, or the answer. One ends with the other's
        beginning."""
        now = time.monotonic()
        if is_reading != self._is_reading:
            self._is_reading, self._since = is_reading, now
        return self._since + most - now
