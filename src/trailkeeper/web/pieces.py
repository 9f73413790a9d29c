"""The pieces of HTML that stand on a page a hundred times. As Jinja macros they were most of what a
page cost.

Everything that comes in is text and goes through `escape`; what is given out is safe to insert.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from markupsafe import Markup, escape

from trailkeeper.web.rows import Part, When
from trailkeeper.web.static_files import assets

_INTO_MAIN = (
    'hx-target="#main" hx-select="#main" hx-swap="outerHTML show:window:top" hx-push-url="true"'
)


@lru_cache(maxsize=1_024)
def icon(name: str, more: str = "") -> Markup:
    """A picture beside a text that says the same; `more` are further classes."""
    return _html(
        f'<svg class="icon {escape(more)}" aria-hidden="true" focusable="false">'
        f'<use href="{assets().url("vendor/icons.svg")}#{escape(name)}"></use></svg>'
    )


@lru_cache(maxsize=1_024)
def tile(name: str, tone: str) -> Markup:
    """The icon that a row starts with."""
    if tone == "failure":
        failed = '<span class="unseen">Failed. </span>'
        return _html(f'<span class="tile tile-failure">{icon("x")}{failed}</span>')
    return _html(f'<span class="tile tile-{escape(tone)}">{icon(name)}</span>')


def sentence(parts: Iterable[Part]) -> Markup:
    """A row's sentence, its names with their links."""
    return _html("".join([_part(part) for part in parts]))


def when(at: When) -> Markup:
    """A time, relative; the page's script keeps it so."""
    return _html(
        f'<time datetime="{escape(at.iso)}" title="{escape(at.exact)}" data-relative>'
        f"{escape(at.relative)}</time>"
    )


@lru_cache(maxsize=1_024)
def to_main(href: str) -> Markup:
    """The attributes of a link whose page comes in the place of the present one's main part."""
    safe = escape(href)
    return _html(f'href="{safe}" hx-get="{safe}" {_INTO_MAIN}')


def _part(part: Part) -> str:
    text = escape(part.text)
    if part.href:
        link = f'href="{escape(part.href)}"' if part.is_page else to_main(part.href)
        return f'<a class="name" {link} title="{escape(part.title)}"><bdi>{text}</bdi></a>'
    return f"<b><bdi>{text}</bdi></b>" if part.name else text


def _html(text: str) -> Markup:
    return Markup(text)  # noqa: S704 # every text in it has been escaped
