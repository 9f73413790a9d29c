"""Activities from JSON, strictly: no duplicate keys, no unknown fields, every error points.

msgspec refuses NaN, lone surrogates, oversized numbers and unknown fields; of duplicate keys it
takes the last. Those are found by counting: what was decoded is encoded again, and when text and
encoding hold as many keys, no key was lost. Only when the counts differ is the text read again,
slowly and surely.
"""

from __future__ import annotations

import json
import re
from typing import Any, cast

import msgspec
import re2

from trailkeeper.activity import ActivityInput, encode_input
from trailkeeper.errors import FieldError, InvalidActivity, MalformedBody

_decoder = msgspec.json.Decoder(ActivityInput)
_decode = _decoder.decode
_decode_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_all = msgspec.json.Decoder(list[ActivityInput]).decode

_KEY = b'":'
_re2: Any = re2  # it has no types
_uncountable = _re2.compile(rb"[ \t\n\r]:|\\u00(22|3[aA])").search
"""With one of these in the text, its keys cannot be counted by looking for `":`."""
_UNKNOWN_FIELD = re.compile(r"^Object contains unknown field `(.*)`$", re.DOTALL)
_PATH = re.compile(r" - at `(\$[^`]*)`$")
_MISSING_FIELD = re.compile(r"^Object missing required field `(.*)`$", re.DOTALL)


def decode_activity(text: bytes | msgspec.Raw) -> ActivityInput:
    """One activity. Raises MalformedBody for what is not JSON, else InvalidActivity."""
    try:
        sent = _decode(text)
    except msgspec.ValidationError as error:
        # A field that msgspec did not get to may stand twice or be no JSON at all; say that first.
        refuse_duplicates(bytes(text))
        raise _invalid(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(error) from None
    raw = bytes(text)
    if not _has_each_key_once(raw, encode_input(sent)):
        refuse_duplicates(raw)
    return sent


def decode_clean(text: bytes, *, lines: bool) -> tuple[list[ActivityInput], bytes] | None:
    """All activities of an array, or of NDJSON, and their encoding; None where anything is wrong
    with one of them, or may be: then `decode_activity` says of each what."""
    try:
        sent = _decoder.decode_lines(text) if lines else _decode_all(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    encoded = encode_input(sent)
    return (sent, encoded) if _has_each_key_once(text, encoded) else None


def _has_each_key_once(raw: bytes, encoded: bytes) -> bool:
    """Whether that is sure of a text, by the encoding of what was decoded from it."""
    return raw.count(_KEY) == encoded.count(_KEY) and not _uncountable(raw)


def decode_items(text: bytes) -> list[msgspec.Raw]:
    """The items of a JSON array, each still text. Raises MalformedBody."""
    try:
        return _decode_items(text)
    except msgspec.ValidationError:
        raise MalformedBody("The body must be one activity or an array of activities") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(error) from None


def refuse_duplicates(text: bytes) -> None:
    """Raises InvalidActivity for a key that stands twice in one object, MalformedBody for what
    is not JSON."""
    duplicates: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) != len(items):
            seen: set[str] = set()
            duplicates.extend(key for key, _ in items if key in seen or seen.add(key))
        return found

    def constant(name: str) -> Any:
        raise ValueError(f"{name} is not JSON")

    try:
        json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    except (ValueError, RecursionError) as error:
        raise malformed(error) from None
    if duplicates:
        name = duplicates[0]
        raise InvalidActivity(
            f"The key `{name[:80]}` stands twice in one object; which of the two is meant?",
            FieldError("stands twice in one object", _find_pointer(text, name)),
        )


def malformed(error: Exception) -> MalformedBody:
    """The problem that a reader's error means."""
    if isinstance(error, RecursionError):
        return MalformedBody("The JSON is nested too deep", FieldError("is nested too deep"))
    detail = str(error).removeprefix("JSON is malformed: ")
    if "integer string conversion" in detail:
        detail = "a number has too many digits"
    return MalformedBody(f"The body is not valid JSON: {detail}", FieldError(detail))


def refuse_lost_keys(raw: bytes, encoded: bytes) -> None:
    """Raises what `refuse_duplicates` does, for a text and the encoding of all that was decoded
    from it."""
    if not _has_each_key_once(raw, encoded):
        refuse_duplicates(raw)


def _invalid(error: msgspec.ValidationError) -> InvalidActivity:
    found = what_is_invalid(error)
    return InvalidActivity(f"{found.pointer or 'The activity'} {found.detail}", found)


def what_is_invalid(error: msgspec.ValidationError) -> FieldError:
    """Where msgspec found something that does not fit, and what is wrong there."""
    message = str(error)
    pointer = ""
    if path := _PATH.search(message):
        message = message[: path.start()]
        pointer = to_pointer(path[1])
    if match := _UNKNOWN_FIELD.match(message):
        pointer = f"{pointer}/{_escape(match[1])}"
        detail = "is not a known field"
    elif match := _MISSING_FIELD.match(message):
        pointer = f"{pointer}/{_escape(match[1])}"
        detail = "is missing"
    else:
        detail = _readable(message)
    return FieldError(detail, pointer)


def _readable(message: str) -> str:
    for start, instead in (
        ("Expected `str` matching regex", "must match the pattern"),
        ("Expected `str` of length <=", "must be text of at most this many characters:"),
        ("Expected `str` of length >=", "must be text of at least this many characters:"),
        ("Expected `array` of length <=", "must be an array of at most this many items:"),
        ("Expected `array` of length >=", "must be an array of at least this many items:"),
        ("Expected", "must be"),
        ("Invalid RFC3339 encoded datetime", "must be an RFC 3339 time with an offset"),
    ):
        if message.startswith(start):
            return instead + message[len(start) :].replace(", got", ", is")
    return message


def to_pointer(path: str) -> str:
    """msgspec's `$.targets[0].id` as the JSON pointer `/targets/0/id`; up to the first key that
    msgspec does not name (`[...]`)."""
    parts = re.findall(r"\.([^.\[]+)|\[(\d+)\]", path.removeprefix("$").partition("[...]")[0])
    return "".join(f"/{_escape(name or number)}" for name, number in parts)


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _find_pointer(text: bytes, name: str) -> str:
    """Where the doubled key is, as far as a second look tells."""
    doubled = f"/{_escape(name)}"

    def walk(value: Any) -> str | None:
        if isinstance(value, _Pairs):
            names = [key for key, _ in value]
            if names.count(name) > 1:
                return doubled
            for key, inner in value:
                if (found := walk(inner)) is not None:
                    return f"/{_escape(key)}{found}"
        elif isinstance(value, list):
            for number, inner in enumerate(cast("list[Any]", value)):
                if (found := walk(inner)) is not None:
                    return f"/{number}{found}"
        return None

    return walk(json.loads(text, object_pairs_hook=_Pairs)) or doubled


class _Pairs(list[tuple[str, Any]]):
    """An object's pairs, all of them; a list of its own so that arrays are not taken for one."""
