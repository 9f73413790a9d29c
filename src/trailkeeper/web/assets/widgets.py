"""How a value is filled in: each widget shows a value as a form's texts and reads it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import msgspec
from msgspec import UNSET, Struct

from trailkeeper.assets.content import Column, Rate, Use
from trailkeeper.errors import Problem
from trailkeeper.json_input import refuse_duplicates
from trailkeeper.web.text import as_json

Raw = dict[str, list[str]]
"""The texts of a field: of each of its parts all that a form has of that name."""


class Wrong(ValueError):
    """What was filled in is not a value; the message says why."""


class Widget(Struct, frozen=True):
    """`macro` draws it. A field that has parts is sent as `<field>.<part>`. `read` gives UNSET to
    leave the value as it is, and raises Wrong."""

    macro: str
    show: Callable[[Any], Raw]
    read: Callable[[Raw], Any]
    parts: tuple[str, ...] = ("",)


def _text(raw: Raw, part: str = "") -> str:
    return next(iter(raw.get(part) or [""]), "").replace("\r\n", "\n")


def _show_text(value: Any) -> Raw:
    return {"": ["" if value is None else str(value)]}


def _read_line(raw: Raw) -> str:
    return _text(raw).strip()


def _show_json(value: Any) -> Raw:
    return {"": [as_json(value) if value else "{}"]}


def _read_json(raw: Raw) -> dict[str, Any]:
    text = _text(raw).strip().encode("utf-8", "replace")
    if not text:
        return {}
    try:
        refuse_duplicates(text)
        value = msgspec.json.decode(text)
    except Problem as problem:
        raise Wrong(f"is not valid JSON: {problem.errors[0].detail}") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise Wrong(f"is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise Wrong("must be a JSON object, in braces")
    return cast("dict[str, Any]", value)


def _show_check(value: Any) -> Raw:
    return {"": ["1"] if value else []}


def _read_check(raw: Raw) -> bool:
    return bool(_text(raw))


def _read_secret(raw: Raw) -> Any:
    return _text(raw) or UNSET


def _show_nothing(_value: Any) -> Raw:
    return {}


def _read_secrets(raw: Raw) -> Any:
    names, values = raw.get("name", []), raw.get("value", [])
    if raw.get("none"):
        return {}
    given: dict[str, str] = {}
    for name, value in zip(names, values, strict=False):
        if not name.strip() and not value:
            continue
        if not name.strip():
            raise Wrong("needs a name beside each value")
        if name.strip() in given:
            raise Wrong("has the same name twice")
        given[name.strip()] = value
    return given or UNSET


def _read_one(raw: Raw) -> str | None:
    return next((id.strip() for id in raw.get("", []) if id.strip()), None)


def _show_many(value: Any) -> Raw:
    return {"": list(value or [])}


def _read_many(raw: Raw) -> list[str]:
    return list(dict.fromkeys(id.strip() for id in raw.get("", []) if id.strip()))


def _show_uses(value: list[Use]) -> Raw:
    return {"": [f"{use.kind}:{use.id}" for use in value or []]}


def _read_uses(raw: Raw) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for text in _read_many(raw):
        kind, mark, id = text.partition(":")
        if not mark:
            raise Wrong(f"must be `kind:id`, such as `connection:10001`, not {text[:60]!r}")
        found.append({"kind": kind, "id": id})
    return found


def _show_rate(value: Rate | None) -> Raw:
    if value is None:
        return {"requests": [""], "per": [""]}
    return {"requests": [str(value.requests)], "per": [value.per]}


def _read_rate(raw: Raw) -> dict[str, Any] | None:
    text = _text(raw, "requests").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Wrong("must be a whole number, or empty for no limit")
    return {"requests": int(text), "per": _text(raw, "per")}


def _show_columns(value: list[Column]) -> Raw:
    return {
        "name": [column.name for column in value or []],
        "type": [column.type for column in value or []],
        "was": [str(at) for at in range(len(value or []))],
    }


def _read_columns(raw: Raw) -> list[dict[str, str]]:
    """Columns that have a name; an empty name takes one away."""
    named = zip(raw.get("name", []), raw.get("type", []), strict=False)
    return [{"name": name.strip(), "type": type} for name, type in named if name.strip()]


def _read_text(raw: Raw) -> str:
    return _text(raw)


WIDGETS: dict[str, Widget] = {
    "line": Widget("line", _show_text, _read_line),
    "text": Widget("text", _show_text, _read_text),
    "code": Widget("code", _show_text, _read_text),
    "json": Widget("json", _show_json, _read_json),
    "check": Widget("check", _show_check, _read_check),
    "choice": Widget("choice", _show_text, _read_line),
    "secret": Widget("secret", _show_text, _read_secret),
    "secrets": Widget("secrets", _show_nothing, _read_secrets, ("name", "value", "none")),
    "asset": Widget("asset", _show_text, _read_one),
    "assets": Widget("assets", _show_many, _read_many),
    "uses": Widget("assets", _show_uses, _read_uses),
    "rate": Widget("rate", _show_rate, _read_rate, ("requests", "per")),
    "columns": Widget("columns", _show_columns, _read_columns, ("name", "type", "was")),
}
"""All widgets by name."""
