"""Checks a value against a JSON Schema that a stranger wrote, and stays bounded doing so.

Nothing is ever fetched: a schema refers only to itself. The work of one check, the length of a
pattern and of the texts it is tried on are limited, because a check runs where everyone waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple, Protocol, cast
from urllib.parse import unquote

import msgspec
import re2
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import SchemaError, ValidationError

SCHEMA_MAX_BYTES = 64 * 1024
PATTERN_MAX = 200
"""Longest regular expression, in characters. RE2 matches in time linear to the text."""

MATCHED_MAX = 1_000
"""Longest text that a regular expression is tried on; a longer one does not pass."""

STEPS_MAX = 50_000
"""Most keywords that one check evaluates: some tenths of a second."""

PROBLEMS_MAX = 20

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class SchemaRefusedError(ValueError):
    """A schema that is refused: where in it, and why."""


class Violation(NamedTuple):
    """Where a value breaks its schema, as an RFC 6901 pointer into the value, and the rule.

    The message quotes the schema and never the value, which may be nobody's business.
    """

    pointer: str
    message: str


class _Error(Protocol):
    validator: str
    validator_value: object
    message: str
    absolute_path: Iterable[str | int]


class _Validator(Protocol):
    def iter_errors(self, instance: object) -> Iterator[_Error]: ...


class _TooMuchWorkError(Exception):
    pass


_re2: Any = re2  # it has no types
_Keyword = Callable[[Any, Any, Any, Any], Iterable[Any] | None]
_steps_left: ContextVar[list[int]] = ContextVar("steps_left")


def encode(schema: Mapping[str, Any]) -> bytes:
    """A schema's one encoding, whatever the order of its keys. Raises SchemaRefusedError."""
    try:
        encoded = msgspec.json.encode(schema, order="deterministic")
    except (TypeError, RecursionError) as error:
        raise SchemaRefusedError(f"the schema is not JSON: {error}") from error
    if len(encoded) > SCHEMA_MAX_BYTES:
        raise SchemaRefusedError(f"the schema is longer than {SCHEMA_MAX_BYTES // 1024} KiB")
    return encoded


@lru_cache(maxsize=512)
def compiled(encoded: bytes) -> _Validator:
    """The validator of an encoded schema, made once. Raises SchemaRefusedError."""
    schema = cast("dict[str, Any]", msgspec.json.decode(encoded))
    try:
        for pointer, part in _objects(schema, ""):
            _refuse_what_is_unsafe(schema, pointer, part)
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        where = _pointer(cast("_Error", error).absolute_path) or "the top"
        raise SchemaRefusedError(
            f"not a JSON Schema 2020-12 at {where}: {error.message}"
        ) from error
    except RecursionError as error:
        raise SchemaRefusedError("the schema is nested too deeply") from error
    return cast("_Validator", _Bounded(schema))


def violations(validator: _Validator, value: object) -> list[Violation]:
    """What is wrong with a value, at most PROBLEMS_MAX things; nothing if it passes."""
    token = _steps_left.set([STEPS_MAX])
    try:
        if any(len(key) > MATCHED_MAX for _, part in _objects(value, "") for key in part):
            return [Violation("", f"has a key of more than {MATCHED_MAX} characters")]
        errors = islice(validator.iter_errors(value), PROBLEMS_MAX)
        return [Violation(_pointer(e.absolute_path), _message(e)) for e in errors]
    except RecursionError:
        return [Violation("", "is nested too deeply to be checked, or its schema has no end")]
    except _TooMuchWorkError:
        return [Violation("", "takes too long to check against its schema")]
    finally:
        _steps_left.reset(token)


def _refuse_what_is_unsafe(root: object, pointer: str, part: Mapping[str, Any]) -> None:
    where = pointer or "the top"
    dialect = part.get("$schema")
    if isinstance(dialect, str) and dialect.rstrip("#") != DIALECT:
        raise SchemaRefusedError(f"`$schema` at {where} must be {DIALECT}")
    if pointer and isinstance(part.get("$id"), str):
        raise SchemaRefusedError(f"`$id` at {where}: only the top of a schema may have one")
    for keyword in ("$ref", "$dynamicRef"):
        reference = part.get(keyword)
        if isinstance(reference, str) and not _is_inside(root, reference):
            raise SchemaRefusedError(
                f"`{keyword}` at {where} must lead to a part of the schema itself"
            )
    if "patternProperties" in part and not pointer.endswith("/properties"):
        raise SchemaRefusedError(
            f"`patternProperties` at {where} is not supported; use `properties`,"
            " `additionalProperties` or `propertyNames`"
        )
    if isinstance(pattern := part.get("pattern"), str):
        if len(pattern) > PATTERN_MAX:
            raise SchemaRefusedError(
                f"the pattern at {where} is longer than {PATTERN_MAX} characters"
            )
        _expression(pattern, where)


@lru_cache(maxsize=1_024)
def _expression(pattern: str, where: str) -> Any:
    """A regular expression of RE2, which has no look-around and no backreferences.

    Raises SchemaRefusedError for what RE2 does not take.
    """
    options: Any = _re2.Options()
    options.log_errors = False
    try:
        return _re2.compile(pattern, options=options)
    except _re2.error as error:
        raise SchemaRefusedError(
            f"the pattern at {where} cannot be used: {error} (the syntax is RE2's)"
        ) from error


def _is_inside(root: object, reference: str) -> bool:
    """Whether a reference is to an anchor of the schema or a pointer to something in it."""
    if not reference.startswith("#"):
        return False
    fragment = unquote(reference[1:])
    if fragment and not fragment.startswith("/"):
        anchors = (part.get(k) for _, part in _objects(root, "") for k in _ANCHORS)
        return fragment in anchors
    here = root
    for step in fragment.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(here, dict) and key in here:
            here = cast("dict[str, object]", here)[key]
        elif isinstance(here, list) and key.isdecimal() and int(key) < len(cast("list[Any]", here)):
            here = cast("list[object]", here)[int(key)]
        else:
            return False
    return isinstance(here, dict | bool)


def _objects(value: object, pointer: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, dict):
        known = cast("dict[str, object]", value)
        yield pointer, known
        for key, item in known.items():
            yield from _objects(item, f"{pointer}/{_escaped(key)}")
    elif isinstance(value, list):
        for at, item in enumerate(cast("list[object]", value)):
            yield from _objects(item, f"{pointer}/{at}")


def _pointer(path: Iterable[str | int]) -> str:
    return "".join(f"/{_escaped(str(step))}" for step in path)


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def _message(error: _Error) -> str:
    if error.validator == "required":
        return error.message
    if error.validator in {"additionalProperties", "unevaluatedProperties"}:
        return "has a key that the schema does not allow"
    try:
        rule = msgspec.json.encode(error.validator_value).decode()
    except (TypeError, RecursionError):
        rule = ""
    return f"does not meet {error.validator} {rule}"[:200].strip()


def _counted(keyword: _Keyword) -> _Keyword:
    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterable[Any] | None:
        left = _steps_left.get()
        left[0] -= 1
        if left[0] < 0:
            raise _TooMuchWorkError
        return keyword(validator, value, instance, schema)

    return check


def _pattern(_validator: Any, value: Any, instance: Any, _schema: Any) -> Iterable[Any] | None:
    if not isinstance(instance, str):
        return None
    if len(instance) > MATCHED_MAX:
        return [ValidationError("too long to be matched")]
    if not _expression(value, "the schema").search(instance):
        return [ValidationError("does not match")]
    return None


_ANCHORS = ("$anchor", "$dynamicAnchor")
_KEYWORDS = cast("Mapping[str, _Keyword]", Draft202012Validator.VALIDATORS)
# `vars`, because jsonschema gives `extend` no types.
_extend = cast("Callable[..., Callable[[Mapping[str, Any]], object]]", vars(validators)["extend"])
_Bounded = _extend(
    Draft202012Validator,
    {name: _counted(keyword) for name, keyword in _KEYWORDS.items()}
    | {"pattern": _counted(_pattern)},
)
