"""What requests about assets say: bodies, preconditions, and where a listing goes on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec
from litestar import Request
from litestar.datastructures import State
from msgspec import UNSET, Struct, UnsetType

from trailkeeper.api.asset_operations import as_id
from trailkeeper.assets.asset import ALL, HOME
from trailkeeper.assets.content import CONTENT_MAX_BYTES
from trailkeeper.assets.kind import Kind
from trailkeeper.errors import (
    FieldError,
    InvalidActivity,
    InvalidInput,
    InvalidParameter,
    TooLarge,
)
from trailkeeper.json_input import malformed, refuse_duplicates
from trailkeeper.query.cursor import CursorError, make_cursor, read_cursor

T = TypeVar("T")
ApiRequest = Request[Any, Any, State]

BODY_MAX = CONTENT_MAX_BYTES + 64 * 1024
UNKNOWN = -1
"""The revision that no asset has."""

_ETAG = re.compile(r'(?:W/)?"(\d{1,18})"')


class Listing(Struct, frozen=True):
    """What a listing asks for. `folder` is None at the root."""

    kind: str
    folder: str | None = ALL
    parent: str | None = None
    q: str = ""
    state: str = ""
    deleted: bool = False


class Sent(Struct, frozen=True):
    """The parts of an asset's flat body; UNSET for what it does not say."""

    name: str | UnsetType
    folder_id: str | UnsetType | None
    parent_id: str | UnsetType | None
    content: dict[str, Any]


def read(body: bytes, type: type[T]) -> T:
    """The body as this struct; an empty body is an empty object. Raises MalformedBody, TooLarge,
    InvalidInput."""
    try:
        return msgspec.convert(_object(body), type)
    except msgspec.ValidationError as error:
        detail, _, at = str(error).partition(" - at `$")
        pointer = at.rstrip("`").replace(".", "/")
        raise InvalidInput(
            f"{pointer or 'The body'}: {detail}", FieldError(detail, pointer)
        ) from None


def read_asset(body: bytes, kind: Kind) -> Sent:
    """The body of a create or an update. Raises MalformedBody, TooLarge, InvalidInput."""
    values = _object(body)
    name = _take(values, "name", str)
    folder: Any = UNSET
    parent: Any = UNSET
    if kind.place == "folder":
        folder = _take_id(values, "folder_id")
    for alias in ("parent_id", *kind.parent_aliases) if kind.place == "parent" else ():
        given = _take_id(values, alias)
        if given is not UNSET and parent not in (UNSET, given):
            detail = "names another parent than `parent_id`"
            raise InvalidInput(f"/{alias} {detail}", FieldError(detail, f"/{alias}"))
        parent = parent if given is UNSET else given
    return Sent(name, folder, parent, values)


def wanted_revision(request: ApiRequest) -> int | None:
    """The revision that `If-Match` asks for; None where any will do."""
    header = request.headers.get("if-match")
    if header is None or header.strip() == "*":
        return None
    found = _ETAG.fullmatch(header.strip())
    return int(found[1]) if found else UNKNOWN


def listing(request: ApiRequest, kind: Kind) -> Listing:
    """What the query parameters ask for. Raises InvalidParameter for one that is not known."""
    given = _parameters(request, _listing_parameters(kind))
    folder = given.get("folder_id", ALL)
    parents = [given[one] for one in ("parent_id", *kind.parent_aliases) if one in given]
    return Listing(
        kind=kind.name,
        folder=None if folder in ("", HOME) else folder,
        parent=parents[0] if parents else None,
        q=given.get("q", ""),
        state=_one_of("state", given.get("state", ""), ("", *kind.states)),
        deleted=flag(request, "deleted"),
    )


def known_parameters(request: ApiRequest, *names: str) -> None:
    """Refuse any parameter but these. Raises InvalidParameter."""
    _parameters(request, names)


def cursor_of(secret: bytes, workspace: int, asked: Listing, position: int | None) -> str | None:
    """The cursor to what follows."""
    return None if position is None else make_cursor(secret, workspace, asked, "id", position)


def position_of(secret: bytes, workspace: int, asked: Listing, cursor: str | None) -> int | None:
    """Where a listing goes on. Raises InvalidParameter."""
    try:
        return read_cursor(secret, workspace, asked, "id", cursor) if cursor else None
    except CursorError as error:
        raise _invalid("cursor", str(error)) from None


def flag(request: ApiRequest, name: str) -> bool:
    """A parameter that is true or false. Raises InvalidParameter."""
    return _one_of(name, request.query_params.get(name, ""), ("", "true", "false")) == "true"


def _listing_parameters(kind: Kind) -> tuple[str, ...]:
    place: tuple[str, ...] = ()
    if kind.place == "folder":
        place = ("folder_id",)
    if kind.place == "parent":
        place = ("parent_id", *kind.parent_aliases)
    return (*place, "q", "state", "deleted", "limit", "cursor")


def _parameters(request: ApiRequest, known: Iterable[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            raise _invalid(name[:80], f"is not a parameter here; there are {', '.join(known)}")
        if name in given:
            raise _invalid(name, "is given twice")
        given[name] = value
    return given


def _one_of(name: str, value: str, values: tuple[str, ...]) -> str:
    if value not in values:
        raise _invalid(name, f"is `{value[:80]}`, must be one of {', '.join(filter(None, values))}")
    return value


def _object(body: bytes) -> dict[str, Any]:
    if len(body) > BODY_MAX:
        raise TooLarge(f"The body is longer than {BODY_MAX:,} bytes")
    try:
        refuse_duplicates(body or b"{}")
        return msgspec.json.decode(body or b"{}", type=dict[str, Any])
    except InvalidActivity as error:
        raise InvalidInput(error.detail, *error.errors) from None
    except msgspec.ValidationError as error:
        raise InvalidInput(f"The body: {error}", FieldError(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise malformed(error) from None


def _take(values: dict[str, Any], name: str, type: Any) -> Any:
    """Take a field out of a body; UNSET where it is not there."""
    try:
        return msgspec.convert(values.pop(name), type) if name in values else UNSET
    except msgspec.ValidationError as error:
        raise InvalidInput(f"/{name}: {error}", FieldError(str(error), f"/{name}")) from None


def _take_id(values: dict[str, Any], name: str) -> Any:
    id = _take(values, name, str | int | None)
    return id if id is UNSET else as_id(id)


def _invalid(parameter: str, detail: str) -> InvalidParameter:
    return InvalidParameter(f"`{parameter}` {detail}", FieldError(detail, parameter=parameter))
