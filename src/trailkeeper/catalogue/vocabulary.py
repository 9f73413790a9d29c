"""The catalogue's words together with those that a workspace declared itself."""

from __future__ import annotations

from collections.abc import Mapping

from trailkeeper.activity import Activity
from trailkeeper.catalogue.details import CustomAction
from trailkeeper.catalogue.load import catalogue
from trailkeeper.catalogue.sentence import Segment, segments


class Vocabulary:
    """What actions are called in one workspace. Any action has a label, an icon and a sentence,
    declared or not."""

    def __init__(self, declared: Mapping[str, CustomAction] | None = None) -> None:
        self._declared = declared or {}

    def label_of(self, action: str) -> str:
        declared = self._declared.get(action)
        return declared.label if declared else catalogue().label_of(action)

    def icon_of(self, action: str) -> str:
        declared = self._declared.get(action)
        return (declared and declared.icon) or catalogue().icon_of(action)

    def segments(self, activity: Activity) -> list[Segment]:
        """The sentence in parts."""
        return segments(activity, self._declared.get(activity.action))

    def sentence(self, activity: Activity) -> str:
        """The sentence as one text."""
        return "".join(segment.text for segment in self.segments(activity))
