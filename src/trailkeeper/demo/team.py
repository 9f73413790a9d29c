"""The team: it comes together, settles in, and one of it leaves."""

from __future__ import annotations

from pyotp.totp import TOTP

from trailkeeper.demo.people import (
    API_DESIGNER,
    DANA,
    LENA,
    MARCO,
    PRIYA,
    SAM,
    STRANGER,
    TOM,
    Person,
)
from trailkeeper.demo.stage import Player, Stage, random_password
from trailkeeper.identity.acting import By
from trailkeeper.identity.privileges import OWNER
from trailkeeper.streaming.streams import FIRST

ALERTS = "integration-alerts@example.com"


def first_admin(stage: Stage, operator: By) -> Player:
    """The operator adds an administrator, who mistypes the password, then protects the account."""
    password = random_password()
    here = stage.here
    here.workspaces.add_member(operator, DANA.email, DANA.name, password, DANA.role)
    dana = Player(stage, DANA.email, password, DANA.context)
    dana.fails(here.log_in.with_password, DANA.email, "not the password", DANA.context)
    dana.log_in()
    _protect(dana)
    here.two_factor.view_codes(dana.who, dana.password, dana.context)
    return dana


def invite_all(dana: Player) -> dict[str, Player]:
    """Roles are made, people invited; most accept. Returns them by name."""
    here, by = dana.here, dana.by
    designer = here.roles.create(by, API_DESIGNER, ["recipes.view", "api_platform.manage"])
    here.roles.update(
        by, designer, API_DESIGNER, ["recipes.view", "tools.view", "api_platform.manage"]
    )
    here.roles.create(by, "Auditor", ["activity_audit.view", "jobs.view"])
    trial = here.roles.create(by, "Trial", ["recipes.view"])
    here.roles.delete(by, trial)

    players = {person.name: _invite(dana, person) for person in (MARCO, PRIYA, TOM, LENA, SAM)}
    wrong = here.invitations.create(by, "tom.becker@example.org", "Operator")
    here.invitations.cancel(by, wrong)
    here.invitations.create(by, "nora.lindgren@example.com", "Auditor")
    return players


def settle_in(dana: Player, players: dict[str, Player]) -> None:
    """Everybody arranges their account, and the administrator the workspace."""
    here = dana.here
    marco, priya, tom, lena = (players[one.name] for one in (MARCO, PRIYA, TOM, LENA))

    _protect(marco)
    here.two_factor.disable(marco.who, marco.password, marco.new_cookie(), marco.context)
    here.tokens.refresh_key(marco.who, marco.context)
    new_email = "marco.ruiz-vega@example.com"
    here.accounts.ask_email(marco.who, new_email, marco.password, marco.context)
    here.accounts.confirm_email(dana.stage.link(new_email, "/confirm-email/"), marco.context)
    marco.email = new_email

    new_password = random_password()
    current = tom.password
    here.accounts.change_password(tom.who, current, new_password, tom.new_cookie(), tom.context)
    tom.password = new_password
    here.accounts.rename(lena.who, "Lena Fischer-Wolf", lena.context)
    here.accounts.ask_reset(priya.email, priya.context)

    here.notifications.set_emails(dana.by, [ALERTS])
    here.notifications.set_throttling(dana.by, enabled=False)
    _arrange_streaming(dana)


def strangers_try(stage: Stage, dana: Player) -> None:
    """Somebody from outside tries names."""
    for name in ("admin@example.com", "integration@example.com"):
        dana.fails(stage.here.log_in.with_password, name, "Winter2026!", STRANGER)


def sam_leaves(dana: Player, players: dict[str, Player]) -> None:
    """A contractor's time is over; an operator takes on more."""
    members = {one.email: one for one in dana.here.members.listed(dana.stage.workspace)}
    players[SAM.name].log_out()
    dana.here.members.remove(dana.by, members[SAM.email].id)
    dana.here.members.update_role(dana.by, members[TOM.email].id, "Analyst")


def owner_delegates(stage: Stage, lena: Player, owner: Player) -> None:
    """The owner lets the consultant act for them while they are away, and ends that."""
    here = stage.here
    owner.log_in()
    here.delegation.add(owner.by, lena.email)
    password = random_password()
    account = here.delegation.accounts(lena.who.user)[0].workspace_id
    here.delegation.set_password(lena.who, account, lena.password, password, lena.context)
    lena.cookie, _ = here.delegation.enter(lena.who, account, password, lena.context)
    here.notifications.set_throttling(lena.by, enabled=True)
    lena.log_out()
    admin = here.delegation.admins(stage.workspace)[0]
    here.delegation.remove(owner.by, admin.id)
    owner.log_out()


def owner_email(stage: Stage) -> str:
    """The address of the workspace's owner."""
    members = stage.here.members.listed(stage.workspace)
    return next(one.email for one in members if one.role == OWNER)


def _invite(dana: Player, person: Person) -> Player:
    """Invite somebody, who accepts; some are invited with another role first."""
    here = dana.here
    first = "Operator" if person is PRIYA else person.role
    id = here.invitations.create(dana.by, person.email, first)
    if first != person.role:
        here.invitations.modify(dana.by, id, person.role)
    player = Player(dana.stage, person.email, random_password(), person.context)
    token = dana.stage.link(person.email, "/invite/")
    entered = here.invitations.accept_as_new(token, person.name, player.password, person.context)
    player.cookie = entered[0] if entered else ""
    return player


def _protect(player: Player) -> None:
    """Turn two-factor authentication on."""
    two_factor = player.here.two_factor
    key = two_factor.new_key()
    kept = two_factor.keep(player.who, key)
    who, code = player.who, TOTP(key).now()
    two_factor.enable(who, kept, code, player.password, player.new_cookie(), player.context)


def _arrange_streaming(dana: Player) -> None:
    """The log is to be streamed to a SIEM, which is not there yet: the stream stays off."""
    streams, by = dana.here.streams, dana.by
    siem = FIRST
    streams.set_destination(by, siem, "http", {"url": "https://siem.example.com/trailkeeper"})
    streams.include(by, siem, job_history=True, recipe_step_details=False, login_user_activity=True)
    streams.toggle(by, siem, enabled=True)
    streams.toggle(by, siem, enabled=False)
