"""What an administrator would want to find out about: the stories that the audit log answers."""

from __future__ import annotations

from trailkeeper.demo import content
from trailkeeper.demo.project import Project
from trailkeeper.demo.stage import Player


def tidy_up(sam: Player, project: Project) -> None:
    """A contractor clones, moves and deletes."""
    copy = sam.here.registry.copy(
        sam.by, "recipe", project.sync_skus.id, name="Sync product SKUs to SAP"
    )
    archive = sam.make("folder", "Archive")
    sam.move(copy, archive)
    sam.move(archive, project.shop)
    sam.delete(sam.make("folder", "New folder"))
    sam.delete(archive, recursive=True)


def recipe_stops_unplanned(tom: Player, project: Project) -> None:
    """Who stopped the business-critical recipe?"""
    tom.do(project.sync_skus, "stop", "Too many errors during the night")


def salesforce_is_made_inactive(priya: Player, project: Project) -> None:
    """Other settings, which do not work, and the recipe that needs the connection stops."""
    priya.do(project.salesforce, "disconnect")
    priya.update(project.salesforce, settings={"login_url": "https://test.salesforce.example.com"})
    priya.do(project.leads, "stop", "Salesforce refuses the connection")


def onboarding_is_deleted(sam: Player, dana: Player, project: Project) -> None:
    """Somebody deletes what others need; it is brought back."""
    sam.do(project.onboarding, "stop", "Not used?")
    sam.delete(project.onboarding)
    dana.here.registry.undelete(dana.by, "recipe", project.onboarding.id)
    dana.do(project.onboarding, "start")


def tom_wants_more(tom: Player, project: Project) -> None:
    """An operator tries what only others may."""
    tom.here.access.record_denied(tom.who, "/audit", tom.context)
    tom.fails(tom.update, project.sync_skus, code=content.SYNC_SKUS)
    tom.fails(tom.here.registry.delete, tom.by, "connection", project.salesforce.id)


def all_is_well_again(marco: Player, project: Project) -> None:
    """The recipe runs again, and may be seen by others."""
    marco.do(project.sync_skus, "start")
    marco.update(project.sku_map, rows=content.SKU_ROWS_MORE)
    marco.here.registry.set_access_scope(marco.by, "recipe", project.orders.id, public=True)
