"""What the assets of each kind hold, one struct a kind.

Every field has a default, so that a name alone makes an asset, and limits. What a struct cannot
say stands in checks.py; which fields are secret, or hold ids of other assets, in kinds.py.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

CONTENT_MAX_BYTES = 1024 * 1024
"""An asset's content as JSON, secrets among it."""

ROWS_MAX = 10_000

Id = Annotated[str, Meta(min_length=1, max_length=64)]
KindName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}\Z")]
Line = Annotated[str, Meta(max_length=1_000)]
Text = Annotated[str, Meta(max_length=20_000)]
JsonObject = dict[str, Any]
Period = Literal["second", "minute", "hour", "day", "week", "month"]


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all these structs share: a field that is not known is refused."""


class Content(Part, frozen=True, kw_only=True):
    """The content of an asset of any kind."""

    description: Text = ""


class Use(Part, frozen=True, kw_only=True):
    """Another asset that this one uses or lists."""

    kind: KindName
    id: Id


class Column(Part, frozen=True, kw_only=True):
    """A column of a lookup table."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    type: Literal["string", "integer", "number", "boolean", "date"] = "string"


class Rate(Part, frozen=True, kw_only=True):
    """At most so many requests in each such period."""

    requests: Annotated[int, Meta(ge=1, le=1_000_000_000_000)]
    per: Period = "minute"


class FolderContent(Content, frozen=True, kw_only=True):
    """A folder is empty in itself; what lies in it says so."""


class RecipeContent(Content, frozen=True, kw_only=True):
    """`code` is the engine's own; `uses` are the connections and other assets it names."""

    code: JsonObject = {}
    uses: Annotated[list[Use], Meta(max_length=1_000)] = []


class ConnectionContent(Content, frozen=True, kw_only=True):
    """To `provider` as `identity`."""

    provider: Line = ""
    identity: Line = ""
    settings: JsonObject = {}
    credentials: JsonObject = {}


class ManifestContent(Content, frozen=True, kw_only=True):
    """What an export takes: the assets listed, and with a folder all that is in it."""

    folder_id: Id | None = None
    assets: Annotated[list[Use], Meta(max_length=10_000)] = []
    include_dependencies: bool = True


class PackageContent(Content, frozen=True, kw_only=True):
    """A file that was exported or imported; `assets` is how many it holds, `size` its bytes."""

    file_name: Line = ""
    sha256: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?\Z")] = ""
    size: Annotated[int, Meta(ge=0)] = 0
    direction: Literal["export", "import"] = "export"
    manifest_id: Id | None = None
    folder_id: Id | None = None
    assets: Annotated[int, Meta(ge=0)] = 0


class ConnectorContent(Content, frozen=True, kw_only=True):
    """A connector's source code; `released_version` is the version that recipes use."""

    source: str = ""
    released_version: Annotated[int, Meta(ge=1)] | None = None


class CommonDataModelContent(Content, frozen=True, kw_only=True):
    """`schema` is a JSON Schema 2020-12."""

    schema: JsonObject = {}


class LookupTableContent(Content, frozen=True, kw_only=True):
    """Every row has a text for each column; an empty text is no value."""

    columns: Annotated[list[Column], Meta(max_length=100)] = []
    rows: Annotated[list[list[Text]], Meta(max_length=ROWS_MAX)] = []


class MessageTemplateContent(Content, frozen=True, kw_only=True):
    """A message in the language Liquid."""

    subject: Line = ""
    body: str = ""


class PropertyContent(Content, frozen=True, kw_only=True):
    """A value for recipes to read; a `secret` one is never shown again."""

    value: Text = ""
    secret: bool = False


class PubsubTopicContent(Content, frozen=True, kw_only=True):
    """`schema` is the JSON Schema 2020-12 of its messages."""

    schema: JsonObject = {}


class ApiCollectionContent(Content, frozen=True, kw_only=True):
    """Endpoints under one base path; `api_version` is what its clients see."""

    api_version: Line = ""
    base_path: Line = ""


class ApiEndpointContent(Content, frozen=True, kw_only=True):
    """What answers at a path: a recipe."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: Line = ""
    recipe_id: Id | None = None


class ApiCustomerContent(Content, frozen=True, kw_only=True):
    """A client of the API platform."""

    email: Annotated[str, Meta(max_length=254)] = ""


class AccessProfileContent(Content, frozen=True, kw_only=True):
    """What a customer may call, and how often."""

    collection_ids: Annotated[list[Id], Meta(max_length=1_000)] = []
    policy_id: Id | None = None


class ApiPolicyContent(Content, frozen=True, kw_only=True):
    """How often may be called; without a rate or a quota there is no such limit."""

    rate: Rate | None = None
    quota: Rate | None = None
