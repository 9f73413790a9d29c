"""The words of an activity as the live search has them: whole, without accents and case."""

from __future__ import annotations

from trailkeeper.activity import Activity, Actor, Target
from trailkeeper.ledger.index import searchable
from trailkeeper.ledger.prepare import collect_texts
from trailkeeper.ledger.words import words_of


def folded(text: str) -> str:
    """The words of a text with a space before, between and behind; so that a phrase is found as a
    part of it. Empty without any word."""
    words = words_of(searchable(text))
    return f" {' '.join(words)} " if words else ""


def text_of(activity: Activity, label: str) -> str:
    """What is searchable of an activity; `label` is what its action is called."""
    parts = [label, _party(activity.actor)]
    if activity.on_behalf_of:
        parts.append(_party(activity.on_behalf_of))
    parts += [_party(target) for target in activity.targets]
    if activity.reason:
        parts.append(activity.reason)
    if activity.context.ip_address:
        parts.append(activity.context.ip_address)
    if activity.details:
        collect_texts(activity.details, parts)
    for change in activity.changes:
        parts.append(change.field)
        collect_texts(change.old, parts)
        collect_texts(change.new, parts)
    for party in (activity.actor, activity.on_behalf_of, *activity.targets):
        if party and party.metadata:
            collect_texts(party.metadata, parts)
    return "\n".join(parts)


def _party(party: Actor | Target) -> str:
    return "\n".join(text for text in (party.name, party.email, party.id) if text)
