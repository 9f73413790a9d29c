"""Assets at the command line: as people read them, and as the API shows them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from trailkeeper.activity import rfc3339
from trailkeeper.api.asset_views import asset_view
from trailkeeper.assets.asset import Asset, Created
from trailkeeper.cli.text import shown


def view(one: Asset | Created) -> dict[str, Any]:
    """As the API shows it."""
    return msgspec.to_builtins(asset_view(one))


def tell(done: Asset | Created, *, as_json: bool) -> None:
    """Print what became of an asset, and the token that it may have got."""
    one, token = (done.asset, done.token) if isinstance(done, Created) else (done, None)
    if as_json:
        print(json.dumps(view(done)))
        return
    state = f" is {one.state}," if one.state else ""
    print(f"{one.of.noun} {one.id} {shown(one.name)}{state} version {one.version}")
    if token:
        print(token)


def lines(one: Asset, folder: str) -> Iterator[tuple[str, str]]:
    """What there is to know of an asset but for its content."""
    yield one.of.noun, f"{one.id}  {one.name}"
    if one.state:
        yield "state", one.state
    if one.of.place == "folder":
        yield "folder", folder
    if one.parent_id:
        yield "parent", one.parent_id
    if one.public:
        yield "public", "yes"
    yield "version", f"{one.version} (revision {one.revision})"
    yield "created", f"{rfc3339(one.created_at)} by {one.created_by or '-'}"
    yield "updated", rfc3339(one.updated_at)
    if one.deleted_at:
        yield "deleted", rfc3339(one.deleted_at)
    if one.secrets:
        yield "secrets", ", ".join(one.secrets)
