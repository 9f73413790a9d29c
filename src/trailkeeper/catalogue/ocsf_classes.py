"""The event classes of the Open Cybersecurity Schema Framework that the catalogue uses.

Numbers and captions are those of github.com/ocsf/ocsf-schema (events/iam and events/application)
as of version 1.3, where Activate and Deactivate came; the two activities of 3005 with roles came in
1.9. What versions call otherwise stands in ocsf_versions.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

OTHER_ACTIVITY = 99
"""In every class: an activity that the class has no number for."""


class OcsfClass(NamedTuple):
    """A class of events and its values of `activity_id`."""

    caption: str
    activities: Mapping[int, str]


_CRUD = {1: "Create", 2: "Read", 3: "Update", 4: "Delete"}
_ANY = {0: "Unknown", OTHER_ACTIVITY: "Other"}

CLASSES: Mapping[int, OcsfClass] = {
    3001: OcsfClass(
        "Account Change",
        _ANY
        | {1: "Create", 2: "Enable", 3: "Password Change", 4: "Password Reset", 5: "Disable"}
        | {6: "Delete", 7: "Attach Policy", 8: "Detach Policy", 9: "Lock"}
        | {10: "MFA Factor Enable", 11: "MFA Factor Disable"},
    ),
    3002: OcsfClass("Authentication", _ANY | {1: "Logon", 2: "Logoff"}),
    3004: OcsfClass(
        "Entity Management",
        _ANY
        | _CRUD
        | {5: "Move", 6: "Enroll", 7: "Unenroll", 8: "Enable", 9: "Disable"}
        | {10: "Activate", 11: "Deactivate", 12: "Suspend", 13: "Resume"},
    ),
    3005: OcsfClass(
        "User Access Management",
        _ANY
        | {1: "Assign Privileges", 2: "Revoke Privileges"}
        | {3: "Assign Role", 4: "Remove Role"},
    ),
    3006: OcsfClass(
        "Group Management",
        _ANY
        | {1: "Assign Privileges", 2: "Revoke Privileges", 3: "Add User", 4: "Remove User"}
        | {5: "Delete", 6: "Create", 7: "Add Subgroup", 8: "Remove Subgroup"},
    ),
    6003: OcsfClass("API Activity", _ANY | _CRUD),
}
