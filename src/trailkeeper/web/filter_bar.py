"""The filter bar: what is set, what can be, and the link that takes each part away."""

from __future__ import annotations

from msgspec import Struct

from trailkeeper.catalogue import Catalogue, catalogue
from trailkeeper.catalogue.vocabulary import Vocabulary
from trailkeeper.query.params import FILTER_PARAMS
from trailkeeper.web.labels import type_icon, type_label
from trailkeeper.web.services import Audit, Choice, Role
from trailkeeper.web.text import visible
from trailkeeper.web.urls import Address

RANGE_LABELS = {
    "any": "Any time",
    "1h": "Past hour",
    "24h": "Past 24 hours",
    "7d": "Past 7 days",
    "30d": "Past 30 days",
}
_CHIP_NAMES = {
    "actor": "User",
    "target": "Asset",
    "target_type": "Asset type",
    "action": "Activity",
    "category": "Activities of",
    "outcome": "Outcome",
    "ip": "IP address",
    "environment": "Environment",
    "source": "Source",
    "session": "Session",
    "q": "Search",
}
_SHOWN_ELSEWHERE = frozenset({"actor", "target", "target_type", "action", "category"})
_OWN_INPUTS = _SHOWN_ELSEWHERE | {"outcome", "q", "range", "from", "to", "tz"}


class Option(Struct, frozen=True):
    value: str
    label: str
    checked: bool = False
    icon: str = ""


class Group(Struct, frozen=True):
    """A category of actions."""

    name: str
    icon: str
    checked: bool
    actions: list[Option]


class Chip(Struct, frozen=True):
    name: str
    value: str
    without: str


class FilterBar(Struct, frozen=True, kw_only=True):
    ranges: list[Option]
    range_label: str
    is_custom: bool
    since: str
    until: str
    zone: str
    actors: list[Option]
    actor_label: str
    targets: list[Option]
    types: list[Option]
    target_label: str
    groups: list[Group]
    other_actions: list[str]
    action_label: str
    outcome: str
    text: str
    hidden: list[tuple[str, str]]
    chips: list[Chip]


def filter_bar(
    audit: Audit, workspace: int, address: Address, zone: str, words: Vocabulary
) -> FilterBar:
    """The bar for a filter. Works for a wrong filter too, so that it can be put right."""
    actors = _picked(audit, workspace, "actor", address)
    targets = _picked(audit, workspace, "target", address)
    types = _types(audit.target_types(workspace), address.values("target_type"))
    groups, other = _groups(audit.actions_seen(workspace), address, words)
    since, until = address.value("from"), address.value("to")
    is_custom = bool(since or until)
    chosen = "custom" if is_custom else address.value("range") or "any"
    range_label = span_label(since, until) if is_custom else RANGE_LABELS.get(chosen, chosen)
    chosen_types = [t.label for t in types if t.checked]
    actions = [a.label for g in groups for a in g.actions if a.checked]
    actions = [g.name for g in groups if g.checked] + actions + other
    return FilterBar(
        ranges=[Option(v, label, v == chosen) for v, label in RANGE_LABELS.items()],
        range_label=range_label,
        is_custom=is_custom,
        since=since,
        until=until,
        zone=address.value("tz") or zone,
        actors=actors,
        actor_label=_summary([a.label for a in actors], "Anyone", "users"),
        targets=targets,
        types=types,
        target_label=_summary([*chosen_types, *(t.label for t in targets)], "Any asset", "assets"),
        groups=groups,
        other_actions=other,
        action_label=_summary(actions, "Any activity", "activities"),
        outcome=address.value("outcome"),
        text=address.value("q"),
        hidden=[p for p in address.pairs if p[0] in FILTER_PARAMS and p[0] not in _OWN_INPUTS],
        chips=list(_chips(address, actors, targets, range_label, words)),
    )


def choice_option(choice: Choice, role: Role, chosen: set[str]) -> Option:
    """A user or asset as a picker shows it."""
    icon = type_icon(choice.type) if role == "target" else "user"
    label = visible(choice.name or choice.email or choice.id)
    return Option(choice.ref, label, choice.ref in chosen, icon)


def _picked(audit: Audit, workspace: int, role: Role, address: Address) -> list[Option]:
    options: list[Option] = []
    for value in address.values(role):
        found = audit.entity(workspace, role, value)
        label = (found.name or found.email or found.id) if found else value
        options.append(Option(value, visible(label), True))
    return options


def _types(seen: list[str], chosen: list[str]) -> list[Option]:
    every = sorted({*seen, *chosen})
    return [Option(kind, type_label(kind), kind in chosen, type_icon(kind)) for kind in every]


def _groups(seen: list[str], address: Address, words: Vocabulary) -> tuple[list[Group], list[str]]:
    """The catalogue's actions, with those that only occur in the log in their category."""
    table: Catalogue = catalogue()
    actions, categories = address.values("action"), address.values("category")
    every = [a.action for a in table.actions] + [a for a in seen if table.get(a) is None]
    by_category: dict[str, list[str]] = {}
    for action in every:
        by_category.setdefault(table.category_of(action), []).append(action)
    folded = {category.casefold() for category in categories}
    groups = [
        Group(
            category.name,
            category.icon,
            category.name.casefold() in folded,
            [
                Option(a, visible(words.label_of(a)), a in actions)
                for a in by_category.get(category.name, ())
            ],
        )
        for category in table.categories
    ]
    return [group for group in groups if group.actions], [a for a in actions if a not in every]


def _chips(
    address: Address,
    actors: list[Option],
    targets: list[Option],
    range_label: str,
    words: Vocabulary,
) -> list[Chip]:
    chips: list[Chip] = []
    if range_label != RANGE_LABELS["any"]:
        chips.append(Chip("Time", visible(range_label), address.without_time().href))
    names = {("actor", a.value): a.label for a in actors}
    names |= {("target", t.value): t.label for t in targets}
    for param, value in address.pairs:
        if label := _CHIP_NAMES.get(param):
            shown = names.get((param, value)) or _value_label(param, value, words)
            chips.append(Chip(label, shown, address.without(param, value).href))
    return chips


def _value_label(param: str, value: str, words: Vocabulary) -> str:
    if param == "action" and "*" not in value:
        return visible(words.label_of(value))
    if param in ("target_type", "outcome"):
        return type_label(value)
    return visible(value)


def _summary(labels: list[str], nothing: str, several: str) -> str:
    if not labels:
        return nothing
    return labels[0] if len(labels) == 1 else f"{len(labels)} {several}"


def span_label(since: str, until: str) -> str:
    since, until = since.replace("T", " "), until.replace("T", " ")
    if not until:
        return f"Since {since}"
    return f"{since} to {until}" if since else f"Until {until}"
