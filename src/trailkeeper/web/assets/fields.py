"""What the fields of each kind are called and filled in with.

A field that is not in the table gets its label from its name and its widget from its type.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, get_args, get_type_hints

from msgspec import Struct, structs

from trailkeeper.assets.kinds import KINDS, Kind
from trailkeeper.catalogue import humanise

EXPORTED = (
    *("recipe", "connection", "connector", "common_data_model", "lookup_table"),
    *("message_template", "property", "pubsub_topic", "api_collection", "api_policy"),
)
"""What a manifest can list, and a recipe use."""


class Field(Struct, frozen=True, kw_only=True):
    """`kinds` are those of the assets that can be chosen, `options` the values of a choice."""

    name: str
    label: str = ""
    help: str = ""
    widget: str = ""
    kinds: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


_TABLE: dict[str, tuple[Field, ...]] = {
    "": (
        Field(name="description", widget="text", help="What it is for."),
        Field(name="value", widget="text"),
        Field(name="body", widget="code", help="Gaps are filled in by recipes: {{ order.number }}"),
    ),
    "recipe": (
        Field(name="code", help="The steps, as the engine that runs them reads them."),
        Field(
            name="uses",
            label="Connections and other assets",
            widget="uses",
            kinds=EXPORTED,
            help="What the recipe works with. A package that exports it takes them along.",
        ),
    ),
    "connection": (
        Field(name="provider", label="Application", help="For example salesforce."),
        Field(name="identity", label="Account", help="Whom it is connected as."),
        Field(name="settings", help="What the application needs to know, as JSON."),
        Field(
            name="credentials",
            widget="secrets",
            help="Kept encrypted. They are never shown, exported or recorded.",
        ),
    ),
    "manifest": (
        Field(
            name="folder_id",
            label="Folder",
            kinds=("folder",),
            help="All that is in it is exported, and in the folders below it.",
        ),
        Field(name="assets", label="Assets", widget="uses", kinds=EXPORTED),
        Field(
            name="include_dependencies", label="Take along what these assets use", widget="check"
        ),
    ),
    "package": (
        Field(name="file_name", label="File"),
        Field(name="sha256", label="SHA-256"),
        Field(name="size", label="Size in bytes"),
        Field(name="assets", label="Assets in it", widget="line"),
        Field(name="manifest_id", label="Manifest", widget="asset", kinds=("manifest",)),
        Field(name="folder_id", label="Folder", widget="asset", kinds=("folder",)),
    ),
    "connector": (Field(name="source", label="Source code", widget="code"),),
    "common_data_model": (
        Field(name="schema", label="JSON Schema", help="Draft 2020-12; it refers only to itself."),
    ),
    "pubsub_topic": (
        Field(
            name="schema",
            label="JSON Schema of a message",
            help="Draft 2020-12; it refers only to itself.",
        ),
    ),
    "lookup_table": (
        Field(name="columns", widget="columns", help="A column without a name is taken away."),
    ),
    "property": (
        Field(name="secret", label="Keep it secret", help="It is encrypted and never shown again."),
    ),
    "api_collection": (
        Field(name="api_version", label="API version", help="What clients see, for example v1."),
        Field(name="base_path", label="Base path", help="For example /shop/v1."),
    ),
    "api_endpoint": (
        Field(name="path", help="Below the path of the collection, for example /orders."),
        Field(name="recipe_id", label="Recipe", kinds=("recipe",), help="What answers."),
    ),
    "api_customer": (Field(name="email", label="E-mail address"),),
    "access_profile": (
        Field(
            name="collection_ids",
            label="Collections",
            kinds=("api_collection",),
            help="What the client may call with the profile's token.",
        ),
        Field(name="policy_id", label="Policy", kinds=("api_policy",)),
    ),
    "api_policy": (
        Field(name="rate", help="Empty for no limit."),
        Field(name="quota", help="Empty for no limit."),
    ),
}


@cache
def fields_of(kind: str) -> dict[str, Field]:
    """All fields of a kind that are filled in by hand, in the order of its struct."""
    row = KINDS[kind]
    said = {field.name: field for field in (*_TABLE[""], *_TABLE.get(kind, ()))}
    hints = get_type_hints(row.content, include_extras=False)
    names = [name for name in row.content.__struct_fields__ if name not in row.managed]
    return {
        name: _whole(said.get(name) or Field(name=name), hints[name], row)
        for name in sorted(names, key=lambda name: name == "description" and kind != "recipe")
    }


def _whole(field: Field, hint: Any, kind: Kind) -> Field:
    """With what the type says where the table says nothing."""
    options = get_args(hint) if getattr(hint, "__origin__", None) is Literal else ()
    return structs.replace(
        field,
        label=field.label or humanise(field.name),
        widget=field.widget or _by_type(field.name, hint, kind),
        kinds=field.kinds,
        options=tuple(map(str, options)),
    )


def _by_type(name: str, hint: Any, kind: Kind) -> str:
    if any(reference.field == name for reference in kind.references):
        return "assets" if "list" in str(hint) else "asset"
    if hint is bool:
        return "check"
    if getattr(hint, "__origin__", None) is Literal:
        return "choice"
    return _BY_TYPE_NAME.get(_type_name(hint), "line")


_BY_TYPE_NAME = {"dict": "json", "Rate": "rate"}


def _type_name(hint: Any) -> str:
    """The name of a type, or of the one beside None."""
    for one in get_args(hint):
        if type(None) in get_args(hint) and one is not type(None):
            return _type_name(one)
    return getattr(getattr(hint, "__origin__", hint), "__name__", "")
