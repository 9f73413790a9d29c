"""The language of message templates: Liquid, without tags that read other templates.

A template that passes `check_template` is read by the library in time linear to its length.
Rendering it is another matter; see templates.py.
"""

from __future__ import annotations

import importlib
import re
from functools import lru_cache
from typing import Any

from trailkeeper.assets.findings import shown

TEMPLATE_MAX = 100_000
"""Longest template, in characters."""

MARKUP_MAX = 2_000
"""Most tags and outputs in a template."""

MARKUP_LENGTH_MAX = 2_000
"""Longest tag or output, in characters."""

BLANKS_MAX = 100
"""Most blanks in a row within a tag or an output."""

NESTING_MAX = 20
LOOPS_MAX = 10_000
"""Most rounds of a loop, with those of the loops around it multiplied."""

TEXT_MAX_BYTES = 256 * 1024
"""Longest text that a template makes."""

VARIABLES_MAX_BYTES = 1024 * 1024
"""What a template may keep in its variables."""

PROBLEMS_MAX = 20

_OTHERS_READERS = ("include", "render")
_CLOSING = {"{{": "}}", "{%": "%}"}
_OPEN = re.compile(r"\{[{%]")
_VERBATIM = re.compile(r"\{%-?\s{0,100}(raw|doc)\s{0,100}-?%\}")
_END_OF = {name: re.compile(rf"\{{%-?\s*end{name}\s*-?%\}}") for name in ("raw", "doc")}
_BLANKS = re.compile(rf"\s{{{BLANKS_MAX + 1}}}")


def check_template(text: str) -> list[str]:
    """What is wrong with a template, each with its line; nothing if it can be rendered."""
    if len(text) > TEMPLATE_MAX:
        return [f"is longer than {TEMPLATE_MAX:,} characters"]
    if wrong := _wrong_markup(text):
        return [_at(text, *wrong)]
    try:
        used = _environment().from_string(text).analyze(include_partials=False).filters
    except _errors().LiquidError as error:
        return [reason(error)]
    except RecursionError:
        return ["is nested too deep"]
    return [
        _at(text, places[0].index, f"there is no filter `{shown(name)}`")
        for name, places in used.items()
        if name not in _environment().filters
    ][:PROBLEMS_MAX]


def rendered(text: str, data: dict[str, Any]) -> str:
    """What a checked template makes of the data. Raises ValueError with the reason, and may take
    all the time and memory that there is: to be called in a process of its own only."""
    try:
        return _environment().from_string(text).render(data)
    except _errors().LiquidError as error:
        raise ValueError(reason(error)) from None
    except RecursionError:
        raise ValueError("is nested too deep") from None


def reason(error: Any) -> str:
    """An error of the library in a sentence."""
    why = _LIMITS.get(type(error).__name__) or shown(str(error.message))
    token = error.token
    return _at(token.source, token.start_index, why) if token else why


def _at(text: str, index: int, why: str) -> str:
    """What is wrong, with the line where."""
    line = text.count("\n", 0, max(index, 0)) + 1
    return f"line {line}: {why}"


_LIMITS = {
    "BlockNestingError": f"tags are nested deeper than {NESTING_MAX} levels",
    "LoopIterationLimitError": f"a loop has more than {LOOPS_MAX:,} rounds",
    "OutputStreamLimitError": f"makes more than {TEXT_MAX_BYTES // 1024} KiB of text",
    "LocalNamespaceLimitError": f"keeps more than {VARIABLES_MAX_BYTES // 1024} KiB in variables",
}


def _wrong_markup(text: str) -> tuple[int, str] | None:
    """Where a tag does not end soon, and what is wrong with it: the library's expressions would go
    over it again and again."""
    count = position = 0
    while found := _OPEN.search(text, position):
        count += 1
        start, mark = found.start(), found[0]
        end = text.find(_CLOSING[mark], start + 2)
        if end < 0:
            return start, f"`{mark}` is not closed by `{_CLOSING[mark]}`"
        if end - start > MARKUP_LENGTH_MAX:
            return start, f"`{mark}` is longer than {MARKUP_LENGTH_MAX:,} characters"
        if count > MARKUP_MAX:
            return start, f"there are more than {MARKUP_MAX:,} tags"
        if _BLANKS.search(text, start, end):
            return start, f"has more than {BLANKS_MAX} blanks in a row in a tag"
        position = end + 2
        if verbatim := _VERBATIM.match(text, start):
            last = _END_OF[verbatim[1]].search(text, verbatim.end())
            if last is None:
                return start, f"`{verbatim[1]}` is not closed by `end{verbatim[1]}`"
            position = last.end()
    return None


@lru_cache(maxsize=1)
def _environment() -> Any:
    """The library takes a moment to load, which only those wait for who have templates."""
    liquid = importlib.import_module("liquid")

    class Limited(liquid.Environment):
        block_nesting_limit = NESTING_MAX
        context_depth_limit = NESTING_MAX * 2
        loop_iteration_limit = LOOPS_MAX
        output_stream_limit = TEXT_MAX_BYTES
        local_namespace_limit = VARIABLES_MAX_BYTES

    environment: Any = Limited()
    for tag in _OTHERS_READERS:
        del environment.tags[tag]
    return environment


def _errors() -> Any:
    return importlib.import_module("liquid.exceptions")
