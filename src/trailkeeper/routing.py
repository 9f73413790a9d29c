"""Routers that are made for one application."""

from __future__ import annotations

from typing import Any, Self

import litestar


class Router(litestar.Router):
    """A router that is registered once. Litestar copies each that it registers, with all handlers
    and what it knows about them, for the case that it is registered elsewhere, too; that is a
    quarter of the time in which the application is made."""

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self
