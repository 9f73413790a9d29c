"""The little language of the catalogue's sentences.

    Recipe *target* was moved[ from *previous_path*][ to *path|folder*] by *actor*.

`*a|b*` is a hole that takes the first of its names that has a value. What stands in brackets goes
away when one of its holes has none. There is no escape: other asterisks and brackets are errors.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

SENTENCE_MAX = 1_024
ALWAYS_THERE = frozenset({"actor", "target"})
"""Every activity has these, so that a hole with one of them is never empty."""

_TOKEN = re.compile(r"\*([a-z][a-z0-9_]*(?:\|[a-z][a-z0-9_]*)*)\*|([*\[\]])")


class Hole(NamedTuple):
    """A place for a value: the first of these names that has one."""

    names: tuple[str, ...]


class Optional(NamedTuple):
    """A part that is left out where one of its holes stays empty."""

    parts: tuple[str | Hole, ...]


Template = tuple[str | Hole | Optional, ...]


class TemplateError(ValueError):
    """A sentence that cannot be read: what is wrong, and at which character."""


@lru_cache(maxsize=1_024)
def parse(sentence: str) -> Template:
    """The parts of a sentence. Raises TemplateError."""
    if len(sentence) > SENTENCE_MAX:
        raise TemplateError(f"a sentence has at most {SENTENCE_MAX} characters")
    done: list[str | Hole | Optional] = []
    inner: list[str | Hole] | None = None
    opened = end = 0
    for match in _TOKEN.finditer(sentence):
        parts = done if inner is None else inner
        if match.start() > end:
            parts.append(sentence[end : match.start()])
        end = match.end()
        names, mark = match.groups()
        if names:
            parts.append(Hole(tuple(names.split("|"))))
        elif mark == "[" and inner is None:
            inner, opened = [], match.start()
        elif mark == "]" and inner is not None:
            if not any(isinstance(part, Hole) for part in inner):
                raise TemplateError(f"the brackets at character {opened + 1} hold no *name*")
            done.append(Optional(tuple(inner)))
            inner = None
        else:
            raise TemplateError(f"unexpected {mark!r} at character {match.start() + 1}")
    if inner is not None:
        raise TemplateError(f"the bracket at character {opened + 1} is not closed")
    if end < len(sentence):
        done.append(sentence[end:])
    return tuple(done)


def holes(template: Template) -> list[Hole]:
    """Every hole, those in brackets too."""
    inner = [part for opt in template if isinstance(opt, Optional) for part in opt.parts]
    return [part for part in (*template, *inner) if isinstance(part, Hole)]


def may_stay_empty(template: Template) -> list[Hole]:
    """The holes outside brackets that an activity may have nothing for."""
    outer = [part for part in template if isinstance(part, Hole)]
    return [hole for hole in outer if ALWAYS_THERE.isdisjoint(hole.names)]


def is_reserved(name: str) -> bool:
    """Whether a hole's name means a part of the activity and not one of its details."""
    return re.fullmatch(r"actor|on_behalf_of|target([2-9]|[1-9][0-9]+)?", name) is not None
