"""From what a producer sent to what the writer stores: checks, redaction, canonical bytes.

All that can be done before the writer's turn is done here, in the producer's thread; what
depends on the commit (`seq`, `received_at`, the keys) is filled in by ledger/append.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b, sha256
from typing import Any, TypeVar, cast

from msgspec import Struct
from msgspec.structs import replace

from trailkeeper.activity import (
    ACTIVITY_MAX_BYTES,
    CLOCK_SKEW_MAX_S,
    ID_MAX_BYTES,
    Activity,
    ActivityInput,
    Actor,
    Context,
    Target,
    encode_input,
    now_us,
    random_bytes,
    rfc3339,
    to_us,
)
from trailkeeper.errors import FieldError, InvalidActivity
from trailkeeper.ledger.cut import cut_to_fit
from trailkeeper.ledger.index import (
    FAILED,
    SUCCEEDED,
    Token,
    address_tokens,
    hashed,
    searchable,
)
from trailkeeper.ledger.parties import Parties, Party, is_plain
from trailkeeper.ledger.personal import (
    Metadata,
    Rest,
    content_of,
    decode_personal,
    encode,
    metadata_of,
    rest_of,
)
from trailkeeper.redaction import Redactor

P = TypeVar("P", Actor, Target)


class Prepared(Struct, frozen=True, gc=False, kw_only=True, array_like=True):
    """An activity ready for the writer. `public_rest` is its public part from `action` on;
    `content_hash` tells whether the same is sent again, and is empty without a sender's id."""

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
    def has_failed(self) -> bool:
        return self.tokens.startswith(FAILED)

    @property
    def size(self) -> int:
        """Bytes that it holds in the writer's queue, roughly."""
        return len(self.personal) + len(self.public_rest) + len(self.text) + 500


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
    texts = not clean_texts and redactor.suspects(encode_input(sent))
    if texts:
        sent = _with_clean_names(sent, redactor)
    parties = Parties.of(sent)
    occurred_at = to_us(sent.occurred_at) if sent.occurred_at else None
    _check(sent, occurred_at, parties, errors)
    metadata = metadata_of(sent, redactor, texts=texts)
    rest = rest_of(sent, redactor, texts=texts)
    content = content_of(parties, metadata, rest)
    environment = sent.environment or "prod"
    start, end = _public_around_digest(sent, environment, parties)
    body = content
    room = ACTIVITY_MAX_BYTES - len(start) - len(end) - 500
    if len(body) > room:
        cut, body = cut_to_fit(decode_personal(content), room, encode)
        rest = Rest(reason=cut.reason, changes=cut.changes, details=cut.details)
    salt = random_bytes(16)
    content_hash = b""
    if sent.id is not None:
        sent_bytes = b"%b\n%b%b\n%b" % (str(occurred_at).encode(), start, end, content)
        content_hash = blake2b(sent_bytes, digest_size=16).digest()
    return Prepared(
        id=sent.id,
        action=sent.action,
        occurred_at=occurred_at,
        actor=parties.actor.party,
        on_behalf_of=parties.other.party if parties.other else None,
        targets=tuple([target.party for target in parties.targets]),
        environment=environment,
        source=sent.context.source if sent.context else None,
        tokens=_tokens(sent),
        text=_text(label, parties, sent.context, rest, metadata),
        public_rest=start + sha256(salt + body).hexdigest().encode() + end,
        salt=salt,
        personal=body,
        content_hash=content_hash,
    )


_PUBLIC_START = (
    b'{"action":"%b","outcome":"%b","environment":"%b","actor":%b,"targets":[%b],'
    b'"personal_sha256":"'
)


def _public_around_digest(
    sent: ActivityInput,
    environment: str,
    parties: Parties,
) -> tuple[bytes, bytes]:
    """The public part from `action` on, before and after the digest of the personal part.

    It is the JSON of an object with these members in this order, without white space. Action,
    outcome and environment have nothing in them that JSON would escape.
    """
    start = _PUBLIC_START % (
        sent.action.encode(),
        b"failure" if sent.outcome == "failure" else b"success",
        environment.encode(),
        parties.actor.reference,
        b",".join([target.reference for target in parties.targets]),
    )
    other = parties.other
    return start, b'","on_behalf_of":%b}' % other.reference if other else b'"}'


def public_bytes(
    prepared: Prepared, id: str, seq: int, received_at: int, occurred_at: int
) -> bytes:
    """The whole public part: one JSON object, its members in this order, times in microseconds."""
    return b'{"id":%b,"seq":%d,"occurred_at":%d,"received_at":%d,%b' % (
        encode(id),
        seq,
        occurred_at,
        received_at,
        prepared.public_rest[1:],
    )


def _check(
    sent: ActivityInput,
    occurred_at: int | None,
    parties: Parties,
    errors: Iterable[FieldError],
) -> None:
    """Raises InvalidActivity with these errors and with what the structs' constraints cannot
    say."""
    found = [] if occurred_at is None else _problems_of_time(occurred_at)
    if not (parties.have_plain_ids and (sent.id is None or is_plain(sent.id))):
        found += _problems_of_ids(sent)
    found += errors
    if found:
        raise InvalidActivity(_summary(found), *found)


def _problems_of_time(occurred_at: int) -> list[FieldError]:
    if occurred_at < 0:
        return [FieldError("is before 1970", "/occurred_at")]
    if occurred_at > (latest := now_us() + CLOCK_SKEW_MAX_S * 1_000_000):
        detail = f"is in the future: the latest time taken now is {rfc3339(latest)}"
        return [FieldError(detail, "/occurred_at")]
    return []


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


def index_of(kept: Activity, label: str) -> tuple[str, str]:
    """What stands in the index for an activity that was recorded: the tokens that need no
    dictionary, and the text. Both are as they were made from what was sent, but that the values of
    an object may stand in another order."""
    who = (kept.actor, kept.on_behalf_of, *kept.targets)
    metadata = [party.metadata if party else None for party in who]
    rest = Rest(reason=kept.reason, changes=kept.changes, details=kept.details)
    return _tokens(kept), _text(label, Parties.of(kept), kept.context, rest, metadata)


def _tokens(sent: ActivityInput | Activity) -> str:
    """The tokens that need no dictionary; the first is the outcome's."""
    outcome = FAILED if sent.outcome == "failure" else SUCCEEDED
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


def _text(
    label: str,
    parties: Parties,
    context: Context | None,
    rest: Rest,
    metadata: Metadata,
) -> str:
    parts = [label, parties.actor.text]
    if parties.other:
        parts.append(parties.other.text)
    parts += [target.text for target in parties.targets]
    if rest.reason:
        parts.append(rest.reason)
    if context and context.ip_address:
        parts.append(context.ip_address)
    if rest.details:
        collect_texts(rest.details, parts)
    for change in rest.changes or ():
        parts.append(change.field)
        collect_texts(change.old, parts)
        collect_texts(change.new, parts)
    for more in metadata:
        collect_texts(more, parts)
    return searchable("\n".join(parts))


def collect_texts(value: Any, parts: list[str]) -> None:
    """Add what is searchable in a JSON value: its texts and numbers."""
    if isinstance(value, str):
        parts.append(value)
    elif isinstance(value, dict):
        for inner in cast("dict[str, Any]", value).values():
            if isinstance(inner, str):
                parts.append(inner)
            else:
                collect_texts(inner, parts)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            collect_texts(inner, parts)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        parts.append(str(value))


tokens_of, text_of = _tokens, _text
"""Also for activities that were recorded before (ledger/moving)."""
