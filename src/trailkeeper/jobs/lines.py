"""The steps of a job as they are kept: one JSON array, masked, redacted and packed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec
import zstandard
from msgspec import UNSET, Struct

from trailkeeper.errors import FieldError, InvalidInput, Problem
from trailkeeper.jobs.body import LINES_MAX_BYTES, LINES_TOO_LONG, StepInput
from trailkeeper.json_input import refuse_lost_keys, what_is_invalid
from trailkeeper.redaction import Redactor, TooDeep

MASKED = "<redacted>"
"""What stands instead of the input and output of a masked step; Workato's word."""

_decode = msgspec.json.Decoder(StepInput).decode
_decode_steps = msgspec.json.Decoder(list[msgspec.Raw] | str).decode
_encode = msgspec.json.encode


class Packed(Struct, frozen=True):
    """Steps, packed; `digest` is the SHA-256 of their JSON."""

    packed: bytes
    count: int
    raw_bytes: int
    digest: bytes


def pack(steps: Iterable[msgspec.Raw], redactor: Redactor) -> Packed:
    """Check each step, mask and redact it, and pack all. What would become longer than
    LINES_MAX_BYTES is not kept: LINES_TOO_LONG stands there instead.

    Holds one step in memory at a time. Raises InvalidInput, MalformedBody.
    """
    packer = zstandard.ZstdCompressor().compressobj()
    digest = hashlib.sha256()
    parts: list[bytes] = []
    count, size = 0, 1

    def add(part: bytes) -> None:
        digest.update(part)
        parts.append(packer.compress(part))

    for raw in steps:
        step = _step(raw, count, redactor)
        size += len(step) + 1
        if size > LINES_MAX_BYTES:
            return pack_note()
        add((b"," if count else b"[") + step)
        count += 1
    add(b"]" if count else b"[]")
    parts.append(packer.flush())
    return Packed(b"".join(parts), count, size if count else 2, digest.digest())


def pack_note() -> Packed:
    """What is kept of steps that are too long."""
    note = _encode(LINES_TOO_LONG)
    packed = zstandard.ZstdCompressor().compress(note)
    return Packed(packed, 0, len(note), hashlib.sha256(note).digest())


def unpack(packed: bytes) -> bytes:
    """The JSON of packed steps."""
    return zstandard.ZstdDecompressor().decompressobj().decompress(packed)


def _step(raw: msgspec.Raw, number: int, redactor: Redactor) -> bytes:
    """One step as it is kept."""
    at = f"/lines/{number}"
    try:
        step = _decode(raw)
        encoded = _encode(step)
        refuse_lost_keys(bytes(raw), encoded)
    except msgspec.ValidationError as error:
        raise _wrong(at, what_is_invalid(error)) from None
    except Problem as problem:
        raise InvalidInput(problem.detail, *(_under(at, one) for one in problem.errors)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _wrong(at, FieldError(f"is not valid JSON: {error}")) from None
    fields = {
        name: value
        for name in StepInput.__struct_fields__
        if (value := getattr(step, name)) is not UNSET
    }
    if step.mask_data is True:
        fields |= {name: MASKED for name in ("input", "output") if name in fields}
    try:
        clean = redactor.mapping(fields, texts=redactor.suspects(encoded))
    except TooDeep as error:
        raise _wrong(at, FieldError(str(error))) from None
    unchanged = clean is fields and step.mask_data is not True
    return encoded if unchanged else _encode(clean)


def _under(at: str, error: FieldError) -> FieldError:
    return FieldError(error.detail, at + error.pointer)


def _wrong(at: str, error: FieldError) -> InvalidInput:
    found = _under(at, error)
    return InvalidInput(f"{found.pointer} {found.detail}", found)


def steps_in(lines: bytes) -> list[msgspec.Raw] | None:
    """The steps in the JSON of a job's lines; None where LINES_TOO_LONG stands there."""
    found = _decode_steps(lines)
    return None if isinstance(found, str) else found
