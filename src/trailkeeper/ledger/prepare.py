"""From what a producer sent to what the writer stores: checks, redaction, canonical bytes.

All that can be done before the writer's turn is done here, in the producer's thread; what
depends on the commit (`seq`, `received_at`, the keys) is filled in by ledger/append.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, TypeVar, cast

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from trailkeeper.activity import (
    ACTIVITY_MAX_BYTES,
    CLOCK_SKEW_MAX_S,
    ID_MAX_BYTES,
    ActivityInput,
    Actor,
    Change,
    Context,
    Credential,
    Target,
    now_us,
    random_bytes,
    rfc3339,
    to_us,
)
from trailkeeper.errors import FieldError, InvalidActivity
from trailkeeper.ledger.cut import cut_to_fit
from trailkeeper.ledger.index import Token, address_tokens, hashed, searchable
from trailkeeper.redaction import Redactor, TooDeep

P = TypeVar("P", Actor, Target)

_encode = msgspec.json.Encoder(order="deterministic").encode


class Party(Struct, frozen=True, gc=False, array_like=True):
    """An actor or a target as the dictionary needs it."""

    type: str
    id: str
    name: str | None
    email: str | None


class Prepared(Struct, frozen=True, gc=False, kw_only=True, array_like=True):
    """An activity ready for the writer. `public_rest` is its public part from `action` on."""

    id: str | None
    action: str
    occurred_at: int | None
    actor: Party
    on_behalf_of: Party | None
    targets: tuple[Party, ...]
    environment: str
    source: str | None
    tokens: str
    text: str
    public_rest: bytes
    salt: bytes
    personal: bytes
    content_hash: bytes

    @property
    def size(self) -> int:
        """Bytes that it holds in the writer's queue, roughly."""
        return len(self.personal) + len(self.public_rest) + len(self.text) + 500


class PersonalParty(Struct, frozen=True, omit_defaults=True, gc=False):
    name: str | None = None
    email: str | None = None
    metadata: dict[str, Any] | None = None


class Personal(Struct, frozen=True, omit_defaults=True, gc=False):
    """The personal part: what may have to be erased one day."""

    actor: PersonalParty
    targets: list[PersonalParty]
    on_behalf_of: PersonalParty | None = None
    credential: Credential | None = None
    reason: str | None = None
    context: Context | None = None
    changes: list[Change] | None = None
    details: dict[str, Any] | None = None


def prepare(
    sent: ActivityInput,
    *,
    redactor: Redactor,
    label: str,
    errors: Iterable[FieldError] = (),
    clean_texts: bool = False,
) -> Prepared:
    """Check an activity, redact it and encode it.

    `label` is its action's, for the text search; `errors` are what is wrong with it already.
    `clean_texts` says that nothing in it looks like a secret, by Redactor.suspects. Raises
    InvalidActivity with a pointer to each field that is wrong. Nothing of the sent structs is
    changed.
    """
    if found := [*_problems(sent), *errors]:
        raise InvalidActivity(_summary(found), *found)
    personal = _personal(sent, redactor, texts=False)
    content = _encode(personal)
    if not clean_texts and redactor.suspects(content):
        sent = _with_clean_names(sent, redactor)
        personal = _personal(sent, redactor, texts=True)
        content = _encode(personal)
    environment = sent.environment or "prod"
    start, end = _public_around_digest(sent, environment)
    salt = random_bytes(16)
    body = content
    room = ACTIVITY_MAX_BYTES - len(start) - len(end) - 500
    if len(body) > room:
        personal, body = cut_to_fit(personal, room, _encode)
    digest = hashlib.sha256(salt + body).hexdigest().encode()
    occurred_at = to_us(sent.occurred_at) if sent.occurred_at else None
    other = sent.on_behalf_of
    return Prepared(
        id=sent.id,
        action=sent.action,
        occurred_at=occurred_at,
        actor=_party(sent.actor),
        on_behalf_of=_party(other) if other else None,
        targets=tuple([_party(target) for target in sent.targets]),
        environment=environment,
        source=sent.context.source if sent.context else None,
        tokens=_tokens(sent),
        text=_text(sent, personal, label),
        public_rest=start + digest + end,
        salt=salt,
        personal=body,
        content_hash=hashlib.blake2b(
            b"%b\n%b%b\n%b" % (str(occurred_at).encode(), start, end, content), digest_size=16
        ).digest(),
    )


_PUBLIC_START = (
    b'{"action":"%b","outcome":"%b","environment":"%b","actor":%b,"targets":[%b],'
    b'"personal_sha256":"'
)


def _public_around_digest(sent: ActivityInput, environment: str) -> tuple[bytes, bytes]:
    """The public part from `action` on, before and after the digest of the personal part.

    It is the JSON of an object with these members in this order, without white space. Action,
    outcome, environment and types have nothing in them that JSON would escape.
    """
    targets = b",".join([_reference(target.type, target.id) for target in sent.targets])
    end = b'"}'
    if other := sent.on_behalf_of:
        end = b'","on_behalf_of":%b}' % _reference(other.type, other.id)
    start = _PUBLIC_START % (
        sent.action.encode(),
        b"failure" if sent.outcome == "failure" else b"success",
        environment.encode(),
        _reference(sent.actor.type, sent.actor.id),
        targets,
    )
    return start, end


@lru_cache(maxsize=16_384)
def _reference(type: str, id: str) -> bytes:
    return b'{"type":"%b","id":%b}' % (type.encode(), _encode(id))


def public_bytes(
    prepared: Prepared, id: str, seq: int, received_at: int, occurred_at: int
) -> bytes:
    """The whole public part: one JSON object, its members in this order, times in microseconds."""
    return b'{"id":%b,"seq":%d,"occurred_at":%d,"received_at":%d,%b' % (
        _encode(id),
        seq,
        occurred_at,
        received_at,
        prepared.public_rest[1:],
    )


def _party(party: Actor | Target) -> Party:
    return Party(party.type, party.id, party.name, party.email)


def _problems(sent: ActivityInput) -> list[FieldError]:
    """What the structs' own constraints cannot say."""
    errors: list[FieldError] = []
    ids = [sent.actor.id, *[target.id for target in sent.targets], sent.id or ""]
    if sent.on_behalf_of:
        ids.append(sent.on_behalf_of.id)
    together = "".join(ids)
    if " " in together or not (together.isascii() and together.isprintable()):
        errors += _problems_of_ids(sent)
    if sent.occurred_at:
        occurred_at = to_us(sent.occurred_at)
        if occurred_at < 0:
            errors.append(FieldError("is before 1970", "/occurred_at"))
        elif occurred_at > (latest := now_us() + CLOCK_SKEW_MAX_S * 1_000_000):
            errors.append(
                FieldError(
                    f"is in the future: the latest time taken now is {rfc3339(latest)}",
                    "/occurred_at",
                )
            )
    return errors


def _problems_of_ids(sent: ActivityInput) -> Iterator[FieldError]:
    ids = [("/actor/id", sent.actor.id)]
    if sent.id is not None:
        ids.append(("/id", sent.id))
    if sent.on_behalf_of:
        ids.append(("/on_behalf_of/id", sent.on_behalf_of.id))
    ids += [(f"/targets/{n}/id", target.id) for n, target in enumerate(sent.targets)]
    for pointer, value in ids:
        if not value.isprintable() or value.isspace():
            yield FieldError("must not hold control or invisible characters", pointer)
        elif not value.isascii() and len(value.encode()) > ID_MAX_BYTES:
            yield FieldError(f"is longer than {ID_MAX_BYTES} bytes in UTF-8", pointer)


def _summary(errors: list[FieldError]) -> str:
    first = errors[0]
    more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{first.pointer or 'The activity'} {first.detail}{more}"


def _with_clean_names(sent: ActivityInput, redactor: Redactor) -> ActivityInput:
    """Names and the user agent are free text too: a connection is often called by its URL."""
    actor = _with_clean_name(sent.actor, redactor)
    other = _with_clean_name(sent.on_behalf_of, redactor) if sent.on_behalf_of else None
    targets = [_with_clean_name(target, redactor) for target in sent.targets]
    context = sent.context
    if context and context.user_agent:
        context = replace(context, user_agent=redactor.text(context.user_agent))
    return replace(sent, actor=actor, on_behalf_of=other, targets=targets, context=context)


def _with_clean_name(party: P, redactor: Redactor) -> P:
    if not party.name or (name := redactor.text(party.name)) == party.name:
        return party
    return replace(party, name=name)


def _personal(sent: ActivityInput, redactor: Redactor, *, texts: bool) -> Personal:
    pointer = ""
    try:
        pointer = "/actor/metadata"
        actor = _personal_party(sent.actor, redactor, texts)
        pointer = "/on_behalf_of/metadata"
        other = _personal_party(sent.on_behalf_of, redactor, texts) if sent.on_behalf_of else None
        pointer = "/targets"
        targets = [_personal_party(target, redactor, texts) for target in sent.targets]
        pointer = "/changes"
        changes = redactor.changes(sent.changes, texts=texts)
        pointer = "/details"
        details = redactor.mapping(sent.details, texts=texts)
    except TooDeep as error:
        raise InvalidActivity(f"{pointer} {error}", FieldError(str(error), pointer)) from None
    return Personal(
        actor=actor,
        targets=targets,
        on_behalf_of=other,
        credential=sent.credential,
        reason=redactor.text(sent.reason) if sent.reason and texts else sent.reason,
        context=sent.context,
        changes=changes or None,
        details=details or None,
    )


def _personal_party(party: Actor | Target, redactor: Redactor, texts: bool) -> PersonalParty:
    metadata = party.metadata
    if metadata:
        metadata = redactor.mapping(metadata, texts=texts)
    return PersonalParty(party.name, party.email, metadata)


def _tokens(sent: ActivityInput) -> str:
    """The tokens that need no dictionary."""
    outcome = Token.OUTCOME + ("1" if sent.outcome == "failure" else "0")
    context = sent.context
    if context is None:
        return outcome
    tokens = [outcome]
    if context.ip_address:
        tokens += address_tokens(context.ip_address)
    if context.session_id:
        tokens.append(hashed(Token.SESSION, context.session_id))
    if context.request_id:
        tokens.append(hashed(Token.REQUEST, context.request_id))
    if context.trace_id:
        tokens.append(hashed(Token.TRACE, context.trace_id))
    return " ".join(tokens)


def _text(sent: ActivityInput, personal: Personal, label: str) -> str:
    parts = [label]
    for party in (sent.actor, sent.on_behalf_of, *sent.targets):
        if party:
            parts += [text for text in (party.name, party.email, party.id) if text]
    if personal.reason:
        parts.append(personal.reason)
    if sent.context and sent.context.ip_address:
        parts.append(sent.context.ip_address)
    if personal.details:
        _collect(personal.details, parts)
    for change in personal.changes or ():
        parts.append(change.field)
        _collect(change.old, parts)
        _collect(change.new, parts)
    for party in (personal.actor, *personal.targets):
        if party.metadata:
            _collect(party.metadata, parts)
    return searchable("\n".join(parts))


def _collect(value: Any, parts: list[str]) -> None:
    if isinstance(value, str):
        parts.append(value)
    elif isinstance(value, dict):
        for inner in cast("dict[str, Any]", value).values():
            if isinstance(inner, str):
                parts.append(inner)
            else:
                _collect(inner, parts)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            _collect(inner, parts)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        parts.append(str(value))
