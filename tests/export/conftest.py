"""A served installation for these tests, and the command line in this process."""

from __future__ import annotations

from tests.api.conftest import http, own, run, shared_site, workspace

__all__ = ["http", "own", "run", "shared_site", "workspace"]
