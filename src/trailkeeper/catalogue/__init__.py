"""The catalogue: what every action is called, how it reads, and what other systems call it.

All of that is data, in `activities.toml`; the modules here read it and know no single action.
What happens when an action is done, and where it is kept, belongs in other rooms.

    from trailkeeper.catalogue import catalogue, segments

    catalogue().label_of("recipe.stopped")   # "Recipe stopped"
    segments(activity)                       # the sentence, in parts that a page can link

`details` checks what an activity carries, against the catalogue or a customer's own action;
`workato` and `ocsf` hold the names that those two give; `reference` writes the documentation.
"""

from trailkeeper.catalogue.details import CustomAction, DetailProblem, check_custom, check_details
from trailkeeper.catalogue.load import CatalogueError, catalogue
from trailkeeper.catalogue.sentence import Segment, segments, sentence
from trailkeeper.catalogue.spec import ActionSpec, Catalogue, Category, humanise

__all__ = [
    "ActionSpec",
    "Catalogue",
    "CatalogueError",
    "Category",
    "CustomAction",
    "DetailProblem",
    "Segment",
    "catalogue",
    "check_custom",
    "check_details",
    "humanise",
    "segments",
    "sentence",
]
