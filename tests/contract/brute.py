"""What a filter means, worked out one activity after the other in plain Python."""

from __future__ import annotations

import ipaddress
import unicodedata
from dataclasses import dataclass

from trailkeeper.activity import ActivityInput, Actor, Target, to_us
from trailkeeper.catalogue import catalogue
from trailkeeper.query.filters import Filter, Match, Words

Entity = tuple[str, str, str | None, str | None]
"""Type, id, name and e-mail address."""


@dataclass(frozen=True)
class Recorded:
    """An activity, its place in the log, and its searchable text."""

    seq: int
    sent: ActivityInput
    text: str

    @property
    def at(self) -> int:
        assert self.sent.occurred_at is not None
        return to_us(self.sent.occurred_at)

    @property
    def actors(self) -> list[Entity]:
        return [entity_of(one) for one in (self.sent.actor, self.sent.on_behalf_of) if one]

    @property
    def targets(self) -> list[Entity]:
        return [entity_of(one) for one in self.sent.targets]


def entity_of(party: Actor | Target) -> Entity:
    return (party.type, party.id, party.name, party.email)


def listed(log: list[Recorded], asked: Filter, order: str) -> list[int]:
    """The seqs of the activities that match, in the order of the listing."""
    known = {entity for one in log for entity in (*one.actors, *one.targets)}
    found = [one for one in log if holds(one, asked, known)]
    return [one.seq for one in sorted(found, key=lambda o: (o.at, o.seq), reverse=order == "desc")]


def holds(one: Recorded, asked: Filter, known: set[Entity]) -> bool:
    return (
        (asked.since is None or one.at >= asked.since)
        and (asked.until is None or one.at < asked.until)
        and all(_matches(one, match, known) != match.negated for match in asked.matches)
        and all(_has_words(one.text, words) != words.negated for words in asked.words)
    )


def _matches(one: Recorded, match: Match, known: set[Entity]) -> bool:
    return any(_is(one, match.field, value, known) for value in match.values)


def _is(one: Recorded, field: str, value: str, known: set[Entity]) -> bool:
    sent = one.sent
    context = sent.context
    if field in ("actor", "target"):
        named = _named(value, known)
        return any(entity in named for entity in (one.actors if field == "actor" else one.targets))
    if field == "action":
        start = value.removesuffix("*")
        return sent.action.startswith(start) if value.endswith(".*") else sent.action == value
    if field == "category":
        return catalogue().category_of(sent.action).casefold() == value.casefold()
    if field == "ip":
        return context is not None and _in_block(context.ip_address, value)
    values = {
        "type": [target.type for target in sent.targets],
        "outcome": [sent.outcome or "success"],
        "env": [sent.environment or "prod"],
        "source": [context and context.source],
        "session": [context and context.session_id],
        "request": [context and context.request_id],
        "trace": [context and context.trace_id],
    }
    return value in values[field]


def _named(value: str, known: set[Entity]) -> set[Entity]:
    kind, _, rest = value.partition(":")
    if exact := {entity for entity in known if rest and entity[:2] == (kind, rest)}:
        return exact
    return {
        entity
        for entity in known
        if value in (entity[1], entity[2]) or entity[3] in (value, value.lower())
    }


def _in_block(address: str | None, block: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    # ::ffff:a.b.c.d is a.b.c.d, in the log and in a filter alike.
    return parsed in ipaddress.ip_network(block.removeprefix("::ffff:"), strict=False)


def _has_words(text: str, words: Words) -> bool:
    wanted = _words_of(words.text)
    there = _words_of(text)
    if words.suffix:
        (part,) = wanted
        return any(part in one if words.prefix else one.endswith(part) for one in there)
    for start in range(len(there) - len(wanted) + 1):
        part = there[start : start + len(wanted)]
        if part == wanted or (
            words.prefix and part[:-1] == wanted[:-1] and part[-1].startswith(wanted[-1])
        ):
            return True
    return False


def _words_of(text: str) -> list[str]:
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(one for one in decomposed if not unicodedata.combining(one))
    spaced = "".join(one if unicodedata.category(one)[0] in "LN" else " " for one in plain)
    return spaced.split()
