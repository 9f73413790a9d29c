"""The class and the activity that an action has in the Open Cybersecurity Schema Framework."""

from __future__ import annotations

from trailkeeper.catalogue.load import catalogue
from trailkeeper.catalogue.ocsf_classes import CLASSES, OTHER_ACTIVITY

_API_ACTIVITY = 6003
_BY_VERB = {"created": 1, "read": 2, "viewed": 2, "updated": 3, "deleted": 4}


def classification(action: str) -> tuple[int, int]:
    """`(class_uid, activity_id)`.

    An action that the catalogue does not know is API Activity: its last word tells create, read,
    update and delete apart, and anything else is 99, Other.
    """
    spec = catalogue().get(action)
    if spec:
        return spec.ocsf.class_uid, spec.ocsf.activity_id
    verb = action.rpartition(".")[2].rpartition("_")[2]
    return _API_ACTIVITY, _BY_VERB.get(verb, OTHER_ACTIVITY)


def captions(class_uid: int, activity_id: int) -> tuple[str, str]:
    """The schema's own words for the two. Raises KeyError for numbers the catalogue never gives."""
    ocsf_class = CLASSES[class_uid]
    return ocsf_class.caption, ocsf_class.activities[activity_id]
