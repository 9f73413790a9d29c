"""A sent job is checked, masked, redacted and encoded, before the writer sees it."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Struct

from trailkeeper.activity import CLOCK_SKEW_MAX_S, ID_MAX_BYTES, Instant, now_us, to_us
from trailkeeper.errors import FieldError, InvalidActivity, InvalidInput, TooLarge
from trailkeeper.jobs.body import BODY_MAX_BYTES, LINES_TOO_LONG, JobInput
from trailkeeper.jobs.lines import Packed, pack, pack_note
from trailkeeper.jobs.status import FINAL, WORDS, State
from trailkeeper.jobs.workato import FORM_2019
from trailkeeper.json_input import malformed, refuse_duplicates, refuse_lost_keys, what_is_invalid
from trailkeeper.redaction import Redactor, TooDeep

IDS = ("id", "flow_id", "parent_id", "calling_job_id")
TIMES = ("started_at", "completed_at")

_decode = msgspec.json.Decoder(JobInput).decode
_encode = msgspec.json.encode


class NewJob(Struct, frozen=True, kw_only=True):
    """A job, or news of one, that is ready to be kept. `fields` are those of Workato's body that
    were sent, without lines; what is None was not sent."""

    id: str
    recipe_id: str | None
    status: str
    fields: dict[str, Any]
    recipe_name: str | None
    is_test: bool | None
    lines: Packed | None

    @property
    def state(self) -> State:
        return WORDS[self.status]

    @property
    def is_final(self) -> bool:
        return self.state in FINAL


def prepare(raw: bytes | msgspec.Raw, redactor: Redactor) -> NewJob:
    """A job from its JSON. Raises MalformedBody for what is none, InvalidInput for what is no job
    or says something twice, TooLarge."""
    text = bytes(raw)
    sent = _read(text)
    if sent.status not in WORDS:
        raise _wrong(FieldError(f"must be one of {', '.join(WORDS)}", "/status"))
    try:
        fields = redactor.mapping(_fields(sent)) or {}
    except TooDeep as error:
        raise _wrong(FieldError(str(error), "/report")) from None
    if len(text) > BODY_MAX_BYTES and len(_encode(fields)) > BODY_MAX_BYTES:
        raise TooLarge(f"The job without its lines is larger than {BODY_MAX_BYTES} bytes")
    return NewJob(
        id=str(sent.id),
        recipe_id=None if sent.flow_id is UNSET else str(sent.flow_id),
        status=sent.status,
        fields=fields,
        recipe_name=None if sent.recipe_name is UNSET else redactor.text(sent.recipe_name),
        is_test=None if sent.is_test is UNSET else sent.is_test,
        lines=_lines(sent, redactor),
    )


def _read(text: bytes) -> JobInput:
    try:
        sent = _decode(text)
        refuse_lost_keys(text, _encode(sent))
    except msgspec.ValidationError as error:
        # A field that msgspec did not get to may stand twice or be no JSON at all; say that first.
        _refuse_duplicates(text)
        raise _wrong(what_is_invalid(error)) from None
    except InvalidActivity as error:
        raise InvalidInput(error.detail, *error.errors) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(error) from None
    return sent


def _fields(sent: JobInput) -> dict[str, Any]:
    """What was sent of Workato's fields, without lines; a time that is null is no news of one."""
    fields = {name: value for name in FORM_2019 if (value := getattr(sent, name)) is not UNSET}
    for name in IDS:
        if isinstance(value := fields.get(name), str) and len(value.encode()) > ID_MAX_BYTES:
            raise _wrong(FieldError(f"must be at most {ID_MAX_BYTES} bytes", f"/{name}"))
    for name in TIMES:
        if fields.get(name) is None:
            fields.pop(name, None)
        else:
            _check_time(name, fields[name])
    return fields


def time_us(text: str) -> int:
    """A time of a job's body in microseconds. Raises msgspec.ValidationError."""
    return to_us(msgspec.convert(text, Instant))


def _lines(sent: JobInput, redactor: Redactor) -> Packed | None:
    if sent.lines is UNSET or sent.lines is None:
        return None
    if isinstance(sent.lines, str):
        if sent.lines != LINES_TOO_LONG:
            raise _wrong(FieldError("must be an array of steps", "/lines"))
        return pack_note()
    return pack(sent.lines, redactor)


def _check_time(name: str, text: str) -> None:
    try:
        us = time_us(text)
    except (msgspec.ValidationError, OverflowError):
        raise _wrong(FieldError("must be an RFC 3339 time with an offset", f"/{name}")) from None
    if not 0 <= us <= now_us() + CLOCK_SKEW_MAX_S * 1_000_000:
        detail = "must be from 1970 to a day from now"
        raise _wrong(FieldError(detail, f"/{name}"))


def _refuse_duplicates(text: bytes) -> None:
    try:
        refuse_duplicates(text)
    except InvalidActivity as error:
        raise InvalidInput(error.detail, *error.errors) from None


def _wrong(error: FieldError) -> InvalidInput:
    return InvalidInput(f"{error.pointer or 'The job'} {error.detail}", error)
