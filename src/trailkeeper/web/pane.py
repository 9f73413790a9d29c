"""One activity in full, for the pane beside the listing and for its own page."""

from __future__ import annotations

from msgspec import UNSET, Struct
from msgspec.structs import replace

from trailkeeper.activity import Activity, Actor, Change, Context, Target
from trailkeeper.catalogue import catalogue
from trailkeeper.catalogue.vocabulary import Vocabulary
from trailkeeper.web.clock import Clock
from trailkeeper.web.labels import type_icon, type_label
from trailkeeper.web.rows import EMPTY, Pages, Part, When, sentence_parts, tone_of, when_of
from trailkeeper.web.text import as_json, value_text, visible
from trailkeeper.web.urls import Address, activity_path
from trailkeeper.web.user_agent import describe

_LOGIN_WAYS = {
    "password_login": "Logged in with a password",
    "sso_login": "Logged in through single sign-on",
    "switch_team": "Switched from or to another team",
    "user_logout": "Logged out",
}
_LONG = 80


class Fact(Struct, frozen=True):
    """A name and a value; `href` filters by it. A long value gets a line of its own."""

    name: str
    value: str
    href: str = ""
    hint: str = ""

    @property
    def is_long(self) -> bool:
        return len(self.value) > _LONG or "\n" in self.value


class Entity(Struct, frozen=True):
    """An actor or a target; `page` is that of an asset that has one."""

    role: str
    kind: str
    name: str
    email: str
    id: str
    icon: str
    href: str
    link_text: str
    facts: list[Fact]
    page: str = ""


class ChangeView(Struct, frozen=True):
    """A field before and after; a side that was not there is None."""

    field: str
    old: str | None
    new: str | None


class Pane(Struct, frozen=True, kw_only=True):
    id: str
    seq: int
    action: str
    label: str
    category: str
    icon: str
    tone: str
    outcome: str
    reason: str
    sentence: list[Part]
    way: Fact | None
    when: When
    received: str
    late: bool
    environment: str
    who: list[Entity]
    what: list[Entity]
    where: list[Fact]
    changes: list[ChangeView]
    details: list[Fact]
    raw: str
    permalink: str
    close: str


def pane_of(
    activity: Activity,
    address: Address,
    clock: Clock,
    words: Vocabulary,
    pages: Pages = EMPTY,
) -> Pane:
    way = activity.details.get("activity")
    late = abs((activity.received_at - activity.occurred_at).total_seconds())
    return Pane(
        id=visible(activity.id),
        seq=activity.seq,
        action=visible(activity.action),
        label=visible(words.label_of(activity.action)),
        category=visible(catalogue().category_of(activity.action)),
        icon=words.icon_of(activity.action),
        tone=tone_of(activity),
        outcome="Failure" if activity.outcome == "failure" else "Success",
        reason=visible(activity.reason or ""),
        sentence=sentence_parts(activity, Address(), words, pages),
        way=Fact("Activity", visible(way), hint=_LOGIN_WAYS.get(way, ""))
        if isinstance(way, str)
        else None,
        when=when_of(activity, clock),
        received=clock.exact(activity.received_at),
        late=late >= 60,
        environment=visible(activity.environment),
        who=_who(activity),
        what=[_target(target, pages, first=not at) for at, target in enumerate(activity.targets)],
        where=_where(activity.context),
        changes=[change_view(change) for change in activity.changes],
        details=_facts(activity.details),
        raw=as_json(activity),
        permalink=activity_path(activity.id),
        close=address.href,
    )


def _who(activity: Activity) -> list[Entity]:
    credential = activity.credential
    proof = (
        [Fact("Signed in by", f"{type_label(credential.type)} {visible(credential.id)}")]
        if credential
        else []
    )
    who = [_actor(activity.actor, "Actor", proof)]
    if activity.on_behalf_of:
        who.append(_actor(activity.on_behalf_of, "On behalf of", []))
    return who


def _actor(actor: Actor, role: str, facts: list[Fact]) -> Entity:
    icon = {"api_client": "webhook", "system": "cog"}.get(actor.type, "user")
    href = Address().plus("actor", f"{actor.type}:{actor.id}").href
    return _entity(actor, (role, icon), (href, "All by this user"), facts)


def _target(target: Target, pages: Pages, *, first: bool) -> Entity:
    href = Address().plus("target", f"{target.type}:{target.id}").href
    role = "Asset" if first else "Also"
    made = _entity(target, (role, type_icon(target.type)), (href, "All on this asset"), [])
    page = pages.get((target.type, target.id), "")
    return replace(made, page=page) if page else made


def _entity(
    who: Actor | Target, role_icon: tuple[str, str], link: tuple[str, str], facts: list[Fact]
) -> Entity:
    return Entity(
        role=role_icon[0],
        kind=type_label(who.type),
        name=visible(who.name or who.email or who.id),
        email=visible(who.email or ""),
        id=visible(who.id),
        icon=role_icon[1],
        href=link[0],
        link_text=link[1],
        facts=[*facts, *_facts(who.metadata or {})],
    )


def _where(context: Context) -> list[Fact]:
    facts: list[Fact] = []
    if context.ip_address:
        href = Address().plus("ip", context.ip_address).href
        facts.append(Fact("IP address", visible(context.ip_address), href, "All from here"))
    if context.user_agent:
        agent = visible(context.user_agent)
        facts.append(Fact("Browser", visible(describe(agent, version=True) or "Unknown")))
        facts.append(Fact("User agent", agent))
    if context.session_id:
        href = Address().plus("session", context.session_id).href
        facts.append(Fact("Session", visible(context.session_id), href, "Same session"))
    for name, value in (
        ("Request", context.request_id),
        ("Trace", context.trace_id),
        ("Source", context.source),
    ):
        if value:
            facts.append(Fact(name, visible(value)))
    return facts


def _facts(values: dict[str, object]) -> list[Fact]:
    return [Fact(visible(name), value_text(value)) for name, value in values.items()]


def change_view(change: Change) -> ChangeView:
    return ChangeView(
        visible(change.field),
        None if change.old is UNSET else value_text(change.old),
        None if change.new is UNSET else value_text(change.new),
    )
