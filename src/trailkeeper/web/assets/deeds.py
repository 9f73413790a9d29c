"""What a reader can do with an asset: buttons and menu items, made from the kind's operations."""

from __future__ import annotations

from functools import cache

from msgspec import Struct

from trailkeeper.assets.asset import Asset
from trailkeeper.web.assets.places import PLACES, Place, with_query
from trailkeeper.web.services import SignedIn


class Look(Struct, frozen=True, kw_only=True):
    """How an operation looks. Labels may name the kind, as `{one}`; a `dialog` is a page that asks
    first, which scripts show in place; a `switch` is on or off. With `only`, of that kind only."""

    label: str
    icon: str
    style: str = ""
    menu: str = ""
    dialog: bool = False
    switch: bool = False
    done: str = ""
    only: str = ""


LOOKS: dict[str, Look] = {
    "start": Look(label="Start {one}", icon="play", style="primary", done="The {one} was started."),
    "stop": Look(label="Stop {one}", icon="circle-stop", done="The {one} was stopped."),
    "connect": Look(label="Connect", icon="plug", style="primary", done="The {one} is connected."),
    "disconnect": Look(label="Disconnect", icon="unplug", done="The {one} is disconnected."),
    "export": Look(
        label="Export",
        icon="file-output",
        style="primary",
        only="manifest",
    ),
    "release": Look(
        label="Release latest version",
        icon="rocket",
        style="primary",
        done="The latest version was released.",
    ),
    "activate": Look(label="Activate", icon="power", switch=True, done="The {one} is active."),
    "deactivate": Look(
        label="Deactivate", icon="power-off", switch=True, done="The {one} is inactive."
    ),
    "refresh-token": Look(label="Refresh token", menu="Refresh", icon="refresh-cw", dialog=True),
    "rename": Look(label="Rename", icon="pencil", dialog=True, done="The {one} was renamed."),
    "copy": Look(
        label="Copy",
        menu="Clone {one}",
        icon="copy",
        dialog=True,
        done="This is the copy; the original is unchanged.",
    ),
    "move": Look(label="Move to…", icon="folder-input", dialog=True, done="The {one} was moved."),
    "delete": Look(
        label="Delete",
        icon="trash-2",
        style="danger",
        dialog=True,
        done="The {one} was deleted.",
    ),
}
"""By the operation's name, in the order in which they stand."""


class Deed(Struct, frozen=True, kw_only=True):
    """One of them for one asset."""

    name: str
    label: str
    icon: str
    href: str
    style: str
    dialog: bool
    switch: bool
    is_on: bool = False


def deeds_of(one: Asset, who: SignedIn, back: str = "", *, menu: bool = False) -> list[Deed]:
    """What this reader can do with the asset as it is; a dialog comes back to `back`."""
    if one.deleted_at is not None:
        return []
    return deeds_for(PLACES[one.kind], one.id, one.state, who, back, menu=menu)


def deeds_for(
    place: Place, id: str, state: str | None, who: SignedIn, back: str, *, menu: bool
) -> list[Deed]:
    """The same for an asset that is known by its id and state."""
    found: list[Deed] = []
    for name, look in LOOKS.items():
        operation = place.of.operations.get(name)
        if operation is None or operation.privilege not in who.privileges:
            continue
        if look.only and look.only != place.kind:
            continue
        fits = not operation.from_states or state in operation.from_states
        if not fits and not look.dialog:
            continue
        href = place.asset(id, name)
        found.append(
            Deed(
                name=name,
                label=label_of(place, name, menu=menu),
                icon=look.icon,
                href=with_query(href, back=back) if look.dialog else href,
                style=look.style,
                dialog=look.dialog,
                switch=look.switch,
                is_on=name == "deactivate",
            )
        )
    return found


def label_of(place: Place, name: str, *, menu: bool = False) -> str:
    """What an operation is called for a kind."""
    look = LOOKS[name]
    if name == "delete":
        return place.delete
    return ((menu and look.menu) or look.label).format(one=place.one)


@cache
def sentences() -> dict[str, str]:
    """What a page says after a form was sent, by the slug in its address: what was done, and with
    which kind."""
    return {
        done_slug(name, place.kind): text.format(one=place.one)
        for place in PLACES.values()
        for name, text in _DONE.items()
    }


def done_slug(name: str, kind: str) -> str:
    return f"{name}-{kind}"


_DONE = {name: look.done for name, look in LOOKS.items() if look.done} | {
    "created": "The {one} was created.",
    "updated": "The {one} was saved as a new version.",
    "same": "Nothing was changed, so there is no new version.",
    "restored": "The earlier version was restored as a new one.",
    "undelete": "The {one} is back.",
    "public": "The {one} is public from now on.",
    "private": "The {one} is private from now on.",
    "exported": "The package is ready to be downloaded.",
    "imported-rows": "The rows of the file are in the table, as a new version.",
}
