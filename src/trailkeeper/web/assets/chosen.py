"""The assets that a field names, with their own names, and those it could name."""

from __future__ import annotations

from msgspec import Struct

from trailkeeper.assets.asset import Asset
from trailkeeper.assets.kinds import KINDS
from trailkeeper.assets.registry import Registry
from trailkeeper.web.assets.fields import Field
from trailkeeper.web.assets.places import PLACES, page_of
from trailkeeper.web.assets.widgets import Raw
from trailkeeper.web.labels import type_icon
from trailkeeper.web.services import SignedIn
from trailkeeper.web.text import visible

OFFERED = 20


class Chosen(Struct, frozen=True):
    """An asset as a field shows it; without a `href` there is none with this id."""

    value: str
    label: str
    kind: str
    icon: str
    href: str = ""
    note: str = ""


def chosen_of(registry: Registry, workspace: int, field: Field, raw: Raw) -> list[Chosen]:
    """The assets whose ids stand in a field."""
    found: list[Chosen] = []
    for text in dict.fromkeys(raw.get("", [])):
        if not text.strip():
            continue
        kind, mark, id = text.partition(":") if field.widget == "uses" else ("", "", text)
        one = registry.find(workspace, id.strip()[:64])
        fits = one is not None and one.kind in ((kind,) if mark else field.kinds)
        found.append(as_chosen(one, text) if one and fits else _missing(text))
    return found


def offers(
    registry: Registry, who: SignedIn, kinds: list[str], text: str, *, typed: bool
) -> list[Chosen]:
    """Live assets of these kinds whose names hold the text, of the kinds the reader may see."""
    found: list[Chosen] = []
    for kind in dict.fromkeys(kinds):
        if kind in KINDS and KINDS[kind].view in who.privileges:
            page = registry.page(who.workspace, kind, q=text, limit=OFFERED)
            found += [
                as_chosen(one, f"{kind}:{one.id}" if typed else one.id) for one in page.assets
            ]
    return sorted(found, key=lambda one: one.label.casefold())[:OFFERED]


def as_chosen(one: Asset, value: str) -> Chosen:
    return Chosen(
        value,
        visible(one.name),
        PLACES[one.kind].one,
        type_icon(one.kind),
        page_of(one.kind, one.id),
        "deleted" if one.deleted_at else "",
    )


def _missing(text: str) -> Chosen:
    return Chosen(text, visible(text[:80]), "", "box", note="not found")
