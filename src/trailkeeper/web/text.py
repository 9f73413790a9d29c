"""Text from the log, made harmless to look at: nothing invisible, no line turned round."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import msgspec

# Zero-width joiners stay: emoji and several scripts need them.
_JOINERS = "\u200c\u200d"
_ONE_LINE_MAX = 60


def visible(text: str) -> str:
    """`text` with control characters as symbols and invisible ones as `[U+202E]`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, text))


def as_json(value: object) -> str:
    """Indented JSON of a struct or plain value, in which nothing invisible is left unescaped.

    It is still the same JSON: what is not shown as itself is written as `\\uXXXX`.
    """
    text = json.dumps(msgspec.to_builtins(value), indent=2, ensure_ascii=False)
    return "".join(c if c == "\n" or not _hidden(c) else _escaped(c) for c in text)


def value_text(value: Any) -> str:
    """A value of a change or a detail: text as it is, everything else as JSON."""
    if value is msgspec.UNSET:
        return ""
    if isinstance(value, str):
        return visible(value)
    text = as_json(value)
    short = " ".join(line.strip() for line in text.splitlines())
    return short if len(short) <= _ONE_LINE_MAX else text


def _hidden(character: str) -> bool:
    return (
        unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs", "Cn", "Co")
        and character not in _JOINERS
    )


def _visible(character: str) -> str:
    if not _hidden(character):
        return character
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"[U+{code:04X}]"


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
