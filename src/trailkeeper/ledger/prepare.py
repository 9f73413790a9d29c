"""From what a producer sent to what the writer stores: checks, redaction, canonical bytes.

All that can be done before the writer's turn is done here, in the producer's thread; what
depends on the commit (`seq`, `received_at`, the keys) is filled in by ledger/append.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
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

DetailCheck = Callable[[ActivityInput], list[FieldError]]
"""The catalogue's word on an activity's action and details."""

_encode = msgspec.json.Encoder(order="deterministic").encode


class Party(Struct, frozen=True, gc=False):
    """An actor or a target as the dictionary needs it."""

    type: str
    id: str
    name: str | None
    email: str | None
    is_actor: bool


class Prepared(Struct, frozen=True, gc=False, kw_only=True):
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


class _Reference(Struct, frozen=True, gc=False):
    type: str
    id: str


class _Public(Struct, frozen=True, omit_defaults=True, gc=False):
    action: str
    outcome: str
    environment: str
    actor: _Reference
    targets: list[_Reference]
    personal_sha256: str
    on_behalf_of: _Reference | None = None


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
    check: DetailCheck | None = None,
) -> Prepared:
    """Check an activity, redact it and encode it. `label` is its action's, for the text search.

    Raises InvalidActivity with a pointer to each field that is wrong. Nothing of the sent
    structs is changed.
    """
    errors = [*_problems(sent), *(check(sent) if check else ())]
    if errors:
        raise InvalidActivity(_summary(errors), *errors)
    personal = _personal(sent, redactor, texts=False)
    content = _encode(personal)
    if redactor.suspects(content):
        sent = _with_clean_names(sent, redactor)
        personal = _personal(sent, redactor, texts=True)
        content = _encode(personal)
    environment = sent.environment or "prod"
    salt = random_bytes(16)
    # A first encoding tells how much room the public part leaves to the personal one.
    public = _Public(
        action=sent.action,
        outcome=sent.outcome or "success",
        environment=environment,
        actor=_Reference(sent.actor.type, sent.actor.id),
        targets=[_Reference(target.type, target.id) for target in sent.targets],
        personal_sha256="",
        on_behalf_of=_Reference(sent.on_behalf_of.type, sent.on_behalf_of.id)
        if sent.on_behalf_of
        else None,
    )
    body = content
    rest = _encode(public)
    if len(body) + len(rest) + 500 > ACTIVITY_MAX_BYTES:
        personal, body = cut_to_fit(personal, ACTIVITY_MAX_BYTES - len(rest) - 500, _encode)
    digest = hashlib.sha256(salt + body).hexdigest()
    occurred_at = to_us(sent.occurred_at) if sent.occurred_at else None
    return Prepared(
        id=sent.id,
        action=sent.action,
        occurred_at=occurred_at,
        actor=_party(sent.actor, is_actor=True),
        on_behalf_of=_party(sent.on_behalf_of, is_actor=True) if sent.on_behalf_of else None,
        targets=tuple(_party(target, is_actor=False) for target in sent.targets),
        environment=environment,
        source=sent.context.source if sent.context else None,
        tokens=_tokens(sent),
        text=_text(sent, personal, label),
        public_rest=rest.replace(
            b'"personal_sha256":""', b'"personal_sha256":"%b"' % digest.encode(), 1
        ),
        salt=salt,
        personal=body,
        content_hash=hashlib.blake2b(
            b"%b\n%b\n%b" % (str(occurred_at).encode(), rest, content), digest_size=16
        ).digest(),
    )


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


def _party(party: Actor | Target, *, is_actor: bool) -> Party:
    return Party(party.type, party.id, party.name, party.email, is_actor)


def _problems(sent: ActivityInput) -> list[FieldError]:
    """What the structs' own constraints cannot say."""
    errors: list[FieldError] = []
    ids = [("/actor/id", sent.actor.id)]
    if sent.id is not None:
        ids.append(("/id", sent.id))
    if sent.on_behalf_of:
        ids.append(("/on_behalf_of/id", sent.on_behalf_of.id))
    ids += [(f"/targets/{n}/id", target.id) for n, target in enumerate(sent.targets)]
    for pointer, value in ids:
        if not value.isprintable() or value.isspace():
            errors.append(FieldError("must not hold control or invisible characters", pointer))
        elif not value.isascii() and len(value.encode()) > ID_MAX_BYTES:
            errors.append(FieldError(f"is longer than {ID_MAX_BYTES} bytes in UTF-8", pointer))
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
    return PersonalParty(party.name, party.email, redactor.mapping(party.metadata, texts=texts))


def _tokens(sent: ActivityInput) -> str:
    """The tokens that need no dictionary."""
    tokens = [Token.OUTCOME + ("1" if sent.outcome == "failure" else "0")]
    if context := sent.context:
        if context.ip_address:
            tokens += address_tokens(context.ip_address)
        for kind, value in (
            (Token.SESSION, context.session_id),
            (Token.REQUEST, context.request_id),
            (Token.TRACE, context.trace_id),
        ):
            if value:
                tokens.append(hashed(kind, value))
    return " ".join(tokens)


def _text(sent: ActivityInput, personal: Personal, label: str) -> str:
    parts = [label]
    for party in (sent.actor, sent.on_behalf_of, *sent.targets):
        if party:
            parts += filter(None, (party.name, party.email, party.id))
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
            _collect(inner, parts)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            _collect(inner, parts)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        parts.append(str(value))
