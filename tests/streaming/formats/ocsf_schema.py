"""The published schema of OCSF, as validators of its classes.

Versions up to 1.8 come whole from the package ocsf-json-schema, which has the schema as
schema.ocsf.io exports it. No package has 1.9 yet: it is made here of 1.8 and of what 1.9 adds that
events of Trailkeeper have, from ocsf-schema's change log and class definitions of v1.9.0. What 1.9
deprecates is taken out, so that using it would be an error.
"""

from __future__ import annotations

import copy
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from ocsf_json_schema.schema import OcsfJsonSchema

PACKAGED = ("1.4.0", "1.5.0", "1.6.0", "1.7.0", "1.8.0")

_USERS = {"type": "object_t", "object_type": "user", "is_array": True}
_USER = {"type": "object_t", "object_type": "user"}
_TEXTS = {"type": "string_t", "is_array": True}
_ROLE = {"type": "object_t", "object_type": "iam_role"}
_ROLES = {**_ROLE, "is_array": True}
_POLICIES = {"type": "object_t", "object_type": "policy", "is_array": True}
_RESOURCES = {"type": "object_t", "object_type": "resource_details", "is_array": True}
_GROUP = {"type": "object_t", "object_type": "group"}
_REQUIRED = {"requirement": "required"}

_USER_ACTIVITIES = (
    *("Create", "Update", "Delete", "Enable", "Disable", "Lock", "Unlock"),
    *("Password Change", "Password Reset", "Attach Policies", "Detach Policies"),
    *("MFA Factor Enable", "MFA Factor Disable", "Assign Privileges", "Remove Privileges"),
    *("Assign Roles", "Remove Roles"),
)
_ROLE_ACTIVITIES = (
    *("Create", "Update", "Delete", "Assign Privileges", "Remove Privileges"),
    *("Assign Resources", "Remove Resources", "Attach Policies", "Detach Policies"),
    *("Add Programmatic Credentials", "Remove Programmatic Credentials"),
)
_GROUP_ACTIVITIES = (
    *("Assign Privileges", "Revoke Privileges", "Add User", "Remove User", "Delete", "Create"),
    *("Add Subgroup", "Remove Subgroup", "Update Group", "Assign Roles", "Remove Roles"),
)
_GONE_CLASSES = ("account_change", "user_access")
_GONE = {
    "group_management": ("user", "resource"),
    "entity_management": ("entity_result",),
}


@lru_cache(maxsize=16)
def compiled(version: str) -> dict[str, Any]:
    """The schema of a version, with its classes, objects and types."""
    return _v1_9() if version == "1.9.0" else get_ocsf_schema(version)


def class_of(version: str, class_uid: int) -> dict[str, Any]:
    """What the schema says of a class."""
    classes = compiled(version)["classes"].values()
    return next(one for one in classes if one["uid"] == class_uid)


@lru_cache(maxsize=128)
def validator(version: str, class_uid: int) -> Draft202012Validator:
    """Strict: attributes that the schema does not have are errors."""
    schema = OcsfJsonSchemaEmbedded(OcsfJsonSchema(compiled(version)))
    return Draft202012Validator(schema.get_class_schema(class_of(version, class_uid)["name"]))


def problems(event: dict[str, Any], version: str) -> list[str]:
    """Why an event is not valid in a version, with the place."""
    found = validator(version, event["class_uid"]).iter_errors(event)
    return [f"{error.json_path}: {error.message}" for error in found]


def deprecated(event: dict[str, Any], version: str) -> list[str]:
    """The attributes of an event that its version deprecates."""
    schema = validator(version, event["class_uid"]).schema
    return list(_deprecated(event, schema, schema))


def _deprecated(value: Any, schema: Any, root: Any, path: str = "$") -> Any:
    while isinstance(schema, dict) and "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = root["$defs"][name]
    if isinstance(value, list):
        for one in value:
            yield from _deprecated(one, schema.get("items", {}), root, path)
    elif isinstance(value, dict):
        for name, one in value.items():
            part = schema.get("properties", {}).get(name, {})
            if part.get("deprecated"):
                yield f"{path}.{name}"
            yield from _deprecated(one, part, root, f"{path}.{name}")


def _v1_9() -> dict[str, Any]:
    schema = copy.deepcopy(get_ocsf_schema("1.8.0"))
    classes, objects = schema["classes"], schema["objects"]
    schema["version"] = "1.9.0"
    objects["iam_role"] = {
        "name": "iam_role",
        "caption": "IAM Role",
        "attributes": {
            **{name: {"type": "string_t"} for name in ("name", "uid", "uid_alt")},
            "privileges": _TEXTS,
            "policies": _POLICIES,
            "resources": _RESOURCES,
        },
        "constraints": {"at_least_one": ["name", "uid"]},
    }
    group = classes["group_management"]
    group["attributes"] |= {
        "users": _USERS,
        "iam_roles": _ROLES,
        "resources": _RESOURCES,
        "policies": _POLICIES,
        "updated_group": _GROUP,
    }
    _activities(group, "Group Management", _GROUP_ACTIVITIES)
    # What all classes of the category have.
    common = {
        name: attribute
        for name, attribute in group["attributes"].items()
        if name in classes["authentication"]["attributes"]
    }
    classes["user_management"] = {
        "name": "user_management",
        "caption": "User Management",
        "uid": 3007,
        "attributes": {
            **copy.deepcopy(common),
            "user": _USER | _REQUIRED,
            "updated_user": _USER,
            "iam_roles": _ROLES,
            "privileges": _TEXTS,
            "policies": _POLICIES,
            "resources": _RESOURCES,
        },
    }
    classes["role_management"] = {
        "name": "role_management",
        "caption": "Role Management",
        "uid": 3008,
        "attributes": {
            **copy.deepcopy(common),
            "iam_role": _ROLE | _REQUIRED,
            "updated_role": _ROLE,
            "privileges": _TEXTS,
            "policies": _POLICIES,
            "resources": _RESOURCES,
        },
    }
    _activities(classes["user_management"], "User Management", _USER_ACTIVITIES)
    _activities(classes["role_management"], "Role Management", _ROLE_ACTIVITIES)
    for name, gone in _GONE.items():
        for attribute in gone:
            del classes[name]["attributes"][attribute]
    for name in _GONE_CLASSES:
        del classes[name]
    return schema


def _activities(one: dict[str, Any], caption: str, names: tuple[str, ...]) -> None:
    """The numbers of a class and of its activities; `type_uid` follows from them."""
    attributes, uid = one["attributes"], one["uid"]
    numbers = {0: "Unknown", **dict(enumerate(names, 1)), 99: "Other"}
    attributes["class_uid"]["enum"] = {str(uid): {"caption": caption}}
    attributes["activity_id"]["enum"] = {
        str(number): {"caption": name} for number, name in numbers.items()
    }
    attributes["type_uid"]["enum"] = {
        str(uid * 100 + number): {"caption": f"{caption}: {name}"}
        for number, name in numbers.items()
    }
