"""YAML that means what it says: read with the line of every field, written so that it reads back.

Only libyaml's events are used, never its constructors: a text makes texts, numbers, truth values,
lists and mappings with text keys, as JSON has them, and nothing else. Of YAML 1.2 a plain value is
a number only where JSON would have it so: `no` and `007` stay texts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

import yaml
from msgspec import Struct

DEPTH_MAX = 64

_untyped: Any = yaml  # some of it has no types
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_JSON_INT = re.compile(r"-?(0|[1-9][0-9]*)")
_JSON_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT_MAX = 2**63


class YamlProblem(ValueError):
    """What is wrong with a text, in which line (from 1), at which field (a JSON pointer)."""

    def __init__(self, detail: str, line: int, field: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.line = line
        self.field = field


class Document(Struct, frozen=True):
    """What a text holds, and the line of each field by its JSON pointer."""

    value: dict[str, Any]
    lines: dict[str, int]

    def line_of(self, pointer: str) -> int:
        """The line of a field, or of the nearest field around it."""
        while pointer and pointer not in self.lines:
            pointer = pointer.rpartition("/")[0]
        return self.lines.get(pointer, 1)


def read(text: str) -> Document:
    """The one mapping that a text holds. Raises YamlProblem: for what is no YAML, for anchors,
    aliases and tags, for a key that stands twice, for more than DEPTH_MAX levels."""
    try:
        return _Reader().read(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise YamlProblem(f"is no YAML: {error.problem or error.context}", line) from None
    except yaml.YAMLError as error:
        raise YamlProblem(f"is no YAML: {str(error).splitlines()[0]}", 1) from None


def write(value: Mapping[str, Any]) -> str:
    """A text that `read` gives this value for."""
    return yaml.dump(
        dict(value),
        Dumper=_Dumper,
        allow_unicode=True,
        default_flow_style=False,
        sort_keys=False,
        width=100,
    )


def pointer(parent: str, key: str | int) -> str:
    """The JSON pointer of what is in a mapping or list."""
    return f"{parent}/{str(key).replace('~', '~0').replace('/', '~1')}"


def _events(text: str) -> Iterator[yaml.Event]:
    return _untyped.parse(text, Loader=_Loader)


class _Open(Struct):
    """A list or mapping that is being read."""

    at: str
    value: list[Any] | dict[str, Any]
    key: str | None = None


class _Reader:
    def __init__(self) -> None:
        self._lines: dict[str, int] = {}
        self._open: list[_Open] = []
        self._root: Any = None
        self._documents = 0

    def read(self, text: str) -> Document:
        for event in _events(text):
            self._take(event, event.start_mark.line + 1)
        if not isinstance(self._root, dict):
            raise YamlProblem("must hold fields, as in `description: …`", 1)
        return Document(cast("dict[str, Any]", self._root), self._lines)

    def _take(self, event: yaml.Event, line: int) -> None:
        if isinstance(event, yaml.AliasEvent):
            raise YamlProblem("has an alias (*…); aliases are not taken", line, self._here())
        if isinstance(event, yaml.NodeEvent):
            self._refuse_extras(event, line)
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise YamlProblem("holds a second document; one file is one asset", line)
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event, line)
        elif isinstance(event, yaml.MappingStartEvent):
            self._enter({}, line)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._enter([], line)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()

    def _refuse_extras(self, event: yaml.NodeEvent, line: int) -> None:
        if event.anchor is not None:
            raise YamlProblem("has an anchor (&…); anchors are not taken", line, self._here())
        if getattr(event, "tag", None) is not None:
            raise YamlProblem("has a tag (!…); tags are not taken", line, self._here())

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        if self._wants_key():
            self._take_key(event.value, line)
            return
        self._put(_plain(event.value, line, self._here()) if not event.style else event.value, line)

    def _enter(self, value: list[Any] | dict[str, Any], line: int) -> None:
        if self._wants_key():
            raise YamlProblem("has a key that is no text", line, self._here())
        if len(self._open) >= DEPTH_MAX:
            raise YamlProblem(f"is nested deeper than {DEPTH_MAX} levels", line, self._here())
        at = self._here()
        self._put(value, line)
        self._open.append(_Open(at, value))

    def _wants_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and not self._has_key()

    def _has_key(self) -> bool:
        return self._open[-1].key is not None

    def _take_key(self, key: str, line: int) -> None:
        inside = self._open[-1]
        at = pointer(inside.at, key)
        if key in cast("dict[str, Any]", inside.value):
            raise YamlProblem(f"stands twice; the first is in line {self._lines[at]}", line, at)
        inside.key = key
        self._lines[at] = line

    def _put(self, value: Any, line: int) -> None:
        here = self._here()
        self._lines.setdefault(here, line)
        if not self._open:
            self._root = value
            return
        inside = self._open[-1]
        if isinstance(inside.value, list):
            inside.value.append(value)
        elif inside.key is not None:
            inside.value[inside.key] = value
            inside.key = None

    def _here(self) -> str:
        """The pointer of what comes next, or of the mapping whose next key comes."""
        if not self._open:
            return ""
        inside = self._open[-1]
        if isinstance(inside.value, list):
            return pointer(inside.at, len(inside.value))
        return inside.at if inside.key is None else pointer(inside.at, inside.key)


def _plain(text: str, line: int, at: str) -> Any:
    """What a value without quotes is. Raises YamlProblem for a number that JSON cannot hold."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _JSON_INT.fullmatch(text):
        if len(text) > 20 or not -_INT_MAX <= int(text) < _INT_MAX:
            raise YamlProblem("is a number with too many digits", line, at)
        return int(text)
    if _JSON_FLOAT.fullmatch(text):
        if not math.isfinite(number := float(text)):
            raise YamlProblem("is a number that is too large", line, at)
        return number
    return text


class _Dumper(yaml.SafeDumper):
    """Writes texts so that neither we nor a reader of YAML 1.1 takes them for something else."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        """Lists are indented below their key."""
        return super().increase_indent(flow, indentless=False)


def _write_text(dumper: Any, text: str) -> yaml.ScalarNode:
    if (
        not text.replace("\n", "").isprintable()
        or text in _CONSTANTS
        or _JSON_FLOAT.fullmatch(text)
    ):
        style = '"'
    else:
        style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _write_text)
