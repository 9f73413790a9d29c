"""From the log to the assets: the pages of what activities were done to."""

from __future__ import annotations

from collections.abc import Iterable

from trailkeeper.activity import Activity
from trailkeeper.assets.kinds import KINDS
from trailkeeper.web.assets.places import page_of
from trailkeeper.web.security import WebRequest
from trailkeeper.web.session import services_of, session_of


def asset_pages(request: WebRequest, activities: Iterable[Activity]) -> dict[tuple[str, str], str]:
    """The pages of those targets that the registry knows, by type and id, of the kinds that the
    reader may see. A deleted asset's page shows its last version."""
    installation, who = services_of(request).installation, session_of(request)
    wanted = {
        (target.type, target.id)
        for activity in activities
        for target in activity.targets
        if target.type in KINDS and KINDS[target.type].view in who.privileges
    }
    if installation is None or not wanted:
        return {}
    kinds = installation.registry.kinds_of(who.workspace, [id for _, id in wanted])
    return {(kind, id): page_of(kind, id) for kind, id in wanted if kinds.get(id) == kind}
