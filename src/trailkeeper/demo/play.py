"""The demo from beginning to end."""

from __future__ import annotations

from trailkeeper.demo import content, mishaps, project, team
from trailkeeper.demo.people import DANA, LENA, MARCO, OWNER_ADDRESS, PRIYA, SAM, TOM
from trailkeeper.demo.stage import Player, Stage
from trailkeeper.errors import Conflict
from trailkeeper.installation import Installation


def play(installation: Installation, workspace: str, owner_password: str | None = None) -> int:
    """Do all of it in a workspace where it was not done before; returns how many activities it
    made. With the owner's password the owner takes part, too. Takes a few seconds.

    Raises Conflict where it was done already, or where mails would go out to the made-up people.
    """
    operator = installation.workspaces.by_operator(workspace)
    key = operator.workspace
    if not installation.mailer.keeps:
        raise Conflict("The demo is for an installation that sends no mails; leave out smtp_host")
    if any(one.email == DANA.email for one in installation.members.listed(key)):
        raise Conflict(f"The demo project is in {workspace!r} already")
    before = installation.reader.next_seq(key)
    stage = Stage(installation, key)

    dana = team.first_admin(stage, operator)
    players = team.invite_all(dana)
    team.settle_in(dana, players)
    marco, priya, tom, lena, sam = (players[one.name] for one in (MARCO, PRIYA, TOM, LENA, SAM))

    made = project.build(marco, priya)
    project.tools(marco)
    answer = marco.make("recipe", "Answer product requests", code=content.GET_PRODUCT)
    project.api_platform(lena, answer)
    project.lifecycle(dana, made)
    mishaps.tidy_up(sam, made)
    mishaps.tom_wants_more(tom, made)
    mishaps.recipe_stops_unplanned(tom, made)
    mishaps.salesforce_is_made_inactive(priya, made)
    mishaps.onboarding_is_deleted(sam, dana, made)
    team.strangers_try(stage, dana)
    mishaps.all_is_well_again(marco, made)
    team.sam_leaves(dana, players)
    if owner_password is not None:
        owner = Player(stage, team.owner_email(stage), owner_password, OWNER_ADDRESS)
        team.owner_delegates(stage, lena, owner)
    for player in (marco, priya):
        player.log_out()
    return installation.reader.next_seq(key) - before
