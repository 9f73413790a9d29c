"""What a role may do: the privileges there are, and the built-in roles made of them."""

from __future__ import annotations

from typing import Literal

Privilege = Literal[
    "activity_audit.view",
    "recipes.view",
    "recipes.edit",
    "recipes.run",
    "connections.view",
    "connections.edit",
    "tools.view",
    "tools.edit",
    "lifecycle.manage",
    "api_platform.manage",
    "jobs.view",
    "team.manage",
    "roles.manage",
    "streams.manage",
    "settings.manage",
    "api_clients.manage",
]

PRIVILEGES: dict[Privilege, str] = {
    "activity_audit.view": "See the activity audit log",
    "recipes.view": "See recipes and folders",
    "recipes.edit": "Make, change and delete recipes and folders",
    "recipes.run": "Start and stop recipes",
    "connections.view": "See connections",
    "connections.edit": "Make, change, connect and delete connections",
    "tools.view": "See lookup tables, properties, templates, topics and data models",
    "tools.edit": "Make, change and delete them",
    "lifecycle.manage": "Export and import packages",
    "api_platform.manage": "Manage collections, endpoints, clients and access profiles of the API"
    " platform",
    "jobs.view": "See job history",
    "team.manage": "Invite, change and remove collaborators",
    "roles.manage": "Make, change and delete custom roles",
    "streams.manage": "Set up audit log streaming",
    "settings.manage": "Change the workspace's settings",
    "api_clients.manage": "Make, rotate and revoke API clients",
}

OWNER = "owner"
ADMIN = "Admin"

BUILT_IN: dict[str, frozenset[str]] = {
    ADMIN: frozenset(PRIVILEGES),
    "Analyst": frozenset(
        {
            "recipes.view", "recipes.edit", "recipes.run", "connections.view", "connections.edit",
            "tools.view", "tools.edit", "jobs.view",
        }
    ),
    "Operator": frozenset(
        {"recipes.view", "recipes.run", "connections.view", "tools.view", "jobs.view"}
    ),
}  # fmt: skip
"""The roles that every workspace has. The owner is more than a role: one person, who may do all."""


def privileges_of(role: str, custom: str | None) -> frozenset[str]:
    """What a member with this role may do; `custom` is the list of a custom role of that name,
    separated by spaces. A role that is neither gives nothing."""
    if role == OWNER:
        return frozenset(PRIVILEGES)
    if role in BUILT_IN:
        return BUILT_IN[role]
    return frozenset((custom or "").split()) & frozenset(PRIVILEGES)
