"""Reads `activities.toml` and refuses one that contradicts itself."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from typing import Any

import msgspec

from trailkeeper.catalogue.ocsf_classes import CLASSES
from trailkeeper.catalogue.spec import OTHER, ActionSpec, Catalogue, Category, Detail
from trailkeeper.catalogue.template import (
    TemplateError,
    holes,
    is_reserved,
    may_stay_empty,
    parse,
)


class CatalogueError(ValueError):
    """The table is not usable: where, and why."""


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    category: list[dict[str, Any]]


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """The catalogue that ships with Trailkeeper, read once. Raises CatalogueError."""
    return read(files("trailkeeper.catalogue").joinpath("activities.toml").read_text("utf-8"))


def read(toml: str) -> Catalogue:
    """The catalogue that this text describes. Raises CatalogueError for anything out of place."""
    try:
        table = msgspec.convert(tomllib.loads(toml), _Table)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise CatalogueError(f"activities.toml: {error}") from error
    categories = tuple(_category(row, at) for at, row in enumerate(table.category, 1))
    actions = [action for category in categories for action in category.actions]
    _unique("the category", [category.name for category in categories])
    _unique("the action", [action.action for action in actions])
    _unique_event_types(actions)
    by_category = {category.name: category for category in categories}
    if OTHER not in by_category:
        raise CatalogueError(f'activities.toml: there is no category "{OTHER}"')
    return Catalogue(
        categories=categories,
        by_action={action.action: action for action in actions},
        by_category=by_category,
    )


def _category(row: dict[str, Any], at: int) -> Category:
    where = f"category {row.get('name', at)!r}"
    rows: list[dict[str, Any]] = row.get("action", [])
    try:
        bare = {key: value for key, value in row.items() if key != "action"}
        category = msgspec.convert(bare, Category)
        rows = msgspec.convert(rows, list[dict[str, Any]])
    except msgspec.ValidationError as error:
        raise CatalogueError(f"activities.toml, {where}: {error}") from error
    actions = [_action(entry, number, category) for number, entry in enumerate(rows, 1)]
    _unique(f"{where}, the label", [action.label for action in actions])
    return msgspec.structs.replace(category, actions=tuple(actions))


def _action(row: dict[str, Any], at: int, category: Category) -> ActionSpec:
    where = f"activities.toml, category {category.name!r}, action {row.get('action', at)!r}"
    try:
        spec = msgspec.convert({**row, "category": category.name}, ActionSpec)
    except msgspec.ValidationError as error:
        raise CatalogueError(f"{where}: {error}") from error
    for problem in _problems(spec, own=category.own):
        raise CatalogueError(f"{where}: {problem}")
    return spec


def _problems(spec: ActionSpec, *, own: bool) -> Iterator[str]:
    if spec.workato is None and not own:
        yield "`workato` is missing; only a category with `own = true` goes without"
    ocsf_class = CLASSES.get(spec.ocsf.class_uid)
    if ocsf_class is None:
        yield f"OCSF has no class {spec.ocsf.class_uid} that is known here"
    elif spec.ocsf.activity_id not in ocsf_class.activities:
        yield f"OCSF's {ocsf_class.caption} has no activity {spec.ocsf.activity_id}"
    for case in spec.cases:
        if case.sentence is None and case.event_type is None:
            yield f"the case {case.when} changes nothing"
        yield from _when_problems(spec.details, case.when)
    if spec.workato:
        yield from _when_problems(spec.details, spec.workato.when)
    for sentence in (spec.sentence, *(case.sentence for case in spec.cases)):
        if sentence:
            yield from _sentence_problems(spec, sentence)


def _when_problems(details: dict[str, Detail], when: dict[str, str | bool]) -> Iterator[str]:
    for key, value in when.items():
        json_type = "boolean" if isinstance(value, bool) else "string"
        if key not in details:
            yield f"`when` asks for {key!r}, which `details` does not declare"
        elif json_type not in details[key].types:
            yield f"`when` compares {key!r} with a {json_type}, which it never is"


def _sentence_problems(spec: ActionSpec, sentence: str) -> Iterator[str]:
    try:
        template = parse(sentence)
    except TemplateError as error:
        yield f"the sentence {sentence!r}: {error}"
        return
    for hole in holes(template):
        for name in hole.names:
            if not is_reserved(name) and name not in spec.details:
                yield f"the sentence {sentence!r} names {name!r}, which `details` does not declare"
    for hole in may_stay_empty(template):
        name = "|".join(hole.names)
        yield f"the sentence {sentence!r} may lack *{name}*: put it in brackets or add a fallback"


def _unique_event_types(actions: list[ActionSpec]) -> None:
    pairs: list[str] = []
    for action in actions:
        if action.workato:
            names = {action.workato.event_type}
            names |= {case.event_type for case in action.cases if case.event_type}
            when = " ".join(f"{key}={value}" for key, value in sorted(action.workato.when.items()))
            pairs += [f"{name} {when}".strip() for name in names]
    _unique("the event type", pairs)


def _unique(what: str, names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise CatalogueError(f"activities.toml: {what} {name!r} is there twice")
        seen.add(name)
