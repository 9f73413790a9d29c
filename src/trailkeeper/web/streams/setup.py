"""A stream's settings: its name, what it includes, where it leads, and how its messages look."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response
from litestar.params import FromPath
from msgspec import Struct

from trailkeeper.errors import FieldError, InvalidInput, Problem
from trailkeeper.streaming.destinations import DESTINATIONS
from trailkeeper.streaming.field import fields_of
from trailkeeper.streaming.formats import FORMATS
from trailkeeper.streaming.shape import COMPRESSIONS, Shape
from trailkeeper.streaming.stream import Mask, Stream
from trailkeeper.web.forms import Sent, attempt, many
from trailkeeper.web.routes import form, page
from trailkeeper.web.sections import check_form, done
from trailkeeper.web.security import WebRequest
from trailkeeper.web.session import by_of, installation_of
from trailkeeper.web.streams.overview import ONE
from trailkeeper.web.streams.show import MANAGE, draw, path_of, stream_at
from trailkeeper.web.text import as_json, visible

SETTINGS = f"{ONE}/settings"
FIRST_KIND = next(iter(DESTINATIONS))
EMPTY_ROWS = 2
MASKS = (("drop", "Leave out"), ("hash", "Hash"), ("keep", "Keep"))
PACKINGS = (
    ("batch", "A file for a batch, as JSON Lines"),
    ("each", "A file for each message"),
    ("parquet", "A file for a batch, as Parquet"),
)


class NameForm(Struct):
    name: str = ""
    csrf: str = ""


class IncludeForm(Struct):
    include: str | list[str] = ""
    csrf: str = ""


class MessageForm(Struct):
    """`pointer` and `mask` are rows; one without a pointer is none. With `preview` nothing is
    saved. Packing and compression come where the destination is an object store."""

    format: str = ""
    template: str = ""
    query: str = ""
    pointer: str | list[str] = ""
    mask: str | list[str] = ""
    packing: str = ""
    compression: str = ""
    preview: str = ""
    csrf: str = ""


class Draft(Struct, frozen=True):
    """How the messages look in the form: as they are kept, or as they were entered."""

    format: str
    template: str
    query: str
    masks: list[tuple[str, str]]
    packing: str
    compression: str


class Wrong(Struct, frozen=True):
    """What is wrong with the fields of each form: two of them may have a field of one name."""

    include: dict[str, str]
    destination: dict[str, str]
    messages: dict[str, str]
    name: dict[str, str]


@page(SETTINGS, MANAGE)
def settings_page(request: WebRequest, id: FromPath[str]) -> Response[str]:
    return _settings(request, stream_at(request, id))


@form(f"{ONE}/name", MANAGE)
def rename_stream(request: WebRequest, id: FromPath[str], data: Sent[NameForm]) -> Response[str]:
    check_form(request, data.csrf)
    one, streams = stream_at(request, id), installation_of(request).streams
    problem = attempt(lambda: streams.rename(by_of(request), id, data.name))
    return _settings(request, one, problem, name=data.name) if problem else _saved(id, "named")


@form(f"{ONE}/include", MANAGE)
def include_in_stream(
    request: WebRequest, id: FromPath[str], data: Sent[IncludeForm]
) -> Response[str]:
    check_form(request, data.csrf)
    one, by, streams = stream_at(request, id), by_of(request), installation_of(request).streams
    chosen = many(data.include)
    problem = attempt(
        lambda: streams.include(
            by,
            id,
            job_history="job_history" in chosen,
            recipe_step_details="recipe_step_details" in chosen,
            login_user_activity="login_user_activity" in chosen,
        )
    )
    return _settings(request, one, problem, chosen=chosen) if problem else _saved(id, "included")


@form(f"{ONE}/destination", MANAGE)
def set_destination(
    request: WebRequest, id: FromPath[str], data: Sent[dict[str, str]]
) -> Response[str]:
    check_form(request, data.get("csrf", ""))
    one, by, streams = stream_at(request, id), by_of(request), installation_of(request).streams
    kind = data.get("destination", "")
    given = {name: value for name, value in data.items() if name not in ("csrf", "destination")}
    problem = attempt(lambda: streams.set_destination(by, id, kind, given))
    if problem:
        return _settings(request, one, problem, kind=kind, given=given)
    return _saved(id, "destination")


@form(f"{ONE}/messages", MANAGE)
def set_messages(request: WebRequest, id: FromPath[str], data: Sent[MessageForm]) -> Response[str]:
    """What they look like, or with `preview` only a sample of that."""
    check_form(request, data.csrf)
    one, by, streams = stream_at(request, id), by_of(request), installation_of(request).streams
    draft = _draft(data)
    if data.preview:
        return _settings(request, one, draft=draft, is_previewing=True)
    problem = attempt(lambda: streams.reshape(by, id, _shape(draft)))
    return _settings(request, one, problem, draft=draft) if problem else _saved(id, "messages")


def _saved(id: str, slug: str) -> Response[str]:
    return done(path_of(id, "/settings"), slug)


def _draft(data: MessageForm) -> Draft:
    rows = zip(many(data.pointer), many(data.mask), strict=False)
    return Draft(
        format=data.format,
        template=data.template.replace("\r\n", "\n"),
        query=data.query.strip(),
        masks=[(pointer.strip(), mask) for pointer, mask in rows if pointer.strip()],
        packing=data.packing,
        compression=data.compression,
    )


def _kept(one: Stream) -> Draft:
    return Draft(
        format=one.format,
        template=one.template,
        query=one.query,
        masks=list(one.masks.items()),
        packing=one.packing,
        compression=one.compression,
    )


def _shape(draft: Draft) -> Shape:
    """Raises InvalidInput for what is no choice of the form."""
    given = {
        "format": draft.format,
        "template": draft.template,
        "query": draft.query,
        "masks": _masks(draft),
        "packing": draft.packing or None,
        "compression": draft.compression or None,
    }
    try:
        return msgspec.convert(given, Shape)
    except msgspec.ValidationError:
        detail = "is none of the choices"
        raise InvalidInput(f"The packing {detail}", FieldError(detail, "/packing")) from None


def _masks(draft: Draft) -> dict[str, Mask]:
    known = dict[str, Mask](drop="drop", hash="hash", keep="keep")
    return {pointer: known.get(mask, "drop") for pointer, mask in draft.masks}


def _settings(
    request: WebRequest,
    one: Stream,
    problem: Problem | None = None,
    *,
    name: str | None = None,
    chosen: list[str] | None = None,
    kind: str = "",
    given: dict[str, str] | None = None,
    draft: Draft | None = None,
    is_previewing: bool = False,
) -> Response[str]:
    kind = kind or request.query_params.get("kind", "") or one.destination or FIRST_KIND
    kind = kind if kind in DESTINATIONS else FIRST_KIND
    is_in_use = kind == one.destination
    in_use = DESTINATIONS.get(one.destination or "")
    shown = draft or _kept(one)
    sample, trouble = _sample(request, one, shown)
    problem = problem or (trouble if is_previewing else None)
    found = {error.pointer.lstrip("/"): error.detail for error in problem.errors} if problem else {}
    return draw(
        request,
        one,
        "/settings",
        "stream_settings.html",
        problem=problem,
        wrong=Wrong(
            include={} if chosen is None else found,
            destination={} if given is None else found,
            messages={} if draft is None else found,
            name={} if name is None else found,
        ),
        name=one.name if name is None else name,
        included=one.included if chosen is None else chosen,
        kind=kind,
        kinds=[(one.name, one.label) for one in installation_of(request).streams.kinds()],
        fields=fields_of(DESTINATIONS[kind].settings),
        values=given or (one.settings if is_in_use else {}),
        kept=one.settings if is_in_use else {},
        draft=shown,
        masks=[*shown.masks, *[("", "drop")] * EMPTY_ROWS],
        mask_choices=MASKS,
        formats=list(FORMATS.values()),
        packings=PACKINGS,
        compressions=COMPRESSIONS,
        is_object_store=bool(in_use and in_use.is_object_store),
        sample=sample,
        is_previewing=is_previewing,
    )


def _sample(request: WebRequest, one: Stream, draft: Draft) -> tuple[str, Problem | None]:
    """A message with these settings, or why there is none."""
    overviews, found = installation_of(request).stream_overviews, list[str]()
    problem = attempt(
        lambda: found.append(
            overviews.sample(one.workspace, draft.format, draft.template, _masks(draft))
        )
    )
    return (_readable(found[0]) if found else ""), problem


def _readable(message: str) -> str:
    try:
        value: Any = msgspec.json.decode(message)
    except msgspec.DecodeError:
        return visible(message)
    return as_json(value)


ROUTES = [settings_page, rename_stream, include_in_stream, set_destination, set_messages]
