"""A reader of the Common Event Format, written from its specification and not from the writer.

Seven fields of the header are separated by pipes; in the header a pipe and a backslash are escaped
by a backslash. The extension is pairs of a key, an equals sign and a value; in values an equals
sign and a backslash are escaped by a backslash, and line breaks are `\\n` and `\\r`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

HEADER = ("version", "vendor", "product", "device_version", "event_class", "name", "severity")
_KEY = re.compile(r"(?:^|(?<= ))([A-Za-z0-9_]+)=")


class Line(NamedTuple):
    header: dict[str, str]
    extension: dict[str, str]


def read_cef(line: bytes) -> Line:
    """Raises ValueError for what is not one line of the format."""
    text = line.decode()
    if len(text.splitlines()) != 1:
        raise ValueError("more than one line")
    fields, rest = _header(text)
    version, number = fields[0].split(":")
    if (version, number) != ("CEF", "0"):
        raise ValueError("not CEF:0")
    return Line(dict(zip(HEADER, [number, *fields[1:]], strict=True)), _extension(rest))


def _header(text: str) -> tuple[list[str], str]:
    fields, field, at = [], "", 0
    while len(fields) < len(HEADER):
        char = text[at]
        if char == "\\":
            at += 1
            if text[at] not in "\\|":
                raise ValueError(f"the header has the escape \\{text[at]}")
            field += text[at]
        elif char == "|":
            fields.append(field)
            field = ""
        else:
            field += char
        at += 1
    return fields, text[at:]


def _extension(text: str) -> dict[str, str]:
    keys = [match for match in _KEY.finditer(text) if not _is_escaped(text, match.end() - 1)]
    found: dict[str, str] = {}
    ends = [*(match.start() - 1 for match in keys[1:]), len(text)]
    if keys and keys[0].start() != 0:
        raise ValueError("the extension does not begin with a key")
    for match, end in zip(keys, ends, strict=True):
        if match[1] in found:
            raise ValueError(f"{match[1]} is there twice")
        found[match[1]] = _value(text[match.end() : end])
    return found


def _is_escaped(text: str, at: int) -> bool:
    backslashes = 0
    while at > backslashes and text[at - backslashes - 1] == "\\":
        backslashes += 1
    return backslashes % 2 == 1


def _value(text: str) -> str:
    made, at = "", 0
    while at < len(text):
        char = text[at]
        if char == "=":
            raise ValueError("an equals sign is not escaped")
        if char == "\\":
            at += 1
            char = {"n": "\n", "r": "\r", "\\": "\\", "=": "="}[text[at]]
        made += char
        at += 1
    return made
