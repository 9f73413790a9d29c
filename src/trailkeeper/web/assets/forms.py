"""The form of an asset's content: made from its fields, and read back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import UNSET, Struct

from trailkeeper.assets.asset import Asset
from trailkeeper.assets.kinds import KINDS
from trailkeeper.assets.registry import Registry
from trailkeeper.errors import FieldError, InvalidInput, Problem
from trailkeeper.web.assets.chosen import Chosen, chosen_of
from trailkeeper.web.assets.fields import Field, fields_of
from trailkeeper.web.assets.places import Place
from trailkeeper.web.assets.sent import Form
from trailkeeper.web.assets.widgets import WIDGETS, Raw, Widget, Wrong
from trailkeeper.web.text import visible

_WORDS = {"rows": "row", "columns": "column", "collection_ids": "collection", "uses": "asset"}


class FormField(Struct, frozen=True, kw_only=True):
    """A field as its macro draws it. `is_set` is true of a secret that is kept."""

    name: str
    label: str
    help: str
    macro: str
    raw: Raw
    error: str = ""
    options: tuple[str, ...] = ()
    kinds: str = ""
    several: bool = False
    typed: bool = False
    chosen: list[Chosen] = []
    is_set: bool = False

    @property
    def value(self) -> str:
        return next(iter(self.raw.get("") or [""]), "")


def names_in(place: Place, tab: str = "") -> list[str]:
    """The fields of the form on a tab."""
    if place.forms:
        return list(place.forms.get(tab, ()))
    return list(fields_of(place.kind)) if tab == place.edits else []


def new_names(place: Place) -> list[str]:
    """The fields of the form that makes such an asset."""
    if place.makes is not None:
        return list(place.makes)
    return names_in(place, place.edits)


def read_content(kind: str, names: Iterable[str], form: Form, one: Asset | None) -> dict[str, Any]:
    """The content that was filled in; what is to stay as it is stands not in it. Raises
    InvalidInput with all that cannot be read."""
    content: dict[str, Any] = {}
    errors: list[FieldError] = []
    for name in names:
        widget = _widget(fields_of(kind)[name], one)
        try:
            value = widget.read(_raw(widget, name, form))
        except Wrong as wrong:
            errors.append(FieldError(str(wrong), f"/{name}"))
            continue
        if value is not UNSET:
            content[name] = value
    if errors:
        raise InvalidInput(f"{errors[0].pointer[1:]} {errors[0].detail}", *errors)
    return content


def fields_for(
    registry: Registry,
    workspace: int,
    kind: str,
    names: Iterable[str],
    *,
    one: Asset | None = None,
    content: Any = None,
    form: Form | None = None,
    problem: Problem | None = None,
) -> list[FormField]:
    """The fields to draw: as they were sent, or as the content has them."""
    if content is None:
        content = one.content if one else KINDS[kind].content()
    errors = errors_by_field(problem)
    made: list[FormField] = []
    for name in names:
        field = fields_of(kind)[name]
        widget = _widget(field, one)
        raw = widget.show(getattr(content, name)) if form is None else _raw(widget, name, form)
        made.append(
            FormField(
                name=name,
                label=field.label,
                help=field.help,
                macro=widget.macro,
                raw=raw,
                error=errors.get(name, ""),
                options=field.options,
                kinds=",".join(field.kinds),
                several=field.widget in ("assets", "uses"),
                typed=field.widget == "uses",
                chosen=chosen_of(registry, workspace, field, raw) if field.kinds else [],
                is_set=one is not None and name in one.secrets,
            )
        )
    return made


def errors_by_field(problem: Problem | None) -> dict[str, str]:
    """What is wrong with each field, in a sentence: `/rows/3/1` is row 4 of `rows`."""
    found: dict[str, str] = {}
    for error in problem.errors if problem else ():
        name, *below = error.pointer.lstrip("/").split("/")
        where = _where(name, below)
        found.setdefault(name, visible(f"{where} {error.detail}".strip()))
    return {name: text[:1].upper() + text[1:] for name, text in found.items()}


def _where(name: str, below: list[str]) -> str:
    words: list[str] = []
    if below and below[0].isdigit() and name in _WORDS:
        words.append(f"{_WORDS[name]} {int(below[0]) + 1}")
        below = below[1:]
        if below and below[0].isdigit():
            words.append(f"value {int(below[0]) + 1}")
            below = below[1:]
    return ", ".join([*words, *below])


def _widget(field: Field, one: Asset | None) -> Widget:
    """The widget of a field; a text that is kept secret is never shown."""
    if one is not None and field.widget == "text" and field.name in one.of.secrets_in(one.content):
        return WIDGETS["secret"]
    return WIDGETS[field.widget]


def _raw(widget: Widget, name: str, form: Form) -> Raw:
    return {part: form.many(f"{name}.{part}" if part else name) for part in widget.parts}
