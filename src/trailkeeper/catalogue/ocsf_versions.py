"""Where versions of the Open Cybersecurity Schema Framework differ in the class of an action.

The catalogue's numbers are those of 1.3 and later; a version says here what it calls otherwise.
Sources: github.com/ocsf/ocsf-schema, events/iam, and the CHANGELOG of 1.9.0.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from trailkeeper.catalogue.ocsf import classification
from trailkeeper.catalogue.ocsf_classes import CLASSES, OTHER_ACTIVITY, OcsfClass

Numbers = tuple[int, int]
"""`(class_uid, activity_id)`."""

USER_MANAGEMENT = 3007
ROLE_MANAGEMENT = 3008


class OcsfVersion(Struct, frozen=True, kw_only=True, eq=False):
    """A version of the schema. `moves` are of all actions with these numbers, `actions` of one.
    With `has_roles` roles are objects, and groups take several users at once."""

    number: str
    classes: Mapping[int, OcsfClass]
    moves: Mapping[Numbers, Numbers]
    actions: Mapping[str, Numbers]
    has_roles: bool

    def classification(self, action: str) -> Numbers:
        """`(class_uid, activity_id)` of an action in this version."""
        if action in self.actions:
            return self.actions[action]
        numbers = classification(action)
        return self.moves.get(numbers, numbers)

    def captions(self, numbers: Numbers) -> tuple[str, str]:
        """The schema's own words for the two."""
        ocsf_class = self.classes[numbers[0]]
        return ocsf_class.caption, ocsf_class.activities[numbers[1]]


V1_4 = OcsfVersion(
    number="1.4.0",
    classes=CLASSES,
    # Roles became something of their own in 1.9; before, they are privileges.
    moves={(3005, 3): (3005, 1), (3005, 4): (3005, 2)},
    actions={},
    has_roles=False,
)

_ANY = {0: "Unknown", OTHER_ACTIVITY: "Other"}

V1_9 = OcsfVersion(
    number="1.9.0",
    classes={
        **CLASSES,
        USER_MANAGEMENT: OcsfClass(
            "User Management",
            _ANY
            | {1: "Create", 2: "Update", 3: "Delete", 4: "Enable", 5: "Disable"}
            | {6: "Lock", 7: "Unlock", 8: "Password Change", 9: "Password Reset"}
            | {10: "Attach Policies", 11: "Detach Policies"}
            | {12: "MFA Factor Enable", 13: "MFA Factor Disable"}
            | {14: "Assign Privileges", 15: "Remove Privileges"}
            | {16: "Assign Roles", 17: "Remove Roles"},
        ),
        ROLE_MANAGEMENT: OcsfClass(
            "Role Management",
            _ANY
            | {1: "Create", 2: "Update", 3: "Delete"}
            | {4: "Assign Privileges", 5: "Remove Privileges"}
            | {6: "Assign Resources", 7: "Remove Resources"}
            | {8: "Attach Policies", 9: "Detach Policies"}
            | {10: "Add Programmatic Credentials", 11: "Remove Programmatic Credentials"},
        ),
    },
    # 3001 Account Change and 3005 User Access Management are deprecated in favour of 3007.
    moves={
        (3001, OTHER_ACTIVITY): (USER_MANAGEMENT, OTHER_ACTIVITY),
        (3005, OTHER_ACTIVITY): (USER_MANAGEMENT, OTHER_ACTIVITY),
        **{
            (3001, old): (USER_MANAGEMENT, new)
            for old, new in (
                *((1, 1), (2, 4), (3, 8), (4, 9), (5, 5), (6, 3)),
                *((7, 10), (8, 11), (9, 6), (10, 12), (11, 13)),
            )
        },
        **{
            (3005, old): (USER_MANAGEMENT, new) for old, new in ((1, 14), (2, 15), (3, 16), (4, 17))
        },
    },
    actions={
        "user.email_updated": (USER_MANAGEMENT, 2),
        "user.name_updated": (USER_MANAGEMENT, 2),
        "role.created": (ROLE_MANAGEMENT, 1),
        "role.updated": (ROLE_MANAGEMENT, 2),
        "role.deleted": (ROLE_MANAGEMENT, 3),
    },
    has_roles=True,
)
