"""The versions of an asset: which there are, what differs between two, and each as it was."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from trailkeeper.assets.asset import Asset, Version
from trailkeeper.assets.diff import diff
from trailkeeper.assets.records import plain
from trailkeeper.errors import NotFound
from trailkeeper.web.assets.places import PLACES, with_query
from trailkeeper.web.assets.show import registry_of
from trailkeeper.web.pane import ChangeView, change_view
from trailkeeper.web.security import WebRequest
from trailkeeper.web.services import SignedIn
from trailkeeper.web.session import session_of
from trailkeeper.web.text import as_json, visible

SHOWN = 100


class Line(Struct, frozen=True, kw_only=True):
    """A version in the list; `compare` shows what it changed."""

    version: int
    name: str
    author: str
    at: int
    is_present: bool
    compare: str
    look: str


class Versions(Struct, frozen=True, kw_only=True):
    lines: list[Line]
    older: str
    path: str
    low: int
    high: int
    changes: list[ChangeView]
    text: str
    shown: int | None
    may_restore: bool
    why_not: str
    revision: int


def view_of(request: WebRequest, one: Asset) -> Versions:
    """The list, with a comparison of two versions or, with `?version=`, one of them in full."""
    registry, who = registry_of(request), session_of(request)
    path = PLACES[one.kind].asset(one.id, "versions")
    before = _number(request, "before")
    found = registry.versions(who.workspace, one.kind, one.id, before=before, limit=SHOWN + 1)
    high = _number(request, "to") or one.version
    low = _number(request, "from") or max(high - 1, 1)
    shown = _number(request, "version")
    may_restore, why_not = _restoring(one, who)
    one_version = _version(request, one, shown) if shown else None
    return Versions(
        lines=[_line(version, one, path) for version in found[:SHOWN]],
        older=with_query(path, before=str(found[SHOWN - 1].version)) if found[SHOWN:] else "",
        path=path,
        low=low,
        high=high,
        changes=_changes(_version(request, one, low), _version(request, one, high)),
        text=as_json(_whole(one_version)) if one_version else "",
        shown=shown if one_version else None,
        may_restore=may_restore,
        why_not=why_not,
        revision=one.revision,
    )


def _restoring(one: Asset, who: SignedIn) -> tuple[bool, str]:
    """Whether the reader can restore a version now, and what is in the way if only the state is."""
    restore = one.of.operations.get("restore")
    if restore is None or restore.privilege not in who.privileges or one.deleted_at is not None:
        return False, ""
    if not restore.from_states or one.state in restore.from_states:
        return True, ""
    needed = " or ".join(restore.from_states)
    return False, f"It is {one.state}. A version can be restored only while it is {needed}."


def _line(version: Version, one: Asset, path: str) -> Line:
    number = version.version
    before = str(max(number - 1, 1))
    return Line(
        version=number,
        name=visible(version.name),
        author=visible(version.author_name or version.author_id or ""),
        at=version.created_at,
        is_present=number == one.version,
        compare=with_query(path, **{"from": before, "to": str(number)}) if number > 1 else "",
        look=with_query(path, version=str(number)),
    )


def _version(request: WebRequest, one: Asset, number: int) -> Version | None:
    try:
        workspace = session_of(request).workspace
        return registry_of(request).version(workspace, one.kind, one.id, number)
    except NotFound:
        return None


def _changes(low: Version | None, high: Version | None) -> list[ChangeView]:
    if low is None or high is None:
        return []
    return [change_view(change) for change in diff(_whole(low), _whole(high))]


def _whole(version: Version) -> dict[str, Any]:
    return {"name": version.name, **plain(version.content)}


def _number(request: WebRequest, name: str) -> int | None:
    text = request.query_params.get(name, "")
    return int(text) or None if text.isascii() and text.isdigit() and len(text) < 10 else None
