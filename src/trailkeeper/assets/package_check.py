"""Whether what a package's file lists can be assets: kinds, names, places, links and content."""

from __future__ import annotations

import time
from collections.abc import Iterator

from trailkeeper.assets.findings import Findings, shown
from trailkeeper.assets.kind import Kind
from trailkeeper.assets.kinds import KINDS
from trailkeeper.assets.links import Link, links_of, relinked
from trailkeeper.assets.package_format import Item, JsonObject, Package
from trailkeeper.assets.reads import name_key
from trailkeeper.assets.values import checked_content, checked_name, hash_of_checked
from trailkeeper.errors import Problem

NOT_PACKED = frozenset({"manifest", "package", "api_customer", "access_profile"})
"""Kinds that no package holds: packages themselves, and who may call the API, which is another
matter in each workspace."""

CHECK_MAX_S = 10
"""How long the content of a package may take to be checked."""

SOME_ID = "1"
"""Instead of an id, as long as there is none."""

Folder = tuple[str, ...]


def check_package(package: Package) -> frozenset[bytes]:
    """The hashes of the contents, which were checked (see values.py). Raises InvalidInput with all
    that is wrong with a package's assets."""
    findings = Findings()
    for name in (package.name, package.workspace):
        _check_name("package.json", name, findings)
    inside = {item.listed.path: item.listed.kind for item in package.items}
    known = dict(inside)
    for outside in package.outside:
        _check_name("package.json", outside.name, findings)
        if outside.key in known or outside.kind not in KINDS:
            findings.add(
                "package.json", f"lists what cannot be outside of it: {shown(outside.key)}"
            )
        known[outside.key] = outside.kind
    folders = {folder_of(item) for item in package.items if item.listed.kind == "folder"}
    places: set[tuple[str, ...]] = set()
    checked: set[bytes] = set()
    until = time.monotonic() + CHECK_MAX_S
    for item in package.items:
        kind = KINDS.get(item.listed.kind)
        if kind is None or kind.name in NOT_PACKED:
            findings.add(
                item.listed.path, f"is a {shown(item.listed.kind)}, which no package can hold"
            )
            continue
        _check_name(item.listed.path, item.listed.name, findings)
        for why in _wrong_place(item, kind, folders, inside):
            findings.add(item.listed.path, why)
        place = (kind.name, item.listed.parent or "", *name_path(item.listed.folder, item))
        if place in places:
            findings.add(item.listed.path, "has the name of another one in the same place")
        places.add(place)
        content = item.content
        _check_links(item, kind, content, known, findings)
        checked |= _checked_content(item.listed.path, kind, content, findings)
        if time.monotonic() > until:
            findings.add("", "takes too long to check; import it in parts")
            break
    findings.refuse()
    return frozenset(checked)


def folder_of(item: Item) -> Folder:
    """The place of what lies in this folder."""
    return name_path(item.listed.folder, item)


def place_of(item: Item) -> Folder:
    """The place where an item lies."""
    return tuple(name_key(name) for name in item.listed.folder)


def name_path(folder: list[str], item: Item) -> Folder:
    """The way down to an item, as names are compared."""
    return (*(name_key(name) for name in folder), name_key(item.listed.name))


def _check_name(path: str, name: str, findings: Findings) -> None:
    try:
        if checked_name(name) != name:
            findings.add(path, "has a name with blanks around it")
    except Problem as problem:
        findings.add(path, f"has a name that {problem.errors[0].detail}")


def _wrong_place(
    item: Item, kind: Kind, folders: set[Folder], inside: dict[str, str]
) -> Iterator[str]:
    listed = item.listed
    if kind.place == "folder" and listed.folder and place_of(item) not in folders:
        yield "is in a folder that is not in the package"
    if kind.place != "folder" and listed.folder:
        yield "is in a folder, but of a kind that is in none"
    if kind.place == "parent" and (
        listed.parent is None or inside.get(listed.parent) != kind.parent_kind
    ):
        yield f"belongs to no {kind.parent_kind} of the package"
    if kind.place != "parent" and listed.parent is not None:
        yield "belongs to another asset, but is of a kind that does not"
    if strange := set(listed.secrets) - set(kind.secret_fields):
        yield f"says that it had a secret where none can be: {shown(min(strange))}"


def _check_links(
    item: Item, kind: Kind, content: JsonObject, known: dict[str, str], findings: Findings
) -> None:
    links = links_of(kind, content)
    for link in links:
        if known.get(link.id) != link.kind:
            findings.add(
                item.listed.path, f"names no {link.kind} of the package's list", link.pointer
            )
    if {link.id for link in links} != set(item.listed.references):
        findings.add(item.listed.path, "names other assets than `package.json` says")


def _checked_content(path: str, kind: Kind, given: JsonObject, findings: Findings) -> set[bytes]:
    def some_id(_link: Link) -> str:
        return SOME_ID

    for name in kind.managed:
        if name in given:
            findings.add(path, "is set by an operation, never by a package", f"/{name}")
    values = relinked(kind, given, some_id)
    try:
        checked = {hash_of_checked(kind, values)}
        content = checked_content(kind, values, checked)
    except Problem as problem:
        for error in problem.errors:
            findings.add(path, error.detail, error.pointer)
        return set()
    default = type(content)()
    for name in kind.secrets_in(content):
        if getattr(content, name) != getattr(default, name):
            findings.add(path, "holds a secret, which no package may", f"/{name}")
    return checked
