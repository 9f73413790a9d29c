"""Where the pages of each kind of asset are, and what they say: one row a kind."""

from __future__ import annotations

from urllib.parse import urlencode

from msgspec import Struct

from trailkeeper.assets.asset import Asset
from trailkeeper.assets.kinds import KINDS, Kind
from trailkeeper.web.labels import type_icon


class Place(Struct, frozen=True, kw_only=True):
    """The pages of a kind.

    `one` and `many` are the kind in a sentence. `create` is empty for what is not made by hand,
    `edit` is the button of the menu beside a row. `shows` are fields of the content that are
    columns of the list. `tabs` are the kind's own, by the end of their path. `children` is the kind
    of what lies in such an asset. `forms` are the fields of the form on each tab; a kind without
    any has one form of all its fields, on the tab `edits`. `makes` are those of the form for a new
    one, where it asks for less.
    """

    kind: str
    path: str
    title: str
    one: str
    many: str
    lead: str = ""
    create: str = ""
    edit: str = "Edit"
    delete: str = "Delete"
    shows: tuple[tuple[str, str], ...] = ()
    tabs: tuple[tuple[str, str], ...] = (("", "Details"),)
    children: str = ""
    edits: str = ""
    forms: dict[str, tuple[str, ...]] = {}
    makes: tuple[str, ...] | None = None
    has_list: bool = True

    @property
    def of(self) -> Kind:
        return KINDS[self.kind]

    @property
    def icon(self) -> str:
        return type_icon(self.kind)

    def asset(self, id: str, *rest: str) -> str:
        """The path of an asset's page, or of one below it."""
        return "/".join((self.path, id, *rest))


_TABLE = (
    Place(
        kind="folder",
        path="/folders",
        title="Folders",
        one="folder",
        many="folders",
        create="Create new folder",
        tabs=(("", "Contents"),),
        makes=(),
        has_list=False,
    ),
    Place(
        kind="recipe",
        path="/recipes",
        title="Recipes",
        one="recipe",
        many="recipes",
        create="Create a new recipe",
        delete="Delete recipe",
        tabs=(("", "Recipe"), ("connections", "Connections")),
        forms={"": ("description", "code"), "connections": ("uses",)},
        makes=("description",),
        has_list=False,
    ),
    Place(
        kind="connection",
        path="/connections",
        title="App connections",
        one="connection",
        many="connections",
        lead="The accounts in other applications that recipes work with.",
        create="Create a new connection",
        delete="Delete connection",
        shows=(("provider", "Application"), ("identity", "Account")),
        tabs=(("", "Settings"),),
    ),
    Place(
        kind="connector",
        path="/tools/connectors",
        title="Connector SDK",
        one="connector",
        many="connectors",
        lead="Connectors of your own. Recipes use the version that was released last.",
        create="Create connector",
        delete="Delete connector",
        shows=(("released_version", "Released"),),
        tabs=(("", "Source code"),),
    ),
    Place(
        kind="common_data_model",
        path="/tools/common-data-models",
        title="Common data models",
        one="data model",
        many="data models",
        lead="What a product, an order or an employee looks like, for all recipes.",
        create="Create a new data model",
        delete="Delete data model",
        tabs=(("", "Data model"),),
    ),
    Place(
        kind="lookup_table",
        path="/tools/lookup-tables",
        title="Lookup tables",
        one="lookup table",
        many="lookup tables",
        lead="Tables that recipes look values up in.",
        create="Create a new lookup table",
        delete="Delete table",
        tabs=(("", "Rows"), ("columns", "Columns")),
        edits="columns",
        forms={"columns": ("columns", "description")},
        makes=("columns", "description"),
    ),
    Place(
        kind="message_template",
        path="/tools/message-templates",
        title="Message templates",
        one="template",
        many="templates",
        lead="Messages with gaps that recipes fill in.",
        create="Create a new template",
        delete="Delete template",
        shows=(("subject", "Subject"),),
        tabs=(("", "Template"),),
    ),
    Place(
        kind="property",
        path="/tools/properties",
        title="Properties",
        one="property",
        many="properties",
        lead="Values that recipes read by name. A secret one is never shown again.",
        create="Add new property",
        delete="Delete property",
        shows=(("value", "Value"),),
        tabs=(("", "Property"),),
    ),
    Place(
        kind="pubsub_topic",
        path="/tools/topics",
        title="Pub/Sub topics",
        one="topic",
        many="topics",
        lead="What recipes tell each other, and what such a message looks like.",
        create="Create a new topic",
        tabs=(("", "Topic"),),
    ),
    Place(
        kind="api_collection",
        path="/api-platform/collections",
        title="API collections",
        one="collection",
        many="collections",
        lead="Endpoints that belong together, under one path.",
        create="Add a new API collection",
        edit="Edit collection",
        delete="Delete collection",
        shows=(("base_path", "Path"), ("api_version", "API version")),
        tabs=(("", "Endpoints"), ("settings", "Settings")),
        edits="settings",
        children="api_endpoint",
    ),
    Place(
        kind="api_endpoint",
        path="/api-platform/endpoints",
        title="Endpoints",
        one="endpoint",
        many="endpoints",
        create="Create a new endpoint",
        edit="Edit endpoint",
        delete="Delete endpoint",
        shows=(("method", "Method"), ("path", "Path")),
        tabs=(("", "Endpoint"),),
        has_list=False,
    ),
    Place(
        kind="api_customer",
        path="/api-platform/clients",
        title="Clients",
        one="client",
        many="clients",
        lead="Who may call the API, and with which access profiles.",
        create="Add new client",
        edit="Edit client",
        delete="Delete client",
        shows=(("email", "E-mail"),),
        tabs=(("", "Access profiles"), ("settings", "Settings")),
        edits="settings",
        children="access_profile",
    ),
    Place(
        kind="access_profile",
        path="/api-platform/access-profiles",
        title="Access profiles",
        one="access profile",
        many="access profiles",
        create="Create access profile",
        edit="Edit access profile",
        delete="Delete access profile",
        tabs=(("", "Access profile"),),
        has_list=False,
    ),
    Place(
        kind="api_policy",
        path="/api-platform/policies",
        title="Policies",
        one="policy",
        many="policies",
        lead="How often a client may call: a rate for each moment, a quota for the long run.",
        create="Create new policy",
        edit="Edit policy",
        delete="Delete policy",
        shows=(("rate", "Rate"), ("quota", "Quota")),
        tabs=(("", "Policy"),),
    ),
    Place(
        kind="manifest",
        path="/lifecycle/manifests",
        title="Manifests",
        one="manifest",
        many="manifests",
        create="Create new manifest",
        edit="Edit manifest",
        delete="Delete manifest",
        tabs=(("", "Manifest"),),
        has_list=False,
    ),
    Place(
        kind="package",
        path="/lifecycle/packages",
        title="Packages",
        one="package",
        many="packages",
        tabs=(("", "Package"),),
        has_list=False,
    ),
)

PLACES: dict[str, Place] = {place.kind: place for place in _TABLE}
"""All of them, by kind."""

SECTION_PATHS = {
    "api_endpoint": "/api-platform/collections",
    "access_profile": "/api-platform/clients",
    "manifest": "/lifecycle",
    "package": "/lifecycle",
}
"""Where to go back to from kinds without a plain list."""


def page_of(kind: str, id: str) -> str:
    """The page of an asset, by its kind and id."""
    return PLACES[kind].asset(id)


def listing_of(one: Asset) -> str:
    """The listing in which an asset stands."""
    if one.kind in ("folder", "recipe"):
        return folder_path(one.folder_id)
    if one.of.parent_kind and one.parent_id:
        return page_of(one.of.parent_kind, one.parent_id)
    place = PLACES[one.kind]
    return place.path if place.has_list else SECTION_PATHS[one.kind]


def folder_path(folder_id: str | None) -> str:
    """The Recipes page with this folder open."""
    return f"/recipes?folder={folder_id}" if folder_id else "/recipes"


def with_query(path: str, **asked: str | None) -> str:
    """`path` with these parameters too, but for those that are empty."""
    query = urlencode({name: value for name, value in asked.items() if value})
    if not query:
        return path
    return f"{path}{'&' if '?' in path else '?'}{query}"
