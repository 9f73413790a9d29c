"""Activities as rows of the listing: a sentence with links, and what helps below it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import groupby
from types import MappingProxyType

from msgspec import Struct

from trailkeeper.activity import Activity, Actor, Target
from trailkeeper.catalogue import Segment
from trailkeeper.catalogue.vocabulary import Vocabulary
from trailkeeper.web.clock import Clock
from trailkeeper.web.labels import type_label
from trailkeeper.web.text import visible
from trailkeeper.web.urls import Address
from trailkeeper.web.user_agent import describe

_LOSS = {
    *("deleted", "removed", "revoked", "erased", "canceled"),
    *("stopped", "disconnected", "disabled", "deactivated"),
}
"""The verbs of actions that take something away; they get a shape of their own."""
_FIELDS_SHOWN = 4
EMPTY: Mapping[tuple[str, str], str] = MappingProxyType({})


class Part(Struct, frozen=True):
    """A part of a sentence; a name has the link that filters by it or, for an asset that has a
    page, the link to that."""

    text: str
    name: bool = False
    href: str = ""
    title: str = ""
    is_page: bool = False


Pages = Mapping[tuple[str, str], str]
"""The pages of assets, by type and id."""


class When(Struct, frozen=True):
    """One time in the forms that a page needs."""

    iso: str
    relative: str
    short: str
    exact: str


class Row(Struct, frozen=True, kw_only=True):
    """`tone` is `failure`, `loss` (something was taken away or stopped) or `plain`. Where the
    sentence's names lead to assets, `only` filters by the first, which is `asset`."""

    id: str
    label: str
    sentence: list[Part]
    icon: str
    tone: str
    when: When
    notes: list[str]
    opens: str
    pane: str
    is_open: bool
    only: str = ""
    asset: str = ""


class Day(Struct, frozen=True):
    key: str
    title: str
    rows: list[Row]


def days(
    activities: list[Activity],
    address: Address,
    clock: Clock,
    words: Vocabulary,
    opened: str | None,
    pages: Pages = EMPTY,
    *,
    by_seq: bool = False,
) -> list[Day]:
    """The activities in their order, grouped by the reader's days. `by_seq`: that is how they are
    opened, not by their ids."""
    return [
        Day(
            key,
            clock.day(group[0].occurred_at),
            [row(a, address, clock, words, opened, pages, by_seq=by_seq) for a in group],
        )
        for key, group in (
            (key, list(found))
            for key, found in groupby(activities, lambda a: clock.date_key(a.occurred_at))
        )
    ]


def row(
    activity: Activity,
    address: Address,
    clock: Clock,
    words: Vocabulary,
    opened: str | None,
    pages: Pages = EMPTY,
    *,
    by_seq: bool = False,
) -> Row:
    target, ref = activity.targets[0], str(activity.seq) if by_seq else activity.id
    return Row(
        id=activity.id,
        label=visible(words.label_of(activity.action)),
        sentence=sentence_parts(activity, address, words, pages),
        icon=words.icon_of(activity.action),
        tone=tone_of(activity),
        when=when_of(activity, clock),
        notes=notes_of(activity),
        opens=address.opened(ref),
        pane=address.activity(ref),
        is_open=ref == opened,
        only=filter_by(address, "target", target) if (target.type, target.id) in pages else "",
        asset=visible(target.name or target.id),
    )


def tone_of(activity: Activity) -> str:
    if activity.outcome == "failure":
        return "failure"
    return "loss" if activity.action.rpartition(".")[2].rpartition("_")[2] in _LOSS else "plain"


def when_of(activity: Activity, clock: Clock) -> When:
    instant = activity.occurred_at
    return When(
        instant.isoformat().replace("+00:00", "Z"),
        clock.relative(instant),
        clock.short(instant),
        clock.exact(instant),
    )


def sentence_parts(
    activity: Activity, address: Address, words: Vocabulary, pages: Pages = EMPTY
) -> list[Part]:
    return [_part(segment, activity, address, pages) for segment in words.segments(activity)]


def notes_of(activity: Activity) -> list[str]:
    """The second line: why, what was changed, and from where."""
    notes: list[str] = []
    if activity.reason:
        notes.append(f"Reason: {visible(activity.reason)}")
    if activity.changes:
        fields = [visible(change.field).removeprefix("/") for change in activity.changes]
        more = len(fields) - _FIELDS_SHOWN
        shown = ", ".join(fields[:_FIELDS_SHOWN]) + (f" and {more} more" if more > 0 else "")
        notes.append(f"Changed: {shown}")
    context = activity.context
    if context.ip_address:
        notes.append(visible(context.ip_address))
    if agent := describe(context.user_agent):
        notes.append(visible(agent))
    if activity.environment != "prod":
        notes.append(f"In {visible(activity.environment)}")
    return notes


def filter_by(address: Address, param: str, who: Actor | Target) -> str:
    """The listing narrowed to this user or asset as well."""
    return _only(address, param, f"{who.type}:{who.id}")


@lru_cache(maxsize=4_096)
def _only(address: Address, param: str, value: str) -> str:
    """A page has the same links many times: everyone acts more than once."""
    return address.only(param, value).href


def _part(segment: Segment, activity: Activity, address: Address, pages: Pages) -> Part:
    text = visible(segment.text)
    if segment.role == "actor":
        return Part(text, True, filter_by(address, "actor", activity.actor), "Only by this user")
    if segment.role == "target" and segment.ref is not None:
        target = activity.targets[segment.ref]
        if page := pages.get((target.type, target.id)):
            return Part(text, True, page, f"Open this {_noun(target.type)}", is_page=True)
        return Part(text, True, filter_by(address, "target", target), "Only on this asset")
    return Part(text, segment.role in ("detail", "on_behalf_of", "target"))


def _noun(kind: str) -> str:
    label = type_label(kind)
    return label if label[:2].isupper() else label[:1].lower() + label[1:]
