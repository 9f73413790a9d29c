"""What types of actors and assets are called, and their icons."""

from __future__ import annotations

from functools import cache

from trailkeeper.catalogue import catalogue, humanise
from trailkeeper.web.text import visible

_CAPITALS = {"api": "API", "sdk": "SDK", "sso": "SSO", "url": "URL", "id": "id"}


def type_label(kind: str) -> str:
    """`API collection` for `api_collection`."""
    words = humanise(kind).split(" ")
    return visible(" ".join(_CAPITALS.get(word.lower(), word) for word in words))


def type_icon(kind: str) -> str:
    """The icon of a type of asset: that of the category whose actions are about it."""
    return _type_icons().get(kind, "box")


@cache
def _type_icons() -> dict[str, str]:
    icons: dict[str, str] = {}
    for category in catalogue().categories:
        for action in category.actions:
            icons.setdefault(action.target_type, category.icon)
    return icons
