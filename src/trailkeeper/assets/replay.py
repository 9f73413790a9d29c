"""From the log to the assets: what the activities of a workspace amount to.

Everything but secrets is rebuilt from what Trailkeeper itself recorded of its assets: names,
places, states, versions and content. What stands in content under a secret-looking key is redacted
in the log and stays so here. An activity has a limited size: where content was cut in the log, the
asset is not `exact`, and the `content_sha256` of the record tells which kept version is meant.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from trailkeeper.activity import Activity, Change
from trailkeeper.assets.diff import DiffError, apply
from trailkeeper.assets.kind import Kind, Operation
from trailkeeper.assets.kinds import KINDS
from trailkeeper.assets.records import plain
from trailkeeper.ledger.cut import CUT
from trailkeeper.ledger.recorder import OWN_SOURCE
from trailkeeper.redaction import REDACTED

MAKING = ("create", "copy", "export", "import")


class Replayed(Struct, kw_only=True):
    """An asset as the log tells it. `content` has every field, secret ones at their default."""

    kind: str
    id: str
    name: str
    state: str | None = None
    version: int = 1
    folder_id: str | None = None
    parent_id: str | None = None
    public: bool = False
    content: dict[str, Any]
    deleted: bool = False
    exact: bool = True


def replay(activities: Iterable[Activity]) -> dict[str, Replayed]:
    """All assets by id, deleted ones too, from the activities in the order of their `seq`."""
    assets: dict[str, Replayed] = {}
    for one in activities:
        if one.outcome == "success" and one.context.source == OWN_SOURCE:
            kind = KINDS.get(one.targets[0].type)
            does = kind and _BY_ACTION[kind.name].get(one.action)
            if kind and does and (does.name in MAKING or one.targets[0].id in assets):
                _replay(assets, kind, does, one)
    return assets


def _replay(assets: dict[str, Replayed], kind: Kind, does: Operation, one: Activity) -> None:
    target, details = one.targets[0], one.details
    if does.name in MAKING:
        assets[target.id] = Replayed(
            kind=kind.name,
            id=target.id,
            name=target.name or "",
            content=plain(kind.content()),
        )
    asset = assets[target.id]
    if does.name in (*MAKING, "undelete"):
        asset.state = details.get("state", asset.state)
        asset.deleted = False
    if does.name in (*MAKING, "undelete", "move") and kind.place == "folder":
        asset.folder_id = details.get("folder_id")
    if does.name in MAKING and kind.place == "parent":
        asset.parent_id = details.get("parent_id")
    if does.name == "delete":
        asset.deleted = True
    if CUT in details or _is_cut(details.get("content")):
        asset.exact = False
    else:
        asset.content |= details.get("content", {})
    asset.version = details.get("version", asset.version)
    _change(asset, one)
    told = {name: details[name] for name in kind.told if name in details}
    asset.content = _without_secrets(kind, {**plain(kind.content()), **asset.content, **told})


def _change(asset: Replayed, one: Activity) -> None:
    """What the activity says was changed. What lies in something redacted or cut is passed over."""
    document: dict[str, Any] = {
        "name": asset.name, "state": asset.state, "public": asset.public, **asset.content,
    }  # fmt: skip
    if any(change.field == CUT or _is_cut(change.new) for change in one.changes):
        asset.exact = False
    try:
        document = apply(document, one.changes)
    except DiffError:
        document = _as_far_as_it_goes(document, one.changes)
    asset.name = document.pop("name")
    asset.state = document.pop("state")
    asset.public = document.pop("public")
    asset.content = document


def _as_far_as_it_goes(document: dict[str, Any], changes: list[Change]) -> dict[str, Any]:
    for change in changes:
        with contextlib.suppress(DiffError):
            document = apply(document, [change])
    return document


def _without_secrets(kind: Kind, content: dict[str, Any]) -> dict[str, Any]:
    is_secret = kind.secret_if is None or content[kind.secret_if]
    default = plain(kind.content())
    hidden = [name for name in kind.secret_fields if is_secret or content[name] == REDACTED]
    return {**content, **{name: default[name] for name in hidden}}


def _is_cut(value: Any) -> bool:
    return isinstance(value, dict) and CUT in value


def _by_action(kind: Kind) -> dict[str, Operation]:
    """A kind's operations by the action that they record; of several, the first."""
    return {one.action: one for one in reversed(kind.operations.values())}


_BY_ACTION = {kind.name: _by_action(kind) for kind in KINDS.values()}
