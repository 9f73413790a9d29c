"""How a page and a form declare where they are and what they ask of the visitor."""

from __future__ import annotations

from typing import Any

from litestar import get, post

from trailkeeper.web.session import Permission


def page(path: str, permission: Permission) -> Any:
    """A GET of HTML, for who has the permission; it runs in a thread of its own."""
    return get(path, opt={"permission": permission}, sync_to_thread=True, include_in_schema=False)


def form(path: str, permission: Permission) -> Any:
    """A POST of a form, for who has the permission; the handler checks the form's token."""
    return post(path, opt={"permission": permission}, sync_to_thread=True, include_in_schema=False)
