"""The pages at the left: those that the reader may see, and where the reader is."""

from __future__ import annotations

from msgspec import Struct

from trailkeeper.identity.privileges import Privilege
from trailkeeper.web.services import SignedIn


class Item(Struct, frozen=True):
    """A page, or with `items` a group of pages. Others may be seen with the privilege too, where
    the page starts with one of `below`."""

    label: str
    path: str
    icon: str = ""
    privileges: tuple[Privilege, ...] = ()
    items: tuple[Item, ...] = ()
    below: tuple[str, ...] = ()


class Entry(Struct, frozen=True):
    """The same for one reader: `is_current` marks the page that is open, or the group it is in."""

    label: str
    href: str
    icon: str
    is_current: bool
    entries: list[Entry]


_TABLE = (
    Item("Audit", "/audit", "scroll-text", ("activity_audit.view",)),
    Item("Recipes", "/recipes", "workflow", ("recipes.view",), below=("/folders",)),
    Item("Connections", "/connections", "plug", ("connections.view",)),
    Item(
        "Tools",
        "/tools",
        "wrench",
        ("tools.view",),
        (
            Item("Connector SDK", "/tools/connectors"),
            Item("Common data models", "/tools/common-data-models"),
            Item("Lookup tables", "/tools/lookup-tables"),
            Item("Message templates", "/tools/message-templates"),
            Item("Properties", "/tools/properties"),
            Item("Pub/Sub topics", "/tools/topics"),
        ),
    ),
    Item(
        "API platform",
        "/api-platform",
        "layers",
        ("api_platform.manage",),
        (
            Item("Collections", "/api-platform/collections", below=("/api-platform/endpoints",)),
            Item("Clients", "/api-platform/clients", below=("/api-platform/access-profiles",)),
            Item("Policies", "/api-platform/policies"),
        ),
    ),
    Item("Lifecycle", "/lifecycle", "package", ("lifecycle.manage",)),
    Item("Jobs", "/jobs", "play", ("jobs.view",)),
    Item("Team", "/team", "users", ("team.manage",)),
    Item("Team", "/team/roles", "users", ("roles.manage",)),
    Item("Settings", "/settings/jobs", "cog", ("settings.manage",)),
    Item("Settings", "/settings/audit-streaming", "cog", ("streams.manage",)),
    Item("Settings", "/settings/api-clients", "cog", ("api_clients.manage",)),
)

_OF_THE_WORKSPACE = (
    *("/settings/jobs", "/settings/audit-streaming", "/settings/archive"),
    "/settings/retention",
    *("/settings/api-clients", "/settings/sign-in", "/settings/delegated-admins"),
    *("/settings/single-sign-on", "/settings/mail"),
)
"""The settings that are not the account's own."""

_ALSO = {"Team": ("/team",), "Settings": _OF_THE_WORKSPACE}


def navigation(session: SignedIn, path: str) -> list[Entry]:
    """The entries of this reader, each name once: the first page of it that may be seen."""
    found: dict[str, Entry] = {}
    for item in _TABLE:
        if item.label not in found and set(item.privileges) <= session.privileges:
            found[item.label] = _entry(item, path)
    return list(found.values())


def _entry(item: Item, path: str) -> Entry:
    starts = (item.path, *item.below, *_ALSO.get(item.label, ()))
    return Entry(
        item.label,
        item.path,
        item.icon,
        any(f"{path}/".startswith(f"{start}/") for start in starts),
        [_entry(one, path) for one in item.items],
    )
