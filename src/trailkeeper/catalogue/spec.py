"""The shape of the catalogue's table, and the questions that can be asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct

from trailkeeper.activity import ActionName, Kind

JsonType = Literal["string", "integer", "number", "boolean", "array", "object"]
Evidence = Literal["A", "B", "C", "R", "I"]
Text = Annotated[str, Meta(min_length=1, max_length=1_024)]
Icon = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*\Z", max_length=64)]
DetailName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*\Z", max_length=64)]
Identifier = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]*\Z", max_length=128)]
When = dict[DetailName, str | bool]

OTHER = "Other"
"""The category of actions that the catalogue does not know."""

EVIDENCE: Mapping[Evidence, str] = {
    "A": "official API page",
    "B": "official sample",
    "C": "third party",
    "R": "official resource type, inferred event type",
    "I": "inferred",
}
"""How sure Workato's identifiers are."""


class Detail(Struct, frozen=True, forbid_unknown_fields=True):
    """A key that an activity's details may carry. Several types mean any one of them."""

    type: JsonType | list[JsonType]
    about: Text

    @property
    def types(self) -> list[JsonType]:
        return [self.type] if isinstance(self.type, str) else self.type


class Case(Struct, frozen=True, forbid_unknown_fields=True):
    """What is different where the details hold all the values of `when`."""

    when: Annotated[When, Meta(min_length=1)]
    sentence: Text | None = None
    event_type: Identifier | None = None


class WorkatoNames(Struct, frozen=True, forbid_unknown_fields=True):
    """What Workato calls the action. `when` tells it from another action of the same event type."""

    resource_type: Identifier
    event_type: Identifier
    evidence: Evidence
    when: When = {}


class OcsfNumbers(Struct, frozen=True, forbid_unknown_fields=True):
    """The class and the activity in it of the Open Cybersecurity Schema Framework."""

    class_uid: int
    activity_id: int


class ActionSpec(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One action. `label` is the source's own wording, `title` a clean one where that needs it."""

    action: ActionName
    category: Text
    label: Text
    title: Text | None = None
    sentence: Text
    icon: Icon | None = None
    target_type: Kind
    tells_failure: bool = False
    details: dict[DetailName, Detail] = {}
    cases: list[Case] = []
    workato: WorkatoNames | None = None
    ocsf: OcsfNumbers

    @property
    def display(self) -> str:
        return self.title or self.label


class Category(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A group of actions. `own` marks those that Workato's documentation does not have."""

    name: Text
    icon: Icon
    own: bool = False
    actions: tuple[ActionSpec, ...] = ()


class Catalogue(Struct, frozen=True, kw_only=True):
    """Every action by name, and the categories in the order to show them.

    The questions about a single action answer for unknown names too.
    """

    categories: tuple[Category, ...]
    by_action: dict[str, ActionSpec]
    by_category: dict[str, Category]

    @property
    def actions(self) -> tuple[ActionSpec, ...]:
        return tuple(self.by_action.values())

    def get(self, action: str) -> ActionSpec | None:
        return self.by_action.get(action)

    def label_of(self, action: str) -> str:
        """The label to show: "Recipe stopped"; "Invoice paid late" for `invoice.paid_late`."""
        spec = self.get(action)
        return spec.display if spec else humanise(action)

    def icon_of(self, action: str) -> str:
        """A Lucide icon's name: the action's own, else its category's."""
        spec = self.get(action)
        return (spec and spec.icon) or self.by_category[self.category_of(action)].icon

    def category_of(self, action: str) -> str:
        spec = self.get(action)
        return spec.category if spec else OTHER


def humanise(name: str) -> str:
    """Words for an identifier: `invoice.paid_late` becomes "Invoice paid late"."""
    words = " ".join(name.replace(".", " ").replace("_", " ").replace("-", " ").split())
    return words[:1].upper() + words[1:]
